"""Why: a playbook can be well formed and still prove nothing; better to hear it now than after the drill.

A rule is a pure function of a draft. It says where, what and what to do; it never looks at a cluster.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import combinations
from typing import NamedTuple

from chaosctl.catalog.kinds import Catalog
from chaosctl.catalog.loading import CHECKS, PlaybookFile
from chaosctl.catalog.resolve import Question, entry_names, probes_of, question
from chaosctl.spec import ClockName, EDetector, Fault, Probe, Role, Span, Tested
from chaosctl.spec.amounts import show_duration, show_share, unit_of
from chaosctl.spec.arrivals import Arrival, Trace
from chaosctl.spec.parameters import look
from chaosctl.spec.places import Source
from chaosctl.spec.playbook import CheckText, EntryText, PlaybookSpec
from chaosctl.spec.problems import Path, Problem, Severity
from chaosctl.stats import samples_needed
from chaosctl.streams.trace import expected

EVEN = frozenset({"poisson", "constant"})
LONGEST_RUN = timedelta(hours=24)
_ROLES = dict(zip(CHECKS, (Role.STEADY, Role.EXPECT, Role.ABORT), strict=True))


class Test(NamedTuple):
    """A check that statistics decide. `allowed` is the bad share that it allows, None where it names none."""

    text: CheckText
    role: Role
    rule: Tested
    counts: bool
    allowed: float | None


class Draft(NamedTuple):
    """A playbook and the code of its kinds, as the rules see it."""

    source: Source
    spec: PlaybookSpec
    probes: Mapping[str, Probe]
    faults: tuple[Fault, ...]
    tellers: Mapping[ClockName, list[str]]
    """The kinds of probe that tell a clock, of all that there are."""
    trace: Sequence[float] = ()

    def expected(self, arrival: Arrival, time: timedelta) -> float:
        """How many requests come in so long."""
        seconds = max(time.total_seconds(), 0.0)
        if isinstance(arrival, Trace):
            return expected(self.trace, arrival, seconds)
        return arrival.expected(seconds)

    def checks(self) -> Iterator[tuple[Path, Role, CheckText]]:
        """Every check with its place, effects among them."""
        written = (self.spec.steady_state, self.spec.expect, self.spec.abort)
        for (section, role), texts in zip(_ROLES.items(), written, strict=True):
            for index, text in enumerate(texts):
                yield ("spec", section, index), role, text
        for index, entry in enumerate(self.spec.timeline):
            if entry.effect:
                yield ("spec", "timeline", index, "effect"), Role.EFFECT, entry.effect

    def entries(self) -> Iterator[tuple[Path, EntryText, Fault]]:
        for index, (entry, fault) in enumerate(zip(self.spec.timeline, self.faults, strict=True)):
            yield ("spec", "timeline", index), entry, fault

    def expected_clocks(self) -> Iterator[tuple[Path, ClockName, timedelta | None]]:
        for place, role, check in self.checks():
            if role is Role.EXPECT and check.clock:
                yield place, check.clock, check.within

    def tests(self) -> Iterator[tuple[Path, Test]]:
        """Every check that a test decides, with its place."""
        for place, role, text in self.checks():
            asked = question(text, role, self.probes[text.probe]) if text.probe else None
            if asked and isinstance(asked.decision, Tested):
                yield place, Test(text, role, asked.decision, asked.probe.counts, _bad_share(asked))

    def error(self, place: Path, message: str, hint: str = "") -> Problem:
        return self.source.problem(place, message, hint)

    def warning(self, place: Path, message: str, hint: str = "") -> Problem:
        return self.source.problem(place, message, hint, severity=Severity.WARNING)


Rule = Callable[[Draft], Iterator[Problem]]


def lint(file: PlaybookFile, catalog: Catalog) -> list[Problem]:
    """What is wrong with a playbook that can be read: errors and warnings, by place."""
    spec = file.playbook.spec
    faults = tuple(catalog.fault(entry.inject.model_dump(by_alias=True)) for entry in spec.timeline)
    tellers = {
        clock: [name for name, kind in catalog.probes.items() if kind.tells is clock] for clock in ClockName
    }
    draft = Draft(file.source, spec, probes_of(spec, catalog), faults, tellers, file.trace)
    found = [problem for rule in RULES for problem in rule(draft)]
    return sorted(found, key=lambda problem: (problem.line, problem.column))


def steady_state_reads_something(draft: Draft) -> Iterator[Problem]:
    """Without it nothing tells a healthy target from a broken one, before or after."""
    if not draft.spec.steady_state:
        hint = "add a check of a probe, like {probe: errors, max: 1%}"
        yield draft.error(("spec", "steadyState"), "the steady state reads nothing", hint)


def clocks_are_expectations(draft: Draft) -> Iterator[Problem]:
    """A clock is read when it is over; it can neither start nor stop a run, nor show an effect."""
    for place, role, check in draft.checks():
        if check.clock and role is not Role.EXPECT:
            yield draft.error((*place, "clock"), f"a clock cannot be read in {role}", 'move it to "expect"')


def clocks_can_be_told(draft: Draft) -> Iterator[Problem]:
    """Some clocks stop only where a steady-state check of the right probe tells them."""
    told = {draft.probes[check.probe].tells for check in draft.spec.steady_state if check.probe}
    for place, clock, _ in draft.expected_clocks():
        if clock is ClockName.ROLLBACK and clock not in told:
            tellers = ", ".join(draft.tellers[clock]) or "none is installed"
            hint = f"add a check of a probe that tells it to steadyState ({tellers})"
            yield draft.error((*place, "clock"), f"nothing here can answer {clock}", hint)
        if clock in {ClockName.IMPACT, ClockName.RECOVER} and draft.spec.workload is None:
            yield draft.warning((*place, "clock"), f"{clock} is seen in answers only", "add a workload")


def detection_needs_somebody(draft: Draft) -> Iterator[Problem]:
    """Whether anybody watches the target is known only when the target is."""
    for place, clock, within in draft.expected_clocks():
        if clock is ClockName.DETECT and within is not None and not any(one.reaction for one in draft.faults):
            hint = "no fault here asks for a reaction; make sure that something watches the target"
            yield draft.warning((*place, "clock"), "detect may stay unknown", hint)


def reactions_end_before_the_hold(draft: Draft) -> Iterator[Problem]:
    """A reaction that may come after our own undo cannot be told from it."""
    for place, clock, within in draft.expected_clocks():
        if clock not in {ClockName.DETECT, ClockName.MITIGATE, ClockName.ROLLBACK, ClockName.RECOVER}:
            continue
        for _, entry, fault in draft.entries():
            shown = draft.spec.stable_for if clock is ClockName.RECOVER else timedelta()
            if fault.reaction and within is not None and within + shown >= entry.hold:
                takes = show_duration(within) + (f" and {show_duration(shown)} to be shown" if shown else "")
                hint = (
                    f"hold it for longer, or expect it within less than {show_duration(entry.hold - shown)}"
                )
                message = f"{clock} may take {takes}, but {fault.kind} is undone after that"
                yield draft.error((*place, "within"), message, hint)


def runs_end_on_the_same_day(draft: Draft) -> Iterator[Problem]:
    """An entry that outlives its run is most likely a slip of a unit."""
    for place, entry, _ in draft.entries():
        if _end(entry) > LONGEST_RUN:
            message = (
                f"ends after {show_duration(_end(entry))}; a run lasts {show_duration(LONGEST_RUN)} at most"
            )
            yield draft.error(
                place, message, "is a unit wrong? For something regular, run the playbook again"
            )


def holds_are_long_enough(draft: Draft) -> Iterator[Problem]:
    """What is over after one look may never be seen."""
    slowest = max((check.every for _, _, check in draft.checks() if check.probe), default=timedelta())
    for place, entry, _ in draft.entries():
        if entry.hold < 2 * slowest:
            hint = f"hold it for {show_duration(2 * slowest)} or more, or check more often"
            yield draft.error((*place, "hold"), "the hold is shorter than two check intervals", hint)


def entries_do_not_collide(draft: Draft) -> Iterator[Problem]:
    """Two entries that change the same thing at once would undo each other."""
    for (_, one, first), (place, other, second) in combinations(draft.entries(), 2):
        if first.touches and first.touches == second.touches and _overlap(one, other):
            message = f"{second.kind} overlaps with {first.kind}: both change the {first.touches}"
            yield draft.error((*place, "at"), message, "let the first one end before the second begins")
    for place, entry, fault in draft.entries():
        if entry.repeat and fault.touches and entry.repeat.every < entry.hold:
            hint = f"repeat it every {show_duration(entry.hold)} or more, or hold it for less"
            yield draft.error((*place, "repeat"), f"{fault.kind} overlaps with its own repetition", hint)


def effects_can_be_seen(draft: Draft) -> Iterator[Problem]:
    """A fault that nobody felt proves nothing; some cannot say themselves how one feels them."""
    for place, entry, fault in draft.entries():
        if entry.effect is None and not fault.shows_itself:
            hint = 'add "effect": a check that holds only while the fault is there'
            yield draft.error(place, f"nothing shows the effect of {fault.kind}", hint)


def probes_are_used(draft: Draft) -> Iterator[Problem]:
    """A probe that nothing reads is most likely a check that was forgotten."""
    used = {check.probe for _, _, check in draft.checks()}
    for name in draft.probes:
        if name not in used:
            place = ("spec", "probes", name)
            yield draft.source.problem(
                place, "no check reads this probe", "remove it", key=True, severity=Severity.WARNING
            )


def bounds_have_the_unit_of_the_probe(draft: Draft) -> Iterator[Problem]:
    """`max: 1%` of a latency, or `max: 50` of a share, is a mistake that would pass unseen."""
    for place, _, check in draft.checks():
        unit = draft.probes[check.probe].unit if check.probe else ""
        for field, value in (("max", check.max), ("min", check.min)):
            if value is not None and check.probe:
                yield from _of_a_bound(draft, (*place, field), value, unit)


def checks_can_be_decided(draft: Draft) -> Iterator[Problem]:
    """An e-process needs some answers before it can say that a rate is within its bound."""
    for place, test in draft.tests():
        if test.rule.window is None:
            yield from _answers_suffice(draft, place, test)
        else:
            yield from _windows_suffice(draft, place, test, test.rule.window)


def tests_count_trials(draft: Draft) -> Iterator[Problem]:
    """What is no share of trials, compares, or cannot be shown at all, is beyond these tests."""
    for place, test in draft.tests():
        where = (*place, "decide") if test.text.decide else place
        if not test.counts:
            yield draft.error(where, "the probe counts nothing that could be tested", 'use "kind: fixed"')
        elif test.text.from_steady:
            message = "a test needs a bound of its own, not one from the steady state"
            yield draft.error(where, message, 'remove "fromSteady", or use "kind: fixed"')
        elif test.allowed is not None and test.allowed <= 0:
            hint = 'allow a little, or say "over: run" or "decide: {kind: fixed}"'
            yield draft.error(place, "no number of answers can show that not one is bad", hint)


def tests_fit_their_role(draft: Draft) -> Iterator[Problem]:
    """The steady state is certified, and tells relapses anyway; a window holds a reading at least."""
    for place, test in draft.tests():
        if test.role is Role.STEADY and isinstance(test.rule, EDetector):
            message = "a steady state is certified by an eProcess; its relapses are detected anyway"
            yield draft.error((*place, "decide"), message, 'use "kind: eProcess"')
        if test.rule.window is not None and test.rule.window < test.text.every:
            hint = f"make it {show_duration(test.text.every)} or more, or check more often"
            yield draft.error((*place, "decide", "window"), "the window is shorter than a reading", hint)


def facts_are_not_decided(draft: Draft) -> Iterator[Problem]:
    """A share of the whole run is what it is."""
    for place, _, check in draft.checks():
        if check.over is Span.RUN and check.decide:
            message = '"over: run" is a fact about the run, there is nothing to decide'
            yield draft.error((*place, "decide"), message, 'remove "decide" or "over"')


def recovery_has_the_time(draft: Draft) -> Iterator[Problem]:
    """What must be good for so long cannot be shown in less."""
    if draft.spec.stable_for >= draft.spec.recover_within:
        hint = f'raise "recoverWithin" above {show_duration(draft.spec.stable_for)}, or lower "stableFor"'
        yield draft.error(("spec",), "recoverWithin leaves no time to be good for stableFor", hint)


def comparisons_have_even_traffic(draft: Draft) -> Iterator[Problem]:
    """Where bursts come and go, before and after differ by the traffic alone."""
    workload = draft.spec.workload
    if workload is None or workload.arrival.process in EVEN:
        return
    for place, _, check in draft.checks():
        if check.from_steady:
            message = f"compares before with after, and {workload.arrival.process} traffic differs by itself"
            yield draft.warning((*place, "fromSteady"), message, "use a bound of its own")


def names_are_unique(draft: Draft) -> Iterator[Problem]:
    """A verdict names its checks, and entries are known by their ids."""
    seen: set[str] = set()
    for place, _, check in draft.checks():
        if check.name is not None and check.name in seen:
            yield draft.error((*place, "name"), "another check has this name", "give it one of its own")
        seen.add(check.name or "")
    ids: set[str] = set()
    for place, entry, _ in draft.entries():
        if entry.id is not None and entry.id in ids:
            yield draft.error((*place, "id"), "another entry has this id", "give it one of its own")
        ids.add(entry.id or "")


def streams_are_sent(draft: Draft) -> Iterator[Problem]:
    """What is sent on top of a workload needs one; and what reads it must name the entry that sends it."""
    names = entry_names(draft.spec)
    sending = {name for name, (_, _, fault) in zip(names, draft.entries(), strict=True) if fault.sends}
    for place, _, fault in draft.entries():
        if fault.sends and draft.spec.workload is None:
            hint = 'add a "workload": whose callers are they who should not notice?'
            yield draft.error((*place, "inject"), f"{fault.kind} adds to a workload, and there is none", hint)
    for name, probe in draft.probes.items():
        stream = getattr(probe, "stream", "")
        if stream and stream not in sending:
            message = f'no entry "{stream}" sends traffic'
            yield draft.error(("spec", "probes", name, "stream"), message, f"there is {_listed(sending)}")


RULES: tuple[Rule, ...] = (
    steady_state_reads_something,
    clocks_are_expectations,
    clocks_can_be_told,
    detection_needs_somebody,
    reactions_end_before_the_hold,
    runs_end_on_the_same_day,
    holds_are_long_enough,
    entries_do_not_collide,
    effects_can_be_seen,
    probes_are_used,
    bounds_have_the_unit_of_the_probe,
    checks_can_be_decided,
    tests_count_trials,
    tests_fit_their_role,
    facts_are_not_decided,
    recovery_has_the_time,
    comparisons_have_even_traffic,
    names_are_unique,
    streams_are_sent,
)


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _overlap(one: EntryText, other: EntryText) -> bool:
    return one.at < _end(other) and other.at < _end(one)


def _end(entry: EntryText) -> timedelta:
    last = (entry.repeat.times - 1) * entry.repeat.every if entry.repeat else timedelta()
    return entry.at + last + entry.hold


def _length(spec: PlaybookSpec) -> timedelta:
    return max(_end(entry) for entry in spec.timeline) + spec.recover_within


def _of_a_bound(draft: Draft, place: Path, value: float, unit: str) -> Iterator[Problem]:
    written = unit_of(look(draft.source.tree, place))
    if written and written != unit:
        of = {"share": "a share", "seconds": "a time"}.get(
            unit, f"a number of {unit}" if unit else "a number"
        )
        yield draft.error(place, f"the probe's value is {of}", "write the bound in its unit")
    elif unit == "share" and abs(value) > 1:
        hint = "" if written else f"write {value:g}%"
        yield draft.error(place, f"{show_share(value)} is more than all", hint)


def _bad_share(asked: Question) -> float | None:
    if asked.probe.complement:
        return None if asked.holds.min is None else 1 - asked.holds.min
    return asked.holds.max


def _needed(test: Test) -> float | None:
    """How many good samples certify it at the first attempt; None where the question makes no sense."""
    if not test.counts or test.text.from_steady or test.allowed is None or not 0 < test.allowed < 1:
        return None
    return samples_needed(test.allowed, test.rule.alpha)


def _times(draft: Draft, test: Test) -> tuple[timedelta, ...]:
    """In which time it must be decided: a steady state before and after."""
    if test.role is Role.STEADY:
        return draft.spec.steady_within, draft.spec.recover_within
    return (_length(draft.spec),)


def _answers_suffice(draft: Draft, place: Path, test: Test) -> Iterator[Problem]:
    needed, workload = _needed(test), draft.spec.workload
    if needed is None or workload is None:
        return
    time = min(_times(draft, test)) - workload.answer_within
    there = draft.expected(workload.arrival, time)
    if needed > there:
        message = f"needs {int(needed)} answers to be decided, {int(there)} come in {show_duration(time)}"
        yield draft.error(place, message, "raise the rate, give it more time, or loosen the bound")


def _windows_suffice(draft: Draft, place: Path, test: Test, window: timedelta) -> Iterator[Problem]:
    needed = _needed(test)
    time = min(_times(draft, test))
    if needed is not None and needed * window > time:
        lasts, there = show_duration(window), show_duration(time)
        message = (
            f"needs {int(needed)} windows of {lasts} to be decided, there are {time // window} in {there}"
        )
        yield draft.error(place, message, "give it more time, shorten the window, or loosen the bound")
