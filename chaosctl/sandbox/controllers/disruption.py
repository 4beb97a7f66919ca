"""Why: an eviction is allowed or refused by a budget's status, and somebody must compute that."""

from collections.abc import Iterator, Sequence

from chaosctl.sandbox.api.errors import ApiError
from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.store import Change, Store
from chaosctl.sandbox.controllers.events import Recorder
from chaosctl.sandbox.controllers.loop import Controller
from chaosctl.sandbox.controllers.meta import (
    Key,
    controller_of,
    is_active,
    is_ready,
    key_of,
    labels_of,
    matches,
    scaled,
    seconds_since,
    with_condition,
)

_SOURCE = "disruption-controller"
_FORGET = 120.0  # seconds after which an eviction that never deleted its pod no longer counts


class DisruptionController(Controller):
    """The status of PodDisruptionBudgets."""

    def __init__(self, store: Store, recorder: Recorder) -> None:
        super().__init__(store, recorder)
        self._budgets = store.resource("policy/v1", "poddisruptionbudgets")
        self._pods = store.resource("v1", "pods")
        self._scaled = frozenset({"replicasets", "deployments", "statefulsets"})

    def keys(self, change: Change) -> Iterator[Key]:
        if change.resource == self._budgets:
            yield key_of(change.object)
        elif change.resource == self._pods or change.resource.plural in self._scaled:
            for budget in self.store.list(self._budgets, change.object["metadata"].get("namespace")):
                yield key_of(budget)

    def sync(self, key: Key) -> float | None:
        budget = self.store.find(self._budgets, *key)
        if budget is None:
            return None
        pods = [
            pod
            for pod in self.store.list(self._pods, key[0])
            if is_active(pod) and matches(budget["spec"].get("selector"), labels_of(pod))
        ]
        expected, desired = self._wanted(budget, pods)
        disrupted = _still_disrupted(budget, pods)
        healthy = sum(is_ready(pod) and pod["metadata"]["name"] not in disrupted for pod in pods)
        allowed = max(0, healthy - desired) if expected else 0
        self._write(
            budget,
            {
                "currentHealthy": healthy,
                "desiredHealthy": desired,
                "disruptionsAllowed": allowed,
                "expectedPods": expected,
                **({"disruptedPods": disrupted} if disrupted else {}),
            },
        )
        return _FORGET if disrupted else None

    def _wanted(self, budget: Json, pods: Sequence[Json]) -> tuple[int, int]:
        """How many pods there should be, and how many of them healthy."""
        spec = budget["spec"]
        if "maxUnavailable" in spec:
            expected = self._expected(pods)
            return expected, max(0, expected - scaled(spec["maxUnavailable"], expected, up=True))
        least = spec.get("minAvailable")
        if least is None:  # it says nothing, so it allows nothing
            return 0, 0
        if isinstance(least, int):
            return len(pods), least
        expected = self._expected(pods)
        return expected, scaled(least, expected, up=True)

    def _expected(self, pods: Sequence[Json]) -> int:
        """The replicas that the pods' topmost controllers ask for."""
        owners = {owner["metadata"]["uid"]: owner for pod in pods if (owner := self._topmost(pod))}
        return sum(owner["spec"].get("replicas", 1) for owner in owners.values())

    def _topmost(self, obj: Json) -> Json | None:
        reference = controller_of(obj)
        if reference is None:
            return None if obj["kind"] == "Pod" else obj
        try:
            resource = self.store.resource_of(reference)
        except ApiError:  # a kind that this cluster does not serve
            return None
        owner = self.store.find(resource, obj["metadata"]["namespace"], reference["name"])
        return self._topmost(owner) if owner else None

    def _write(self, budget: Json, counts: Json) -> None:
        allowed = counts["disruptionsAllowed"]
        state = {
            "type": "DisruptionAllowed",
            "status": "True" if allowed else "False",
            "reason": "SufficientPods" if allowed else "InsufficientPods",
            "message": "",
            "observedGeneration": budget["metadata"].get("generation", 1),
        }
        conditions = with_condition((budget.get("status") or {}).get("conditions") or (), state)
        status = {
            **counts,
            "observedGeneration": budget["metadata"].get("generation", 1),
            "conditions": conditions,
        }
        self.store.update(
            self._budgets,
            *key_of(budget),
            lambda body: {**body, "status": status},
            manager=_SOURCE,
            subresource="status",
        )


def _still_disrupted(budget: Json, pods: Sequence[Json]) -> dict[str, str]:
    """Pods whose eviction was allowed and that are not yet seen to be going."""
    noted = (budget.get("status") or {}).get("disruptedPods") or {}
    names = {pod["metadata"]["name"] for pod in pods}
    return {name: time for name, time in noted.items() if name in names and seconds_since(time) < _FORGET}
