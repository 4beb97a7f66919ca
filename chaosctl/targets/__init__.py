"""Why: everything else speaks of "the target"; what that is depends on the kind of the workload."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from chaosctl.errors import Invalid
from chaosctl.model import Json, Ref
from chaosctl.ports import Reader
from chaosctl.spec import Target, TargetView
from chaosctl.targets import deployment

__all__ = ["KINDS", "Kind", "look"]


class Kind(NamedTuple):
    """What there is to know of one kind of workload, as pure functions of its objects."""

    selector: Callable[[Json], str]
    view: Callable[[Target, Json, Sequence[Json]], TargetView]


KINDS: Mapping[str, Kind] = {"Deployment": Kind(deployment.selector, deployment.view)}


async def look(target: Target, see: Reader) -> TargetView:
    """The target as it stands. Raises Invalid for a kind that we do not know, ClusterError."""
    ref = target.workload
    kind = KINDS.get(ref.kind)
    if kind is None:
        raise Invalid(
            f"{ref}: cannot drill a {ref.kind}; name a {' or '.join(KINDS)} as the target's workload"
        )
    workload = await see.get(ref)
    like = Ref(api_version="apps/v1", kind="ReplicaSet", namespace=ref.namespace, name="")
    replica_sets = await see.find(like, kind.selector(workload))
    return kind.view(target, workload, replica_sets)
