"""Why: `kubectl get runs -w` must be enough to follow a run. What it shows follows from the journals alone.

So whoever takes a run over, or finds that its status was never written, writes the same.
"""

from typing import cast

from pydantic import JsonValue

from chaosctl.controller.conditions import LONGEST, Standing, conditions
from chaosctl.controller.progress import NOTHING, PartView, Progress
from chaosctl.engine.clocks import credited, origin
from chaosctl.engine.state import State
from chaosctl.engine.tables import OVER, Phase
from chaosctl.engine.verdict import RevertStatus
from chaosctl.model import Json, Model
from chaosctl.report.text import between, clean
from chaosctl.spec import ClockName
from chaosctl.spec import run as written

WORST_FIRST = (RevertStatus.INCOMPLETE, RevertStatus.SUPERSEDED, RevertStatus.CLEAN)


def status(progress: Progress) -> Json:
    """The status of a Run, as the API server takes it."""
    return full(run_status(progress))


def full(told: Model) -> Json:
    """A status as the API server takes it, without what is empty."""
    return cast("Json", _full(told.model_dump(mode="json", by_alias=True)))


def run_status(progress: Progress) -> written.RunStatus:
    """A Run, as it stands."""
    part, state = progress.current, progress.current.state if progress.current else NOTHING
    verdicts = [one.verdict for one in progress.parts if one.verdict] if progress.over else []
    return written.RunStatus(
        phase=_phase(progress, state),
        verdict=progress.result,
        revert=next((one for one in WORST_FIRST if one in {each.revert for each in verdicts}), ""),
        exit=progress.exit_code,
        message=clean(_message(progress), LONGEST),
        playbook=part.playbook if part else "",
        target=progress.target,
        run=part.run if part else "",
        started=progress.parts[0].state.started_at if progress.parts else None,
        ended=progress.ended,
        clocks=clocks(state),
        parts=tuple(map(_part, progress.parts)),
        conditions=tuple(_condition(one, progress.generation) for one in conditions(progress)),
        observed_generation=progress.generation,
    )


def clocks(state: State) -> dict[str, str]:
    """How long it took, in words; counted as in every report."""
    start = origin(state)
    found = {name: credited(state, name) for name in ClockName}
    told = (ClockName.DETECT, ClockName.MITIGATE, ClockName.ROLLBACK, ClockName.RECOVER)
    return {
        name.value: between(*moment.since(start[1]))
        for name in told
        if start and (moment := found[name]) is not None
    }


def _phase(progress: Progress, state: State) -> written.Phase:
    if not progress.over and state.phase is Phase.DONE:
        return "Recovering" if state.closed_at else "Pending"  # the next part, or the last words of this one
    if not progress.over:
        return _phase_of(state)
    begun = [part.state for part in progress.parts if part.state.phase is not Phase.NEW]
    return "Refused" if begun and all(one.refused for one in begun) else "Done"


def _phase_of(state: State) -> written.Phase:
    if state.refused:
        return "Refused"
    named: dict[Phase, written.Phase] = {
        Phase.NEW: "Pending",
        Phase.STEADY: "Steady",
        Phase.ACTIVE: "Active",
        Phase.RECOVERING: "Recovering",
        Phase.DONE: "Done",
    }
    return named[state.phase]


def _message(progress: Progress) -> str:
    if progress.told:
        return progress.told.why
    if not progress.over:
        return progress.note or progress.remark or _going_on(progress.current)
    told = [
        f"{part.playbook}: {why}" if len(progress.parts) > 1 else why
        for part in progress.parts
        for why in (part.verdict.why if part.verdict else ())
    ]
    return "; ".join([*([progress.remark] if progress.remark else []), *told])


def _going_on(part: PartView | None) -> str:
    if part is None or part.state.phase in (Phase.NEW, Phase.DONE):
        return ""
    if part.state.stop:
        return part.state.stop
    stages = [f"{name} {life.stage}" for name, life in part.state.lives.items() if life.stage not in OVER]
    return ", ".join(stages) if part.state.phase is Phase.ACTIVE else ""


def _part(part: PartView) -> written.Part:
    state = part.state
    return written.Part(
        playbook=part.playbook,
        run=part.run,
        phase=_phase_of(state),
        verdict=part.verdict.result if part.verdict else "",
        revert=part.verdict.revert if part.verdict else "",
        exit=part.verdict.exit_code if part.verdict else None,
        message=clean("; ".join(part.verdict.why) if part.verdict else _going_on(part), LONGEST),
        started=state.started_at,
        ended=state.at if state.phase is Phase.DONE else None,
        clocks=clocks(state),
    )


def _condition(one: Standing, generation: int) -> written.Condition:
    return written.Condition(
        type=one.type,
        status=one.status,
        reason=one.reason,
        message=one.message,
        last_transition_time=one.at,
        observed_generation=generation,
    )


def _full(value: JsonValue) -> JsonValue:
    """Without what is empty."""
    if isinstance(value, dict):
        return {name: _full(one) for name, one in value.items() if one not in ("", None, {}, [])}
    return [_full(one) for one in value] if isinstance(value, list) else value
