"""Why: replicas that a drill kills must come back; the ReplicaSet controller is who brings them."""

from collections import Counter
from collections.abc import Iterator, Sequence

from chaosctl.sandbox.api.errors import ApiError
from chaosctl.sandbox.api.objects import Json, timestamp
from chaosctl.sandbox.api.store import Change, Store
from chaosctl.sandbox.controllers.deployment_status import FAILURE
from chaosctl.sandbox.controllers.events import Recorder
from chaosctl.sandbox.controllers.loop import Controller
from chaosctl.sandbox.controllers.meta import (
    Key,
    annotations_of,
    condition,
    controller_of,
    controller_reference,
    is_active,
    is_controlled_by,
    is_ready,
    is_terminating,
    key_of,
    labels_of,
    matches,
    seconds_until_available,
)

_BATCH = 100  # pods created by one sync, so that others get their turn
_SOURCE = "replicaset-controller"
_DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"


class ReplicaSetController(Controller):
    """As many pods of the template as the ReplicaSet asks for."""

    def __init__(self, store: Store, recorder: Recorder) -> None:
        super().__init__(store, recorder)
        self._sets, self._pods = store.resource("apps/v1", "replicasets"), store.resource("v1", "pods")

    def keys(self, change: Change) -> Iterator[Key]:
        if change.resource == self._sets:
            yield key_of(change.object)
        elif change.resource == self._pods:
            for pod in filter(None, (change.object, change.previous)):
                yield from self._owners(pod)

    def sync(self, key: Key) -> float | None:
        replica_set = self.store.find(self._sets, *key)
        if replica_set is None:
            return None
        refusal = None
        if not is_terminating(replica_set):
            refusal = self._scale(replica_set, self._active(replica_set))
        pods = self._active(replica_set)
        self._write_status(replica_set, pods, refusal)
        if refusal is not None:
            raise refusal  # so that it is tried again, later each time
        if len(pods) < replica_set["spec"]["replicas"]:
            return 0
        return _next_available(pods, replica_set["spec"].get("minReadySeconds") or 0)

    def _owners(self, pod: Json) -> Iterator[Key]:
        owner = controller_of(pod)
        namespace = pod["metadata"]["namespace"]
        if owner is not None:
            if owner["kind"] == "ReplicaSet":
                yield namespace, owner["name"]
            return
        for replica_set in self.store.list(self._sets, namespace):
            if matches(replica_set["spec"]["selector"], labels_of(pod)):
                yield key_of(replica_set)

    def _active(self, replica_set: Json) -> list[Json]:
        return [pod for pod in self._claimed(replica_set) if is_active(pod)]

    def _claimed(self, replica_set: Json) -> list[Json]:
        """Its pods: orphans that match are adopted, own ones that match no longer are released."""
        mine = []
        for pod in self.store.list(self._pods, replica_set["metadata"]["namespace"]):
            chosen = matches(replica_set["spec"]["selector"], labels_of(pod))
            if is_controlled_by(pod, replica_set):
                if chosen:
                    mine.append(pod)
                else:
                    self._release(pod)
            elif chosen and controller_of(pod) is None and not is_terminating(pod):
                mine.append(self._adopt(pod, replica_set))
        return mine

    def _adopt(self, pod: Json, replica_set: Json) -> Json:
        def adopted(body: Json) -> Json:
            body["metadata"].setdefault("ownerReferences", []).append(controller_reference(replica_set))
            return body

        return self.store.update(self._pods, *key_of(pod), adopted, manager=_SOURCE)

    def _release(self, pod: Json) -> None:
        def released(body: Json) -> Json:
            kept = [owner for owner in body["metadata"]["ownerReferences"] if not owner.get("controller")]
            body["metadata"]["ownerReferences"] = kept
            return body

        self.store.update(self._pods, *key_of(pod), released, manager=_SOURCE)

    def _scale(self, replica_set: Json, pods: Sequence[Json]) -> ApiError | None:
        """Create or delete what is missing or too much. Gives what a new pod was refused with."""
        missing = replica_set["spec"]["replicas"] - len(pods)
        try:
            for _ in range(min(missing, _BATCH)):
                self._create(replica_set)
        except ApiError as error:
            self.recorder.warning(replica_set, "FailedCreate", f"Error creating: {error.message}", _SOURCE)
            return error
        if missing < 0:
            for pod in sorted(pods, key=_rank(pods))[:-missing]:
                self._delete(replica_set, pod)
        return None

    def _create(self, replica_set: Json) -> None:
        template, meta = replica_set["spec"]["template"], replica_set["metadata"]
        wanted = template.get("metadata") or {}
        body = {
            "metadata": {
                "generateName": f"{meta['name']}-",
                **{field: wanted[field] for field in ("labels", "annotations") if wanted.get(field)},
                "ownerReferences": [controller_reference(replica_set)],
            },
            "spec": template["spec"],
        }
        pod = self.store.create(self._pods, meta["namespace"], body, manager=_SOURCE)
        name = pod["metadata"]["name"]
        self.recorder.normal(replica_set, "SuccessfulCreate", f"Created pod: {name}", _SOURCE)

    def _delete(self, replica_set: Json, pod: Json) -> None:
        self.store.delete(self._pods, *key_of(pod), uid=pod["metadata"]["uid"])
        name = pod["metadata"]["name"]
        self.recorder.normal(replica_set, "SuccessfulDelete", f"Deleted pod: {name}", _SOURCE)

    def _write_status(self, replica_set: Json, pods: Sequence[Json], refusal: ApiError | None) -> None:
        least = replica_set["spec"].get("minReadySeconds") or 0
        template = (replica_set["spec"]["template"].get("metadata") or {}).get("labels") or {}
        counts = {
            "fullyLabeledReplicas": sum(template.items() <= labels_of(pod).items() for pod in pods),
            "readyReplicas": sum(is_ready(pod) for pod in pods),
            "availableReplicas": sum(seconds_until_available(pod, least) == 0 for pod in pods),
        }
        conditions = _conditions(replica_set, refusal)
        status = {
            "replicas": len(pods),
            **{name: count for name, count in counts.items() if count},
            **({"conditions": conditions} if conditions else {}),
            "observedGeneration": replica_set["metadata"]["generation"],
        }
        self.store.update(
            self._sets,
            *key_of(replica_set),
            lambda body: {**body, "status": status},
            manager=_SOURCE,
            subresource="status",
        )


def _conditions(replica_set: Json, refusal: ApiError | None) -> list[Json]:
    """With the first refusal for as long as new pods are refused."""
    present = (replica_set.get("status") or {}).get("conditions") or []
    others = [each for each in present if each["type"] != FAILURE]
    if refusal is None:
        return others
    new = {"type": FAILURE, "status": "True", "reason": "FailedCreate", "message": refusal.message}
    return [*others, condition(replica_set, FAILURE) or {**new, "lastTransitionTime": timestamp()}]


def _next_available(pods: Sequence[Json], least: int) -> float | None:
    waits = [wait for pod in pods if (wait := seconds_until_available(pod, least))]
    return min(waits) + 0.01 if waits else None


class _rank:  # noqa: N801  # used like the function it is
    """Whom to delete first: not scheduled, not running, not ready, cheap, doubled on a node, new."""

    def __init__(self, pods: Sequence[Json]) -> None:
        self._on_node = Counter(pod["spec"].get("nodeName") for pod in pods)

    def __call__(self, pod: Json) -> tuple[object, ...]:
        phase = str((pod.get("status") or {}).get("phase"))
        statuses = (pod.get("status") or {}).get("containerStatuses") or ()
        since = (condition(pod, "Ready") or {}).get("lastTransitionTime") or ""
        return (
            bool(pod["spec"].get("nodeName")),
            {"Pending": 0, "Running": 2}.get(phase, 1),
            is_ready(pod),
            int(annotations_of(pod).get(_DELETION_COST, "0")),
            -self._on_node[pod["spec"].get("nodeName")],
            _Descending(since),
            -max((status["restartCount"] for status in statuses), default=0),
            _Descending(pod["metadata"]["creationTimestamp"]),
        )


class _Descending(str):
    """A text that sorts the other way round."""

    __slots__ = ()

    def __lt__(self, other: str) -> bool:
        return str.__gt__(self, other)
