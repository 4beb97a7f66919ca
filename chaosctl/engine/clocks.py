"""Why: time to detect, to roll back and to recover mean the same in every report, and say how sure they are.

All are moments of the journal, with an interval where sampling leaves a gap. `impact` is the first bad answer
after the first write; with it the good stretch must be shown anew. `mitigate` and `recover` are the beginning
of the present good stretch of the steady state, as soon as it looks good and as soon as it is certified; a
relapse takes both back, and where nothing ever broke there is nothing to recover from. `rollback` is told by
checks of its own. What happens after our own undo of something that others should have undone is not credited
to them: the clocks are censored there.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from chaosctl.engine.judge import Finding, Judge, another_stretch
from chaosctl.engine.state import State
from chaosctl.engine.tables import Phase
from chaosctl.errors import Illegal
from chaosctl.model import Counts, Interval, Reading
from chaosctl.spec import Check, ClockName, Role

REACTIONS = frozenset({ClockName.DETECT, ClockName.MITIGATE, ClockName.ROLLBACK, ClockName.RECOVER})
ORIGINS = (ClockName.IMPACT, ClockName.EFFECT, ClockName.INJECT)


def stopped(state: State, name: ClockName, moment: Interval) -> State:
    return replace(state, clocks={**state.clocks, name: moment})


def running(state: State, *names: ClockName) -> State:
    """These clocks run again."""
    return replace(state, clocks={name: at for name, at in state.clocks.items() if name not in names})


def tick(state: State, check: Check, reading: Reading) -> State:
    """What one reading, already judged, means for the clocks."""
    inject = state.clocks.get(ClockName.INJECT)
    if inject is None or reading.end <= inject.low:
        return state
    if check.role is Role.EFFECT:
        return _effect(state, check, reading)
    state = _impact(state, check, reading, inject)
    if check.role is not Role.STEADY:
        return state
    return _stretch(_told(state, check, reading), check)


def origin(state: State) -> tuple[ClockName, Interval] | None:
    """What durations count from: the impact, else the effect, else the injection.

    A first bad answer in our own undo is nothing that others were late to react to.
    """
    late = state.censored_at is not None and _after(state, ClockName.IMPACT, state.censored_at)
    names = ORIGINS[1:] if late else ORIGINS
    return next(((name, state.clocks[name]) for name in names if name in state.clocks), None)


def _after(state: State, name: ClockName, moment: datetime) -> bool:
    return name in state.clocks and state.clocks[name].low >= moment


def credited(state: State, name: ClockName) -> Interval | None:
    """When the clock stopped, if that was not our own doing."""
    moment = state.clocks.get(name)
    if moment is None or state.censored_at is None or name not in REACTIONS:
        return moment
    return moment if moment.low < state.censored_at else None


def clock_finding(state: State, check: Check) -> Finding:
    """Whether a clock stopped in time. Unknown is never in time."""
    if check.clock is None:
        raise Illegal(f"{check.name} reads no clock")
    moment = credited(state, check.clock)
    if check.never:
        return _never(state, moment)
    start = origin(state)
    if start is None or check.within is None or not _felt(state):
        return Finding.OPEN
    if check.clock is ClockName.RECOVER and not state.broke:
        return Finding.HELD if steady_again(state) else Finding.OPEN
    if moment is None:
        return _not_yet(state, check.clock, start[1], check.within)
    shortest, longest = moment.since(start[1])
    if longest <= check.within:
        return Finding.HELD
    return Finding.REFUTED if shortest > check.within else Finding.OPEN


def _felt(state: State) -> bool:
    """What nobody felt, nobody can be late to react to."""
    return ClockName.IMPACT in state.clocks or ClockName.EFFECT in state.clocks


def _never(state: State, moment: Interval | None) -> Finding:
    if moment is not None:
        return Finding.REFUTED
    if not _felt(state):
        return Finding.OPEN
    return Finding.HELD if state.phase in (Phase.RECOVERING, Phase.DONE) and not state.stop else Finding.OPEN


def _not_yet(state: State, name: ClockName, start: Interval, within: timedelta) -> Finding:
    until = state.at if state.censored_at is None or name not in REACTIONS else state.censored_at
    if until - start.high <= within or (state.censored_at is None and _promising(state, name, start, within)):
        return Finding.OPEN
    return Finding.REFUTED


def _promising(state: State, name: ClockName, start: Interval, within: timedelta) -> bool:
    """A good stretch began in time, it only needs more samples to be certified."""
    stretch = _good_since(state)
    return name is ClockName.RECOVER and stretch is not None and stretch.since(start)[0] <= within


def _effect(state: State, check: Check, reading: Reading) -> State:
    if ClockName.EFFECT in state.clocks or state.judge(check).finding is not Finding.HELD:
        return state
    low = max(state.judge(check).begun, state.clocks[ClockName.INJECT].low)
    return stopped(state, ClockName.EFFECT, Interval(low=low, high=max(low, reading.end)))


def _impact(state: State, check: Check, reading: Reading, inject: Interval) -> State:
    if ClockName.IMPACT in state.clocks or not isinstance(reading, Counts) or not reading.bad:
        return state
    begun = state.judge(check).begun
    exact = reading.first_bad if reading.first_bad and reading.first_bad >= inject.low else None
    first = exact if begun == reading.start else None  # the first one may have been in the gap before
    moment = Interval(low=first or max(begun, inject.low), high=exact or reading.end)
    state = running(stopped(state, ClockName.IMPACT, moment), ClockName.MITIGATE, ClockName.RECOVER)
    return replace(state, broke=True, judges={**state.judges, **_shown_anew(state)})


def _shown_anew(state: State) -> dict[str, Judge]:
    steady = [check for check in state.checks if check.role is Role.STEADY]
    judges = {check.name: state.judge(check) for check in steady}
    return {
        name: another_stretch(judge) for name, judge in judges.items() if judge.finding is not Finding.REFUTED
    }


def _told(state: State, check: Check, reading: Reading) -> State:
    """A check that tells a clock: broken by a fault, it lets the clock run; holding again, it stops it."""
    if check.tells is None:
        return state
    judge = state.judge(check)
    if judge.recent[-1] is not True:
        judges = {**state.judges, check.name: replace(judge, left=True)}
        return running(replace(state, judges=judges), check.tells)
    told = [state.judge(other) for other in state.checks if other.tells is check.tells]
    undone = any(life.reaction and life.restored_by for life in state.lives.values())
    left = undone or any(judge.left for judge in told)  # a quick reaction is over between two readings
    back = left and all(judge.recent[-1:] == (True,) for judge in told)
    if not back or check.tells in state.clocks:
        return state
    return stopped(state, check.tells, Interval(low=judge.begun, high=reading.end))


def _stretch(state: State, check: Check) -> State:
    if state.judge(check).finding is Finding.REFUTED:
        return replace(running(state, ClockName.MITIGATE, ClockName.RECOVER), broke=True)
    stretch = _good_since(state)
    if stretch is None or not state.broke:
        return state
    if ClockName.MITIGATE not in state.clocks:
        state = stopped(state, ClockName.MITIGATE, stretch)
    if ClockName.RECOVER not in state.clocks and steady_again(state):
        state = stopped(state, ClockName.RECOVER, stretch)
    return state


def steady_again(state: State) -> bool:
    """Whether all of the steady state's checks hold."""
    return all(judge.finding is Finding.HELD for judge in _steady(state))


def _steady(state: State) -> list[Judge]:
    return [state.judge(check) for check in state.checks if check.role is Role.STEADY]


def _is_good(judge: Judge) -> bool:
    return judge.recent[-1:] == (True,) and judge.finding is not Finding.REFUTED


def _good_since(state: State) -> Interval | None:
    """When the latest of the steady state's checks began to hold, if all of them do."""
    judges = _steady(state)
    good = [judge.since for judge in judges if judge.since and _is_good(judge)]
    if not good or len(good) < len(judges):
        return None
    last = max(good, key=lambda moment: moment.high)
    impact = state.clocks.get(ClockName.IMPACT)
    low = max(last.low, impact.low) if impact else last.low
    return Interval(low=low, high=max(low, last.high))
