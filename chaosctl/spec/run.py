"""Why: in a cluster, a run is asked for by an object, and followed by looking at it.

What is asked is a drill that lies in the same namespace, or one playbook on a target. Both are the target's
namespace: else whoever may create a Run here would act elsewhere with our rights.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field, NonNegativeInt, model_validator
from pydantic_core import PydanticCustomError

from chaosctl.spec.drill import PlaybookRef, TargetText
from chaosctl.spec.playbook import Label, Metadata
from chaosctl.spec.written import Written

Phase = Literal["Pending", "Refused", "Steady", "Active", "Recovering", "Done"]


class RunSpec(Written):
    """What to run: all of a drill, or one playbook on a target."""

    drill: Label | None = Field(default=None, description="A Drill of the same namespace.")
    playbook: PlaybookRef | None = Field(default=None, description="With a target, instead of a drill.")
    target: TargetText | None = None
    seed: NonNegativeInt | None = Field(default=None, description="Repeats the choices of an earlier run.")
    abort: str = Field(default="", description="Why it must stop; setting it stops a run that is going on.")

    @model_validator(mode="after")
    def _one(self) -> "RunSpec":
        if (self.drill is None) == (self.playbook is None):
            raise PydanticCustomError("one_of", 'say either "drill" or "playbook"')
        if (self.playbook is None) != (self.target is None):
            raise PydanticCustomError(
                "target", '"playbook" and "target" belong together; a drill has its own'
            )
        return self


class Run(Written):
    """One execution of a drill, or of one playbook."""

    api_version: Literal["chaosctl.dev/v1"]
    kind: Literal["Run"]
    metadata: Metadata
    spec: RunSpec


class Said(Written):
    """A part of a status, which nobody but us writes."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)


class Condition(Said):
    """As Kubernetes has it."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str = Field(pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")
    message: str = ""
    last_transition_time: datetime
    observed_generation: NonNegativeInt = 0


class Part(Said):
    """One playbook of a run, as it stands. `run` names its journal; `clocks` are texts for people."""

    playbook: str
    run: str
    phase: Phase
    verdict: str = ""
    revert: str = ""
    exit: NonNegativeInt | None = None
    message: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    clocks: Mapping[str, str] = {}


class RunStatus(Said):
    """A run, as it stands: the worst verdict of its parts, the clocks of the current one."""

    phase: Phase = "Pending"
    verdict: str = ""
    revert: str = ""
    exit: NonNegativeInt | None = None
    message: str = ""
    playbook: str = Field(default="", description="The one that is going on, or was last.")
    target: str = ""
    run: str = Field(default="", description="The journal of the current part.")
    started: datetime | None = None
    ended: datetime | None = None
    clocks: Mapping[str, str] = {}
    parts: tuple[Part, ...] = ()
    conditions: tuple[Condition, ...] = ()
    observed_generation: NonNegativeInt = 0


class DrillStatus(Said):
    """A drill, as it stands: what its schedule did, and what comes next."""

    last_scheduled: datetime | None = Field(
        default=None, description="Up to here the schedule has been served."
    )
    next_scheduled: datetime | None = None
    schedule: str = Field(
        default="", description="The schedule that was served so far; another one starts anew."
    )
    last_run: str = ""
    verdict: str = Field(default="", description="Of the last run that has ended.")
    message: str = Field(default="", description="Why it does not run, where it does not.")
    conditions: tuple[Condition, ...] = ()
    observed_generation: NonNegativeInt = 0
