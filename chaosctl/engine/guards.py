"""Why: a drill that must not happen is refused before it touches anything, and says all of its reasons.

Rules: guards are pure and in one order. What could not be found out forbids. A refusal says what is wrong and
what to do about it. `plan`, preflight, the scheduler and the gate all ask the same ones.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import combinations
from typing import NamedTuple

from chaosctl.changes import look
from chaosctl.model import Create, Model, Patch, Plan, Ref, Step
from chaosctl.spec import Entry, Script, TargetView

OPT_IN = "chaosctl.dev/drills"
OURS = ("/metadata/labels/app.kubernetes.io~1managed-by", "/metadata/labels/app.kubernetes.io~1part-of")
ALLOWED, HALTED = "allowed", "halted"
FRESH_FOR = timedelta(seconds=60)
OF_TARGET = frozenset({"target", "pods", "plans", "doomed", "lacking", "fought"})  # facts that need one


class Guarding(StrEnum):
    """Who undoes a run whose process died.

    auto: a guardian that is alive, else a Job of the run's own. alive: nobody but a guardian that is alive.
    job: the Job in any case. none: nobody.
    """

    AUTO = "auto"
    ALIVE = "alive"
    JOB = "job"
    NONE = "none"


class Facts(Model):
    """What the guards need to know, as it stood at one time.

    `unknown` says for each field that could not be found out why. `plans` are by entry, as the API server
    would store them; `rejected` says why an entry has none. `doomed` is how many ready pods an entry takes
    away at once, `lacking` what we are not permitted, `fought` who else keeps writing what we would patch.
    `closed` is why the drill's windows do not let the run through. `guardian` is whether one is alive; `job`
    what a Job of the run's own is to be allowed, where one is to be made, and `hindered` why it cannot be.
    `unheard` is what the API server did not answer, or was too busy for: asked again, it may look otherwise.
    """

    at: datetime
    target: TargetView | None = None
    pods: int = 0
    opt_in: str = ""
    closed: str = ""
    plans: Mapping[str, Plan] = {}
    rejected: Mapping[str, str] = {}
    doomed: Mapping[str, int] = {}
    lacking: tuple[str, ...] = ()
    fought: tuple[str, ...] = ()
    guarded: bool = True
    guardian: bool = False
    job: tuple[str, ...] = ()
    hindered: tuple[str, ...] = ()
    holder: str = ""
    unknown: Mapping[str, str] = {}
    unheard: str = ""


Judge = Callable[[Facts, Script], str | None]


class Guard(NamedTuple):
    """One reason to refuse. `reads` are the facts without which it cannot be judged."""

    name: str
    reads: tuple[str, ...]
    judge: Judge

    def __call__(self, facts: Facts, script: Script) -> str | None:
        blind = next((facts.unknown[name] for name in self.reads if name in facts.unknown), None)
        return self.judge(facts, script) if blind is None else f"cannot be checked: {blind}"


class Finding(NamedTuple):
    """A guard's answer; None where it has no objection."""

    guard: str
    refusal: str | None


def refusals(facts: Facts, script: Script, now: datetime) -> tuple[Finding, ...]:
    """What every guard says, in their order; all that was seen must have been seen lately.

    Where there is no target, guards that look at it have nothing to add.
    """
    fresh = Finding("facts fresh", _stale(facts, now))
    first, *others = GUARDS
    asked = [guard for guard in others if facts.target is not None or OF_TARGET.isdisjoint(guard.reads)]
    return (fresh, *(Finding(guard.name, guard(facts, script)) for guard in (first, *asked)))


def _stale(facts: Facts, now: datetime) -> str | None:
    age = now - facts.at
    return f"the cluster was looked at {age} ago; look again" if age > FRESH_FOR else None


def _exists(facts: Facts, script: Script) -> str | None:
    if facts.target is None:
        return f"{script.target.workload} does not exist; check namespace, kind, name and context"
    if any(look(facts.target.workload, label) == "chaosctl" for label in OURS):
        return f"{script.target.workload} belongs to chaosctl itself; name a workload of your own"
    return None


def _opted_in(facts: Facts, script: Script) -> str | None:
    space = script.target.namespace
    if facts.opt_in == HALTED:
        return f"drills in namespace {space} are halted; `chaosctl resume` allows them again"
    if facts.opt_in != ALLOWED:
        return (
            f"namespace {space} is not opted in; `kubectl label namespace {space} {OPT_IN}={ALLOWED}` does it"
        )
    return None


def _inside_windows(facts: Facts, _script: Script) -> str | None:
    return facts.closed or None


def _settled(facts: Facts, script: Script) -> str | None:
    view = facts.target
    if view is None or not view.settled:
        why = view.unsettled if view else "it does not exist"
        return f"{script.target.workload} is not settled ({why}); wait, or repair it first"
    if view.ready < view.replicas:
        return f"{script.target.workload} has {view.ready} of {view.replicas} replicas ready; repair it first"
    return None


def _selects(facts: Facts, script: Script) -> str | None:
    if facts.pods:
        return None
    return f"{script.target.workload} has no pods: there is nothing to break; scale it up"


def _free(facts: Facts, script: Script) -> str | None:
    if not facts.holder:
        return None
    return (
        f"run {facts.holder} holds {script.target.workload}; wait for its end, end it with "
        f"`chaosctl abort {facts.holder}`, or use `chaosctl recover` if it died"
    )


def _planned(facts: Facts, _script: Script) -> str | None:
    return next((f"{entry}: {why}" for entry, why in facts.rejected.items()), None)


def _in_time(_facts: Facts, script: Script) -> str | None:
    for entry in script.entries:
        if entry.hold <= timedelta() or entry.at < timedelta():
            return (
                f"{entry.id}: its deadline would be in the past; give it a hold, and a time after the start"
            )
    return None


def _apart(facts: Facts, script: Script) -> str | None:
    for one, other in combinations(script.entries, 2):
        shared = _shared(facts.plans.get(one.id, ()), facts.plans.get(other.id, ()))
        if shared and _at_once(one, other, script.set_up):
            return f"{one.id} and {other.id} both change {shared}; let one end before the other starts"
    return None


def _outage(facts: Facts, script: Script) -> str | None:
    if script.allow_outage or facts.target is None:
        return None
    remedy = "scale the target up, or write allowOutage: true in the playbook if that is what you want to see"
    alone = [[entry] for entry in facts.doomed]
    for entries in (*alone, *_not_replaced(facts, script)):
        doomed = sum(facts.doomed.get(entry, 0) for entry in entries)
        left = facts.target.ready - doomed
        if doomed and left < 1:
            who = " and ".join(entries)
            return f"{who} would leave {max(left, 0)} of {facts.target.ready} replicas ready; {remedy}"
    return None


def _not_replaced(facts: Facts, script: Script) -> Iterator[list[str]]:
    """Entries that go on while another one keeps new pods away: what they take stays away, and adds up."""
    for one in script.entries:
        if any(_keeps_new_pods_away(step) for step in facts.plans.get(one.id, ())):
            yield [other.id for other in script.entries if _at_once(one, other, script.set_up)]


def _keeps_new_pods_away(step: Step) -> bool:
    return isinstance(step, Create | Patch) and step.ref.kind in ("Node", "ResourceQuota")


def _permitted(facts: Facts, _script: Script) -> str | None:
    if not facts.lacking:
        return None
    return f"not permitted: {'; '.join(facts.lacking)}; whoever runs the cluster can grant it with a Role"


def _unfought(facts: Facts, _script: Script) -> str | None:
    return next(iter(facts.fought), None)


def _guarded(facts: Facts, _script: Script) -> str | None:
    stands = bool(facts.job) or facts.guardian
    if not facts.guarded or (stands and not facts.hindered):
        return None
    why = "; ".join(("no guardian is alive", *facts.hindered) if not facts.guardian else facts.hindered)
    return (
        f"nobody would undo the drill if this process died: {why}; start one with `chaosctl guardian`, "
        "or accept the risk with --guardian none"
    )


GUARDS: tuple[Guard, ...] = (
    Guard("target exists", ("target",), _exists),
    Guard("namespace opted in", ("opt_in",), _opted_in),
    Guard("inside its windows", ("closed",), _inside_windows),
    Guard("target settled and healthy", ("target",), _settled),
    Guard("selector matches", ("pods",), _selects),
    Guard("no other run", ("holder",), _free),
    Guard("deadlines ahead", (), _in_time),
    Guard("plans pass a dry run", ("plans",), _planned),
    Guard("entries apart", ("plans",), _apart),
    Guard("replicas left", ("target", "doomed"), _outage),
    Guard("permitted to do and to undo", ("lacking",), _permitted),
    Guard("nobody fights the change", ("fought",), _unfought),
    Guard("guardian alive", ("guardian", "hindered"), _guarded),
)


def _at_once(one: Entry, other: Entry, set_up: timedelta) -> bool:
    """Whether two entries can be going on at the same time."""
    return one.at < other.at + set_up + other.hold and other.at < one.at + set_up + one.hold


def _shared(one: Plan, other: Plan) -> str:
    """What both plans change, or ""."""
    pairs = ((mine, theirs) for mine in _paths(one) for theirs in _paths(other))
    return next((f"{ref} {path}" for (ref, path), theirs in pairs if _touch((ref, path), theirs)), "")


def _paths(plan: Plan) -> Iterator[tuple[Ref, str]]:
    for step in plan:
        if isinstance(step, Patch):
            yield from ((step.ref, edit.path) for edit in step.edits)


def _touch(one: tuple[Ref, str], other: tuple[Ref, str]) -> bool:
    """Whether one path is the other, or lies in it."""
    mine, theirs = f"{one[1]}/", f"{other[1]}/"
    return one[0] == other[0] and (mine.startswith(theirs) or theirs.startswith(mine))
