"""Why: what should be going on follows from the state and the time, whatever happened to be going on before.

The answer has three parts. `note`: facts that need no doing, to be recorded at once. `now`: activities that
should be under way. `wake`: when to ask again if nothing happens.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from chaosctl.engine import events
from chaosctl.engine.events import AnyEvent
from chaosctl.engine.judge import Finding
from chaosctl.engine.state import State
from chaosctl.engine.tables import OVER, Phase, Stage
from chaosctl.engine.verdict import clocks_decided
from chaosctl.spec import Check, Entry, Role

MAX_TRIES = 8  # that were answered: whoever says no eight times means it
MAX_UNHEARD = 18  # with those that nobody answered: about two minutes, as long as API servers may be away
LONGEST_PAUSE = timedelta(seconds=10)
MAX_TROUBLES = 5  # then whatever goes on beside the entries is given up; its probes have no data
HURRY = 2  # so many requests to stop, and nobody waits for the recovery


@dataclass(frozen=True)
class Prepare:
    """Plan an entry: look, touch nothing."""

    entry: str


@dataclass(frozen=True)
class Apply:
    """Ledger first, then the plan's writes."""

    entry: str


@dataclass(frozen=True)
class Keep:
    """Watch what was changed through the hold, and whatever lasts as long as it."""

    entry: str


@dataclass(frozen=True)
class Revert:
    """Undo what the ledger says of an entry."""

    entry: str
    tries: int


@dataclass(frozen=True)
class Measure:
    """Read one check's probe once."""

    check: str
    turn: int


@dataclass(frozen=True)
class Play:
    """Send the workload."""

    turn: int


@dataclass(frozen=True)
class Listen:
    """Wait until somebody else notices that something is wrong."""

    turn: int


Activity = Prepare | Apply | Keep | Revert | Measure | Play | Listen
WRITES = (Apply, Revert)


class Wanted(NamedTuple):
    note: tuple[AnyEvent, ...] = ()
    now: frozenset[Activity] = frozenset()
    wake: datetime | None = None
    done: bool = False


NOTHING = Wanted()


def lane(activity: Activity) -> str:
    """Activities of one lane never overlap."""
    match activity:
        case Measure():
            return f"check {activity.check}"
        case Play() | Listen():
            return type(activity).__name__.lower()
    return f"entry {activity.entry}"


def decide(state: State, now: datetime) -> Wanted:
    """What should be going on, and when to look again."""
    if state.phase is Phase.DONE:
        return Wanted(done=True)
    return _union(
        *(_entry(state, entry, now) for entry in state.plot.entries),
        *(_measure(state, check, now) for check in _watched(state)),
        *_beside(state, now),
        _phase(state, now),
    )


def failed(activity: Activity, why: str, at: datetime, *, unheard: bool = False) -> AnyEvent:
    """The event that an activity's failure is; `unheard`: because nobody answered."""
    match activity:
        case Prepare():
            return events.Skipped(at=at, entry=activity.entry, why=why)
        case Apply():
            return events.ApplyFailed(at=at, entry=activity.entry, why=why)
        case Keep():
            return events.EffectLost(at=at, entry=activity.entry, why=why)
        case Revert():
            return events.RevertFailed(at=at, entry=activity.entry, why=why, unheard=unheard)
        case Measure():
            return events.Measured(at=at, check=activity.check, reading=None, why=why)
    return events.Trouble(at=at, what=lane(activity), why=why)


def _union(*parts: Wanted) -> Wanted:
    return Wanted(
        note=tuple(event for part in parts for event in part.note),
        now=frozenset().union(*(part.now for part in parts)),
        wake=min((part.wake for part in parts if part.wake), default=None),
    )


def _do(activity: Activity, wake: datetime | None = None) -> Wanted:
    return Wanted(now=frozenset({activity}), wake=wake)


def _entry(state: State, entry: Entry, now: datetime) -> Wanted:
    life = state.lives[entry.id]
    if state.phase is not Phase.ACTIVE:
        return NOTHING
    if state.stop and life.stage in (Stage.PENDING, Stage.PLANNED):
        return Wanted(note=(events.Skipped(at=now, entry=entry.id, why=state.stop),))
    if state.stop and life.stage in (Stage.APPLYING, Stage.APPLIED):
        return Wanted(note=(events.Reverting(at=now, entry=entry.id, why=state.stop),))
    match life.stage:
        case Stage.PENDING:
            due = state.since + entry.at
            return _do(Prepare(entry.id)) if now >= due else Wanted(wake=due)
        case Stage.PLANNED:
            deadline = now + state.plot.set_up + entry.hold
            return Wanted(note=(events.Applying(at=now, entry=entry.id, deadline=deadline),))
        case Stage.APPLYING:
            return _do(Apply(entry.id))
        case Stage.APPLIED:
            return _hold(state, entry, now)
        case Stage.REVERTING:
            return _revert(state, entry, now)
    return NOTHING


def _hold(state: State, entry: Entry, now: datetime) -> Wanted:
    life = state.lives[entry.id]
    end = min(life.since + entry.hold, life.deadline)
    if now >= end:
        return Wanted(note=(events.Reverting(at=now, entry=entry.id, why="the hold is over"),))
    if not life.restored_by:
        return _do(Keep(entry.id), wake=end)
    if clocks_decided(state):
        why = f"restored by {life.restored_by}, and every clock is decided"
        return Wanted(note=(events.Reverting(at=now, entry=entry.id, why=why),))
    return Wanted(wake=end)


def _revert(state: State, entry: Entry, now: datetime) -> Wanted:
    life = state.lives[entry.id]
    if life.refusals >= MAX_TRIES or life.tries >= MAX_UNHEARD:
        return Wanted(note=(events.GaveUp(at=now, entry=entry.id, why=life.why),))
    due = life.since + min(timedelta(seconds=2**life.tries - 1) / 10, LONGEST_PAUSE)
    return _do(Revert(entry.id, life.tries)) if now >= due else Wanted(wake=due)


def _watched(state: State) -> Iterator[Check]:
    before = state.phase is Phase.STEADY
    for check in state.plot.checks:
        if check.probe and (check.role is Role.STEADY or _in_time(state, check)):
            yield check
    for entry in state.plot.entries:
        life = state.lives[entry.id]
        if life.effect and life.stage is Stage.APPLIED:
            yield life.effect
        elif before and entry.effect and entry.effect.holds.from_steady:
            yield entry.effect


def _in_time(state: State, check: Check) -> bool:
    """Expectations and abort checks read while faults may be felt; before, only for their steady value."""
    if state.phase is Phase.STEADY:
        return check.holds.from_steady
    return state.phase is Phase.ACTIVE or check.role is Role.EXPECT


def _measure(state: State, check: Check, now: datetime) -> Wanted:
    judge = state.judge(check)
    due = judge.at + check.every if judge.count else now
    return _do(Measure(check.name, judge.count)) if now >= due else Wanted(wake=due)


def _beside(state: State, now: datetime) -> Iterator[Wanted]:
    if state.plot.workload:
        yield _again(state, Play(state.troubles.get("play", 0)), now)
    if state.phase in (Phase.ACTIVE, Phase.RECOVERING):
        yield _again(state, Listen(state.troubles.get("listen", 0) + len(state.notices)), now)


def _again(state: State, activity: Play | Listen, now: datetime) -> Wanted:  # noqa: ARG001 - one shape for all
    return NOTHING if state.troubles.get(lane(activity), 0) >= MAX_TROUBLES else _do(activity)


def _phase(state: State, now: datetime) -> Wanted:
    match state.phase:
        case Phase.STEADY:
            return _opening(state, now)
        case Phase.ACTIVE if all(life.stage in OVER for life in state.lives.values()):
            return Wanted(note=(events.Closed(at=now),))
        case Phase.RECOVERING:
            return _finishing(state, now)
    return NOTHING


def _opening(state: State, now: datetime) -> Wanted:
    if state.stop:
        return Wanted(note=(events.Finished(at=now),))
    unsteady = [check.name for check in _steady(state) if state.judge(check).finding is Finding.REFUTED]
    if unsteady:
        return _not_steady(f"{', '.join(unsteady)} does not hold", now)
    undecided = [check.name for check in _steady(state) if state.judge(check).finding is Finding.OPEN]
    if not undecided:
        return Wanted(note=(events.Opened(at=now),))
    end = state.since + state.plot.steady_within
    if now >= end:
        return _not_steady(f"{', '.join(undecided)} could not be shown in time", now)
    return Wanted(wake=end)


def _not_steady(why: str, now: datetime) -> Wanted:
    return Wanted(note=(events.Stopped(at=now, why=f"not steady before the first fault: {why}"),))


def _finishing(state: State, now: datetime) -> Wanted:
    end = state.since + state.plot.recover_within
    back = all(state.judge(check).finding is Finding.HELD for check in _steady(state))
    if back or now >= end or state.stops >= HURRY:
        return Wanted(note=(events.Finished(at=now),))
    return Wanted(wake=end)


def _steady(state: State) -> tuple[Check, ...]:
    return state.plot.having(Role.STEADY)
