"""Why: the state is what the events add up to, so that a second process can know what the first one knew."""

from collections.abc import Mapping
from dataclasses import replace

from chaosctl.engine import events
from chaosctl.engine.clocks import running, steady_again, stopped, tick
from chaosctl.engine.events import AnyEvent, EntryEvent, Event
from chaosctl.engine.judge import Finding, Judge, afresh, blind, heard, opened, unwatched
from chaosctl.engine.state import Life, State, probe_key
from chaosctl.engine.tables import OVER, Phase, Stage, next_phase, next_stage
from chaosctl.errors import Illegal
from chaosctl.model import Interval, Reading
from chaosctl.spec import Check, ClockName, Role

STEADY_MEMORY = 20  # readings of the steady state that a value "from steady" is compared with


def evolve(state: State, event: AnyEvent) -> State:
    """The state after `event`. Raises Illegal, and then nothing may be written."""
    if isinstance(event, EntryEvent):
        return replace(_entry(state, event), at=event.at)
    return replace(_run(_turn(state, event), event), at=event.at)


def _run(state: State, event: AnyEvent) -> State:
    match event:
        case events.Started():
            lives = {entry.id: Life(since=event.at) for entry in event.script.entries}
            begun = replace(state, started_at=event.at, origin=event.origin, uid=event.uid)
            named = replace(begun, run=event.run, script=event.script, lives=lives)
            return replace(named, warnings=event.warnings)
        case events.Refused():
            begun = replace(state, started_at=event.at, origin=event.origin, uid=event.uid)
            return replace(begun, run=event.run, script=event.script, refused=event.reasons)
        case events.Opened():
            return replace(state, opened_at=event.at, judges={**_afresh(state), **_opened(state)})
        case events.Closed():
            return replace(state, closed_at=event.at, judges=_afresh(state, Role.STEADY))
        case events.Stopped():
            return replace(state, stop=state.stop or event.why, stops=state.stops + 1)
        case events.Resumed():
            return _resumed(state, event)
        case events.Noticed():
            return _noticed(state, event)
        case events.Trouble():
            count = state.troubles.get(event.what, 0) + 1
            return replace(state, troubles={**state.troubles, event.what: count})
        case events.Measured():
            return _measured(state, event)
    return state


def _turn(state: State, event: Event) -> State:
    phase = next_phase(state.phase, event)
    if isinstance(event, events.Closed):
        _nothing_left(state)
    return state if phase is state.phase else replace(state, phase=phase, since=event.at)


def _afresh(state: State, *roles: Role) -> Mapping[str, Judge]:
    """Judges of these roles (all, if none is named) begin anew."""
    return {
        name: afresh(judge) if not roles or state.check(name).role in roles else judge
        for name, judge in state.judges.items()
    }


def _opened(state: State) -> Mapping[str, Judge]:
    steady = state.plot.having(Role.STEADY)
    return {check.name: opened(state.judge(check), state.plot.stable_for) for check in steady}


def _nothing_left(state: State) -> None:
    left = [name for name, life in state.lives.items() if life.stage not in OVER]
    if left:
        raise Illegal(f"closed while {', '.join(left)} are not over")


def _resumed(state: State, event: events.Resumed) -> State:
    """In STEADY start over, in ACTIVE stop and revert, in RECOVERING go on. Nobody looked in between."""
    state = replace(state, resumed_at=(*state.resumed_at, event.at), troubles={})
    if state.phase is Phase.STEADY:
        return replace(state, since=event.at, judges={}, steady={})
    if state.phase is Phase.RECOVERING and steady_again(state):
        return state
    state = running(_unwatched(state), ClockName.MITIGATE, ClockName.RECOVER)
    if all(life.stage in OVER for life in state.lives.values()):
        return state
    censored = state.at if any(map(_awaits_reaction, state.lives.values())) else None
    stop = state.stop or "the run was interrupted"
    return replace(state, stop=stop, censored_at=state.censored_at or censored)


def _unwatched(state: State) -> State:
    judges = {name: unwatched(judge, state.check(name).role) for name, judge in state.judges.items()}
    return replace(state, judges=judges)


def _awaits_reaction(life: Life) -> bool:
    """Whether somebody else was expected to undo it, and had not yet; now we do."""
    return life.reaction and life.stage in (Stage.APPLYING, Stage.APPLIED) and not life.restored_by


def _noticed(state: State, event: events.Noticed) -> State:
    inject = state.clocks.get(ClockName.INJECT)
    state = replace(state, notices=(*state.notices, event))
    if inject is None or event.when < inject.low or ClockName.DETECT in state.clocks:
        return state
    return stopped(state, ClockName.DETECT, Interval(low=event.when, high=event.when))


def _entry(state: State, event: EntryEvent) -> State:
    if state.phase is not Phase.ACTIVE:
        raise Illegal(f"{event!r} while {state.phase}")
    if event.entry not in state.lives:
        raise Illegal(f"no entry is called {event.entry!r}")
    life = state.lives[event.entry]
    stage = next_stage(life.stage, event)
    since = life.since if stage is life.stage else event.at
    after = _detail(replace(life, stage=stage, since=since), event)
    state = _beside(state, life, event)
    return replace(state, lives={**state.lives, event.entry: after})


def _detail(life: Life, event: EntryEvent) -> Life:
    match event:
        case events.Planned():
            return replace(life, plan=event.plan, effect=event.effect, reaction=event.reaction)
        case events.Applying():
            return replace(life, deadline=event.deadline, applying_at=event.at)
        case events.Applied():
            return replace(life, applied_at=event.at)
        case events.Restored():
            return replace(life, restored_by=event.by)
        case events.ApplyFailed() | events.EffectLost():
            return replace(life, lost=event.why, reverting_at=life.reverting_at or event.at)
        case events.Reverting():
            return replace(life, reverting_at=event.at, why=event.why)
    return _undone(life, event)


def _undone(life: Life, event: EntryEvent) -> Life:
    match event:
        case events.RevertFailed():
            refusals = life.refusals + (not event.unheard)
            return replace(life, tries=life.tries + 1, refusals=refusals, since=event.at, why=event.why)
        case events.Reverted():
            return replace(life, restored_by=life.restored_by or event.by, over_at=event.at)
        case _:
            return replace(life, over_at=event.at, why=event.why)


def _beside(state: State, life: Life, event: EntryEvent) -> State:
    """What an entry's event means for the run: a clock stops, or reactions can no longer be told apart."""
    if isinstance(event, events.Applied) and ClockName.INJECT not in state.clocks:
        low = life.applying_at or event.at
        return stopped(state, ClockName.INJECT, Interval(low=low, high=event.at))
    ends = isinstance(event, events.Reverting | events.EffectLost | events.ApplyFailed)
    if ends and life.reaction and not life.restored_by and state.censored_at is None:
        return replace(state, censored_at=event.at)
    return state


def _measured(state: State, event: events.Measured) -> State:
    check = state.check(event.check)
    judge = state.judge(check)
    if event.reading is None:
        return _judged(state, check, blind(judge, check, event.at))
    after = heard(judge, check, event.reading, event.at, state.steady_value(check))
    state = _learned(_judged(state, check, after), check, event.reading)
    return tick(state, check, event.reading)


def _judged(state: State, check: Check, judge: Judge) -> State:
    state = replace(state, judges={**state.judges, check.name: judge})
    if check.role is Role.ABORT and judge.finding is Finding.REFUTED and state.phase is Phase.ACTIVE:
        return replace(state, stop=state.stop or f"abort: {check.name} does not hold")
    return state


def _learned(state: State, check: Check, reading: Reading) -> State:
    if check.role is Role.EFFECT:
        return replace(state, lives={name: _felt(life, check, state) for name, life in state.lives.items()})
    if state.phase is Phase.STEADY:
        key = probe_key(check.probe)
        seen = (*state.steady.get(key, ()), reading)[-STEADY_MEMORY:]
        return replace(state, steady={**state.steady, key: seen})
    return state


def _felt(life: Life, check: Check, state: State) -> Life:
    if life.effect != check or life.stage is not Stage.APPLIED:
        return life
    return replace(life, felt=life.felt or state.judge(check).finding is Finding.HELD)
