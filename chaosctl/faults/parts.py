"""Why: faults need the same few rights and say in the same way how they are felt."""

from chaosctl.errors import CannotPlan, Gone
from chaosctl.model import Json, Ref
from chaosctl.ports import Reader
from chaosctl.spec import Bounds, Check, Probe, Role, Rule

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


def felt(name: str, probe: Probe, *, least: float | None = None, most: float | None = None) -> Check:
    """The check that a fault was felt: the probe's value between these bounds."""
    return Check(
        name=name,
        role=Role.EFFECT,
        probe=probe.model_dump(mode="json", by_alias=True),
        holds=Bounds(min=least, max=most),
        unit=probe.unit,
    )


async def existing(ref: Ref, see: Reader) -> Json:
    """An object that the fault is about. Raises CannotPlan where it does not exist."""
    try:
        return await see.get(ref)
    except Gone:
        raise CannotPlan(f"{ref} does not exist") from None
