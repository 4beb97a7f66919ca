"""Why: how many replicas an old and a new release may have is arithmetic, and drills are judged by it.

The rules are those of Kubernetes' deployment controller: surge rounds up, unavailable rounds down, and if
both come to nothing, one may be unavailable.
"""

from collections.abc import Sequence
from typing import NamedTuple

from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.controllers.meta import annotations_of, is_terminating, scaled

REVISION = "deployment.kubernetes.io/revision"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"


class Bounds(NamedTuple):
    """How far a Deployment may be from its replicas while it rolls."""

    replicas: int
    surge: int
    unavailable: int

    @property
    def most(self) -> int:
        return self.replicas + self.surge

    @property
    def least_available(self) -> int:
        return self.replicas - self.unavailable


def bounds(deployment: Json) -> Bounds:
    """The bounds, from strategy and replicas."""
    spec = deployment["spec"]
    replicas, strategy = spec["replicas"], spec.get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return Bounds(replicas, 0, 0)
    rolling = strategy.get("rollingUpdate") or {}
    surge = scaled(rolling.get("maxSurge", "25%"), replicas, up=True)
    unavailable = scaled(rolling.get("maxUnavailable", "25%"), replicas, up=False)
    if surge == unavailable == 0:
        unavailable = 1
    return Bounds(replicas, surge, min(unavailable, replicas))


def replicas_of(sets: Sequence[Json]) -> int:
    """What the ReplicaSets ask for."""
    return sum(each["spec"]["replicas"] for each in sets)


def present(sets: Sequence[Json]) -> int:
    """What the ReplicaSets ask for or, where they have not caught up yet, still have."""
    return sum(max(each["spec"]["replicas"], counted([each], "replicas")) for each in sets)


def counted(sets: Sequence[Json], field: str) -> int:
    """What the ReplicaSets have, by a field of their status."""
    return sum((each.get("status") or {}).get(field) or 0 for each in sets)


def new_replicas(limits: Bounds, new: int, everybody: int) -> int:
    """The replicas of the new ReplicaSet, as far as the surge lets it grow now."""
    if new > limits.replicas or everybody >= limits.most:
        return min(new, limits.replicas)
    return new + min(limits.most - everybody, limits.replicas - new)


def old_replicas(limits: Bounds, new: Json, old: Sequence[Json]) -> dict[str, int]:
    """The replicas of the old ReplicaSets by name: unhealthy ones go first, then what availability allows."""
    sizes = {each["metadata"]["name"]: each["spec"]["replicas"] for each in old}
    new_unavailable = new["spec"]["replicas"] - counted([new], "availableReplicas")
    may_go = replicas_of([new, *old]) - limits.least_available - new_unavailable
    for each in _oldest_first(old):
        name = each["metadata"]["name"]
        unhealthy = sizes[name] - min(sizes[name], counted([each], "availableReplicas"))
        go = max(0, min(may_go, unhealthy))
        sizes[name] -= go
        may_go -= go
    healthy = min(may_go, counted([new, *old], "availableReplicas") - limits.least_available)
    for each in _oldest_first(old):
        name = each["metadata"]["name"]
        go = max(0, min(healthy, sizes[name]))
        sizes[name] -= go
        healthy -= go
    return sizes


def proportional(limits: Bounds, sets: Sequence[Json]) -> dict[str, int]:
    """The replicas by name when a Deployment is scaled while it rolls: each grows or shrinks by its share."""
    sizes = {each["metadata"]["name"]: each["spec"]["replicas"] for each in sets}
    allowed = limits.most if limits.replicas else 0
    left = change = allowed - sum(sizes.values())
    order = sorted(sets, key=lambda each: (-each["spec"]["replicas"], each["metadata"]["creationTimestamp"]))
    for each in order:
        name = each["metadata"]["name"]
        share = _share(each, allowed) if change else 0
        share = min(share, left) if change > 0 else max(share, left)
        sizes[name] += share
        left -= share
    if order and left:
        first = order[0]["metadata"]["name"]
        sizes[first] = max(0, sizes[first] + left)
    return sizes


def _share(each: Json, allowed: int) -> int:
    """What one ReplicaSet gains, so that it keeps its part of what was allowed before."""
    size: int = each["spec"]["replicas"]
    before = int(annotations_of(each).get(MAXIMUM) or 0) or allowed
    return round(size * allowed / before) - size


def revision_of(obj: Json) -> int:
    """The revision in an object's annotation; 0 if it has none."""
    text = annotations_of(obj).get(REVISION) or ""
    return int(text) if text.isdigit() else 0


def outdated(old: Sequence[Json], limit: int) -> list[Json]:
    """The empty old ReplicaSets beyond the history limit, oldest revision first."""
    kept = [each for each in old if not is_terminating(each)]
    too_many = sorted(kept, key=revision_of)[: max(0, len(kept) - limit)]
    return [each for each in too_many if _is_empty(each)]


def _is_empty(each: Json) -> bool:
    status = each.get("status") or {}
    settled = (status.get("observedGeneration") or 0) >= each["metadata"]["generation"]
    return settled and not each["spec"]["replicas"] and not status.get("replicas")


def _oldest_first(sets: Sequence[Json]) -> list[Json]:
    return sorted(sets, key=lambda each: (each["metadata"]["creationTimestamp"], revision_of(each)))
