"""Why: what runs is approved and repeated as one value: every default filled in, every name looked up."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import count
from typing import NamedTuple

import rfc8785

from chaosctl.catalog.files import inside
from chaosctl.catalog.kinds import Catalog
from chaosctl.catalog.loading import DrillFile, PlaybookFile, with_parameters
from chaosctl.errors import Invalid
from chaosctl.spec import (
    Bounds,
    Check,
    Decision,
    EDetector,
    Entry,
    EProcess,
    KOfN,
    Probe,
    Role,
    Script,
    Span,
    Target,
    Tested,
    Workload,
)
from chaosctl.spec.amounts import show_amount, show_duration
from chaosctl.spec.arrivals import Trace
from chaosctl.spec.playbook import CheckText, EDetectorText, EntryText, EProcessText, Fixed, PlaybookSpec
from chaosctl.spec.windows import Windows
from chaosctl.stats import run_length_for

ABORT_LASTING = timedelta(seconds=2)


class Question(NamedTuple):
    """What a check asks of which probe, and how that is decided."""

    probe: Probe
    holds: Bounds
    decision: Decision


def resolve(  # noqa: PLR0913, PLR0917 - all that makes a run
    file: PlaybookFile,
    target: Target,
    given: Mapping[str, str],
    catalog: Catalog,
    seed: int = 0,
    windows: Windows | None = None,
) -> Script:
    """The script of a run of this playbook on this target. Raises Invalid."""
    filled = with_parameters(file, given, catalog)
    spec = filled.playbook.spec
    checks = _checks(spec, catalog)
    script = Script(
        playbook=filled.name,
        summary=spec.summary,
        hypothesis=spec.hypothesis,
        target=target,
        parameters=_parameters(spec, given),
        workload=_workload(filled),
        entries=_entries(spec, catalog),
        checks=checks,
        allow_outage=spec.allow_outage,
        seed=seed,
        set_up=spec.set_up,
        steady_within=spec.steady_within,
        recover_within=spec.recover_within,
        stable_for=spec.stable_for,
        alpha=spec.alpha,
        windows=windows,
    )
    script = script.model_copy(update={"checks": shared(script)})
    return script.model_copy(update={"digest": digest(script)})


def scripts_of(file: DrillFile, catalog: Catalog, seed: int = 0) -> tuple[Script, ...]:
    """The scripts of a drill's runs, in their order. Raises Invalid."""
    target = file.drill.spec.target.resolve()
    return tuple(
        resolve(bound.playbook, target, bound.parameters, catalog, seed, file.windows)
        for bound in file.playbooks
    )


def digest(script: Script) -> str:
    """The SHA-256 of a script in canonical JSON (RFC 8785), without its digest: what people approve."""
    body = script.model_dump(mode="json", exclude={"digest"} if script.windows else {"digest", "windows"})
    return f"sha256:{hashlib.sha256(rfc8785.dumps(body)).hexdigest()}"


def probes_of(spec: PlaybookSpec, catalog: Catalog) -> Mapping[str, Probe]:
    """The probes of a playbook by name. Raises Invalid."""
    return {name: catalog.probe(body.model_dump(by_alias=True)) for name, body in spec.probes.items()}


def _parameters(spec: PlaybookSpec, given: Mapping[str, str]) -> Mapping[str, str]:
    defaults = {name: one.default for name, one in spec.parameters.items() if one.default is not None}
    return {**defaults, **given}


def _workload(file: PlaybookFile) -> Workload | None:
    text = file.playbook.spec.workload
    if text is None:
        return None
    requests = text.requests.model_dump(mode="json", exclude_none=True)
    if text.requests.file:
        requests["file"] = str(inside(file.path.parent, text.requests.file))
    arrival = text.arrival.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(text.arrival, Trace):
        arrival["file"] = str(inside(file.path.parent, text.arrival.file))
    return Workload(requests=requests, arrival=arrival, answer_within=text.answer_within)


def _entries(spec: PlaybookSpec, catalog: Catalog) -> tuple[Entry, ...]:
    probes = probes_of(spec, catalog)
    entries: dict[str, Entry] = {}
    for text, name in zip(spec.timeline, entry_names(spec), strict=True):
        for entry in _repeated(text, name, catalog, probes):
            if entry.id in entries:
                raise Invalid(f'two entries of the timeline are called "{entry.id}"; give one another id')
            entries[entry.id] = entry
    return tuple(entries.values())


def entry_names(spec: PlaybookSpec) -> Iterator[str]:
    """The id of every line of the timeline: its own, or its fault's kind made unique."""
    taken = {entry.id for entry in spec.timeline if entry.id}
    for entry in spec.timeline:
        name = entry.id or _unique(entry.inject.kind[:30].rstrip("-"), taken)
        taken.add(name)
        yield name


def _repeated(entry: EntryText, name: str, catalog: Catalog, probes: Mapping[str, Probe]) -> Iterator[Entry]:
    body = catalog.fault(entry.inject.model_dump(by_alias=True)).model_dump(mode="json", by_alias=True)
    times = entry.repeat.times if entry.repeat else 1
    every = entry.repeat.every if entry.repeat else timedelta()
    for index in range(times):
        one = f"{name}-{index + 1}" if entry.repeat else name
        effect = entry.effect and _check(entry.effect, Role.EFFECT, probes, f"{one}: ")
        yield Entry(id=one, at=entry.at + index * every, hold=entry.hold, fault=body, effect=effect)


def _checks(spec: PlaybookSpec, catalog: Catalog) -> tuple[Check, ...]:
    probes = probes_of(spec, catalog)
    written = {Role.STEADY: spec.steady_state, Role.EXPECT: spec.expect, Role.ABORT: spec.abort}
    checks = [_check(text, role, probes) for role, texts in written.items() for text in texts]
    taken: set[str] = set()
    for index, check in enumerate(checks):
        named = check.name if check.name not in taken else f"{check.name} ({check.role})"
        checks[index] = check.model_copy(update={"name": _unique(named, taken, " ")})
        taken.add(checks[index].name)
    return tuple(checks)


def _check(text: CheckText, role: Role, probes: Mapping[str, Probe], prefix: str = "") -> Check:
    if text.probe is None:
        return _clock_check(text, role)
    if text.probe not in probes:
        raise Invalid(f'no probe is called "{text.probe}"')
    probe = probes[text.probe]
    asked = question(text, role, probe)
    return Check(
        name=text.name or prefix + _name(text, probe),
        role=role,
        probe=asked.probe.model_dump(mode="json", by_alias=True),
        holds=asked.holds,
        unit=asked.probe.unit,
        over=text.over,
        lasting=text.lasting or _lasting(text, role),
        decision=asked.decision,
        every=text.every,
        tells=probe.tells if role is Role.STEADY else None,
    )


def _clock_check(text: CheckText, role: Role) -> Check:
    by_when = (
        f"{text.clock} within {show_duration(text.within)}" if text.within is not None else f"no {text.clock}"
    )
    return Check(name=text.name or by_when, role=role, clock=text.clock, within=text.within, never=text.never)


def _lasting(text: CheckText, role: Role) -> timedelta | None:
    return ABORT_LASTING if role is Role.ABORT and text.decide is None else None


def question(text: CheckText, role: Role, probe: Probe) -> Question:
    """What a check comes to: as written, or as its role and its probe suggest."""
    holds = Bounds(min=text.min, max=text.max, from_steady=text.from_steady)
    if text.over is Span.RUN:
        return Question(probe, holds, KOfN())  # a fact
    if isinstance(text.decide, Fixed):
        return Question(probe, holds, KOfN(k=text.decide.k, n=text.decide.n))
    counted = (probe, holds) if probe.counts else probe.as_counts(holds)
    if text.decide is None and (counted is None or _of_each_reading(text, role)):
        return Question(probe, holds, KOfN(k=1, n=3) if role is Role.STEADY else KOfN())
    return Question(*(counted or (probe, holds)), _test(text.decide, role))


def _of_each_reading(text: CheckText, role: Role) -> bool:
    """Whether a rule about single readings was asked for, or a comparison."""
    return text.lasting is not None or role in {Role.ABORT, Role.EFFECT} or text.from_steady


def _test(text: EProcessText | EDetectorText | None, role: Role) -> EProcess | EDetector:
    """Before and after, an e-process; while faults are felt, an e-detector."""
    if text is None:
        return EProcess() if role is Role.STEADY else EDetector()
    if isinstance(text, EDetectorText):
        return EDetector(alpha=text.alpha, window=text.window, run_length=text.run_length)
    return EProcess(alpha=text.alpha, window=text.window)


def shared(script: Script) -> tuple[Check, ...]:
    """The checks, each with its share of how often the run may be refuted wrongly.

    Of m tests each has alpha/m: its e-process refutes at that, and its e-detector is so slow to raise a false
    alarm that one comes within the time of the run with that probability at most.
    """
    tests = [check for check in script.checks if may_flag(check)]
    share = script.alpha / max(len(tests), 1)
    patient = run_length_for(share, script.lasts)
    return tuple(_with_share(check, share, patient) if check in tests else check for check in script.checks)


def may_flag(check: Check) -> bool:
    """Whether a test of this check can fail, abort or flag a run."""
    return isinstance(check.decision, Tested) and check.role is not Role.EFFECT


def _with_share(check: Check, share: float, patient: timedelta) -> Check:
    if not isinstance(check.decision, Tested):
        return check
    length = max(check.decision.run_length, patient)
    decision = check.decision.model_copy(update={"false_alarm": share, "run_length": length})
    return check.model_copy(update={"decision": decision})


def _name(text: CheckText, probe: Probe) -> str:
    """A readable name: `errors ≤ 1 %`."""
    low, high = _bound(text, text.min, probe.unit), _bound(text, text.max, probe.unit)
    bounds = f"{text.probe} ≤ {high}" if low is None else f"{text.probe} ≥ {low}"
    if low is not None and high is not None:
        bounds = f"{low} ≤ {text.probe} ≤ {high}"
    return bounds + (" over the run" if text.over is Span.RUN else "")


def _bound(text: CheckText, value: float | None, unit: str) -> str | None:
    if value is None or not text.from_steady:
        return None if value is None else show_amount(value, unit)
    return f"steady {'-' if value < 0 else '+'} {show_amount(abs(value), unit)}"


def _unique(name: str, taken: set[str], between: str = "-") -> str:
    if name not in taken:
        return name
    return next(one for number in count(2) if (one := f"{name}{between}{number}") not in taken)
