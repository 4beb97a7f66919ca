"""Why: an eviction is a deletion that asks disruption budgets first, and drills rely on their answer."""

from typing import NamedTuple

from chaosctl.sandbox.api import admission
from chaosctl.sandbox.api.calls import Call
from chaosctl.sandbox.api.errors import ApiError, internal
from chaosctl.sandbox.api.objects import Json, dig, timestamp
from chaosctl.sandbox.api.selectors import matches
from chaosctl.sandbox.api.store import Store

_MANAGER = "kube-apiserver"
_TARGET = "DisruptionTarget"


def evict(store: Store, call: Call, body: Json) -> Json:
    """Delete a pod if its disruption budgets allow it. Raises ApiError 404, 409, 429."""
    place, options = call.place, body.get("deleteOptions") or {}
    pod = store.get(place.resource, place.namespace, place.name or "")
    pins = options.get("preconditions") or {}
    dry_run = call.dry_run or "All" in (options.get("dryRun") or ())
    admission.check_preconditions(place.resource, pod, pins.get("uid"), pins.get("resourceVersion"))
    if "deletionTimestamp" not in pod["metadata"]:
        if dig(pod, "status.phase") == "Running":
            _ask_budgets(store, pod, dry_run=dry_run)
        if not dry_run:
            _mark(store, pod)
    store.delete(
        place.resource,
        place.namespace,
        place.name or "",
        uid=pod["metadata"]["uid"],
        grace_seconds=options.get("gracePeriodSeconds"),
        dry_run=dry_run,
    )
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def _mark(store: Store, pod: Json) -> None:
    """Leave the reason on the pod, for whoever asks why it goes."""
    condition = {
        "type": _TARGET,
        "status": "True",
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
        "lastTransitionTime": timestamp(),
    }

    def marked(body: Json) -> Json:
        status = body.get("status") or {}
        others = [each for each in status.get("conditions") or () if each["type"] != _TARGET]
        return {**body, "status": {**status, "conditions": [*others, condition]}}

    meta, resource = pod["metadata"], store.resource("v1", "pods")
    store.update(resource, meta["namespace"], meta["name"], marked, manager=_MANAGER, subresource="status")


class _Budget(NamedTuple):
    """What a PodDisruptionBudget says for the moment."""

    name: str
    allowed: int
    healthy: int
    wanted: int
    always_for_unready: bool
    current: bool

    def ignores(self, pod: Json) -> bool:
        """Whether a pod that is not ready may go without being counted."""
        conditions = dig(pod, "status.conditions") or ()
        ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
        return not ready and (self.always_for_unready or self.healthy >= self.wanted > 0)


def _read(budget: Json) -> _Budget:
    status, metadata = budget.get("status") or {}, budget["metadata"]
    return _Budget(
        name=metadata["name"],
        allowed=status.get("disruptionsAllowed", 0),
        healthy=status.get("currentHealthy", 0),
        wanted=status.get("desiredHealthy", 0),
        always_for_unready=dig(budget, "spec.unhealthyPodEvictionPolicy") == "AlwaysAllow",
        current=status.get("observedGeneration", 0) >= metadata.get("generation", 0),
    )


def _ask_budgets(store: Store, pod: Json, *, dry_run: bool) -> None:
    resource = store.resource("policy/v1", "poddisruptionbudgets")
    namespace, labels = pod["metadata"]["namespace"], pod["metadata"].get("labels") or {}
    guarding = [b for b in store.list(resource, namespace) if matches(dig(b, "spec.selector"), labels)]
    if len(guarding) > 1:
        raise internal(
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        )
    for budget in map(_read, guarding):
        if budget.ignores(pod):
            continue
        if not budget.current or budget.allowed < 1:
            raise _refused(budget)
        if not dry_run:
            store.update(resource, namespace, budget.name, _spend_one, manager=_MANAGER, subresource="status")


def _spend_one(budget: Json) -> Json:
    """Count the eviction at once, so that a second one does not slip in before the controller looks."""
    budget["status"]["disruptionsAllowed"] -= 1
    return budget


def _refused(budget: _Budget) -> ApiError:
    why = f"needs {budget.wanted} healthy pods and has {budget.healthy} currently"
    if not budget.current:
        why = "is still being processed by the server."
    cause = {"reason": "DisruptionBudget", "message": f"The disruption budget {budget.name} {why}"}
    message = "Cannot evict pod as it would violate the pod's disruption budget."
    return ApiError(429, "TooManyRequests", message, {"causes": [cause]})
