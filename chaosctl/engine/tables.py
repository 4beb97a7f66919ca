"""Why: what may follow what is data, so that a test can walk it and the docs can draw it.

Rules:

1. APPLYING is entered before the first write; from there the only ways on lead through REVERTING.
2. REVERTING takes the last word of an apply that could not be cancelled, and stays.
3. A stage in OVER has nothing left to do.
4. Entries move while the run is ACTIVE, and only then.
"""

from collections.abc import Mapping
from enum import StrEnum

from chaosctl.engine import events
from chaosctl.engine.events import Event
from chaosctl.errors import Illegal


class Stage(StrEnum):
    """Where one entry is."""

    PENDING = "pending"
    PLANNED = "planned"
    APPLYING = "applying"
    APPLIED = "applied"
    REVERTING = "reverting"
    REVERTED = "reverted"
    SUPERSEDED = "superseded"
    STUCK = "stuck"
    SKIPPED = "skipped"


class Phase(StrEnum):
    """Where the run is."""

    NEW = "new"
    STEADY = "steady"
    ACTIVE = "active"
    RECOVERING = "recovering"
    DONE = "done"


OVER = frozenset({Stage.REVERTED, Stage.SUPERSEDED, Stage.STUCK, Stage.SKIPPED})

ENTRY: Mapping[Stage, Mapping[type[Event], Stage]] = {
    Stage.PENDING: {events.Planned: Stage.PLANNED, events.Skipped: Stage.SKIPPED},
    Stage.PLANNED: {events.Applying: Stage.APPLYING, events.Skipped: Stage.SKIPPED},
    Stage.APPLYING: {
        events.Applied: Stage.APPLIED,
        events.ApplyFailed: Stage.REVERTING,
        events.Reverting: Stage.REVERTING,
    },
    Stage.APPLIED: {
        events.Restored: Stage.APPLIED,
        events.EffectLost: Stage.REVERTING,
        events.Reverting: Stage.REVERTING,
    },
    Stage.REVERTING: {
        events.Applied: Stage.REVERTING,
        events.ApplyFailed: Stage.REVERTING,
        events.RevertFailed: Stage.REVERTING,
        events.Reverted: Stage.REVERTED,
        events.Superseded: Stage.SUPERSEDED,
        events.GaveUp: Stage.STUCK,
    },
}


def _staying(phase: Phase) -> Mapping[type[Event], Phase]:
    """What may happen in any phase of a run that goes on, without ending the phase."""
    kinds = (events.Resumed, events.Stopped, events.Measured, events.Noticed, events.Trouble)
    return dict.fromkeys(kinds, phase)


RUN: Mapping[Phase, Mapping[type[Event], Phase]] = {
    Phase.NEW: {events.Started: Phase.STEADY, events.Refused: Phase.DONE},
    Phase.STEADY: {
        **_staying(Phase.STEADY),
        events.Opened: Phase.ACTIVE,
        events.Finished: Phase.DONE,
    },
    Phase.ACTIVE: {**_staying(Phase.ACTIVE), events.Closed: Phase.RECOVERING},
    Phase.RECOVERING: {**_staying(Phase.RECOVERING), events.Finished: Phase.DONE},
}


def next_stage(stage: Stage, event: Event) -> Stage:
    try:
        return ENTRY[stage][type(event)]
    except KeyError:
        raise Illegal(f"{event!r} while {stage}") from None


def next_phase(phase: Phase, event: Event) -> Phase:
    try:
        return RUN[phase][type(event)]
    except KeyError:
        raise Illegal(f"{event!r} while {phase}") from None
