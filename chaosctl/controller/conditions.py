"""Why: `kubectl wait --for=condition=…` and `kubectl describe` are how people ask how far a Run is.

A condition is true once it was shown, false once it can no longer be, and unknown in between.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal, NamedTuple

from chaosctl.controller.progress import Progress
from chaosctl.engine.judge import Finding
from chaosctl.engine.state import State
from chaosctl.engine.tables import Phase, Stage
from chaosctl.report.text import clean
from chaosctl.spec import ClockName, Role

LONGEST = 1000  # characters of a message
Truth = Literal["True", "False", "Unknown"]


class Standing(NamedTuple):
    """A condition, before it is written."""

    type: str
    status: Truth
    reason: str
    at: datetime
    message: str = ""


def conditions(progress: Progress) -> Iterator[Standing]:
    """How far a Run is. Those of its faults are of the part that is going on, or was last."""
    wrong = progress.told.why if progress.told and progress.told.invalid else ""
    if wrong:
        yield Standing("Accepted", "False", "Invalid", progress.created, clean(wrong, LONGEST))
    elif progress.parts or progress.told:
        yield Standing("Accepted", "True", "Resolved", progress.created)
    part = progress.current
    if part and part.state.started_at and not part.state.refused:
        yield from _of_state(part.state, part.state.started_at)
    yield _finished(progress, wrong)


def _finished(progress: Progress, wrong: str) -> Standing:
    if not progress.over:
        return Standing("Finished", "False", "Waiting" if progress.note else "GoingOn", progress.created)
    reason = "Invalid" if wrong else progress.result.capitalize() or "NotRun"
    return Standing("Finished", "True", reason, progress.ended or progress.created)


def _of_state(state: State, begun: datetime) -> Iterator[Standing]:
    done = state.phase is Phase.DONE
    yield _shown("SteadyBefore", state.opened_at, "Shown", state.at if done else None, begun)
    inject = state.clocks.get(ClockName.INJECT)
    never = state.closed_at or (state.at if done else None)
    yield _shown("Injected", inject.high if inject else None, "Acknowledged", never, begun)
    yield _felt(state, never, begun)
    yield _reverted(state, begun)
    yield _recovered(state, begun)


def _shown(kind: str, when: datetime | None, how: str, never: datetime | None, begun: datetime) -> Standing:
    """True since it was shown; False once it can no longer be."""
    if when:
        return Standing(kind, "True", how, when)
    return Standing(kind, "False", "NotShown", never) if never else Standing(kind, "Unknown", "NotYet", begun)


def _felt(state: State, never: datetime | None, begun: datetime) -> Standing:
    injected = {name: life for name, life in state.lives.items() if life.applied_at}
    unfelt = [name for name, life in injected.items() if not life.felt]
    effect = state.clocks.get(ClockName.EFFECT)
    when = effect.high if effect and injected and not unfelt else None
    found = _shown("Felt", when, "EffectMeasured", never, begun)
    return found._replace(message=", ".join(unfelt)) if found.status == "False" else found


def _reverted(state: State, begun: datetime) -> Standing:
    stuck = [name for name, life in state.lives.items() if life.stage is Stage.STUCK]
    if stuck:
        return Standing("Reverted", "False", "Incomplete", state.at, ", ".join(stuck))
    superseded = any(life.stage is Stage.SUPERSEDED for life in state.lives.values())
    untouched = state.at if state.phase is Phase.DONE else None
    how = "Superseded" if superseded else "Clean"
    when = state.closed_at or untouched
    return (
        Standing("Reverted", "True", how, when) if when else Standing("Reverted", "Unknown", "NotYet", begun)
    )


def _recovered(state: State, begun: datetime) -> Standing:
    steady = state.plot.having(Role.STEADY)
    back = state.closed_at and all(state.judge(check).finding is Finding.HELD for check in steady)
    moment = state.clocks.get(ClockName.RECOVER)
    when = (moment.high if moment else state.closed_at) if back else None
    return _shown("Recovered", when, "Certified", state.at if state.phase is Phase.DONE else None, begun)
