"""Why: faults need the same few rights and say in the same way how they are felt."""

import math
from typing import Annotated, Self

from pydantic import Field, PositiveInt, model_validator

from chaosctl.errors import CannotPlan, Gone
from chaosctl.model import Json, Patch, Plan, Ref
from chaosctl.ports import Reader
from chaosctl.probes import ObjectValue
from chaosctl.probes.sources import ObjectName
from chaosctl.spec import Bounds, Check, Fault, Probe, Role, Rule
from chaosctl.spec.amounts import Share

SEE_PODS = (
    Rule("", "pods", ("list",)),
    Rule("apps", "replicasets", ("list",)),
    Rule("apps", "deployments", ("get",)),
)
PATCH_WORKLOAD = Rule("apps", "deployments", ("get", "patch"))
CLEAR_REVISIONS = Rule("apps", "replicasets", ("list", "delete"))
"""Undoing a release deletes the ReplicaSet that it left."""

SEE_AUTOSCALERS = Rule("autoscaling", "horizontalpodautoscalers", ("list",))
"""They would undo a change of the replicas, so a guard looks for them."""


class Some(Fault):
    """A fault that takes some of what there is: a number, a share (rounded up), or all; else one."""

    count: PositiveInt | None = None
    percent: Annotated[Share, Field(gt=0)] | None = None
    all: bool = False

    @model_validator(mode="after")
    def _one_way_to_say_how_many(self) -> Self:
        if (self.count is not None) + (self.percent is not None) + self.all > 1:
            raise ValueError('say how many in one way only: "count", "percent" or "all"')
        return self

    def wanted(self, present: int) -> int:
        """How many of so many."""
        if self.all:
            return present
        return self.count or (math.ceil(self.percent * present) if self.percent else 1)


def felt(name: str, probe: Probe, *, least: float | None = None, most: float | None = None) -> Check:
    """The check that a fault was felt: the probe's value between these bounds."""
    return Check(
        name=name,
        role=Role.EFFECT,
        probe=probe.model_dump(mode="json", by_alias=True),
        holds=Bounds(min=least, max=most),
        unit=probe.unit,
    )


def changed(name: str, plan: Plan) -> Check:
    """The check that the first value which a plan patches is there: the change is its own effect."""
    step = next(step for step in plan if isinstance(step, Patch))
    edit = step.edits[0]
    probe = ObjectValue(object=ObjectName(**step.ref.model_dump()), path=edit.path, value=edit.after)
    return felt(name, probe, least=1)


async def existing(ref: Ref, see: Reader) -> Json:
    """An object that the fault is about. Raises CannotPlan where it does not exist."""
    try:
        return await see.get(ref)
    except Gone:
        raise CannotPlan(f"{ref} does not exist") from None
