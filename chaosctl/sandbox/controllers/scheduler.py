"""Why: zone outages and cordons mean something only if pods are spread, and stay away from closed nodes."""

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal

from chaosctl.sandbox.api.objects import Json, dig
from chaosctl.sandbox.api.quantities import amount
from chaosctl.sandbox.api.store import Change, Store
from chaosctl.sandbox.controllers.affinity import admits
from chaosctl.sandbox.controllers.events import Recorder
from chaosctl.sandbox.controllers.loop import Controller
from chaosctl.sandbox.controllers.meta import (
    Key,
    controller_of,
    is_finished,
    is_terminating,
    key_of,
    labels_of,
    with_condition,
)

ZONE = "topology.kubernetes.io/zone"
_SOURCE = "default-scheduler"
_ALL: Key = ("", "pods")  # one sync places whatever waits, so that a thousand pods are counted once
_BATCH = 200


class Scheduler(Controller):
    """Binds pods to nodes: spread over zones, then nodes."""

    def __init__(self, store: Store, recorder: Recorder) -> None:
        super().__init__(store, recorder)
        self._pods, self._nodes = store.resource("v1", "pods"), store.resource("v1", "nodes")

    def keys(self, change: Change) -> Iterator[Key]:
        waits = change.resource == self._pods and (change.type == "DELETED" or _waits(change.object))
        if waits or change.resource == self._nodes:
            yield _ALL

    def sync(self, key: Key) -> float | None:
        del key  # there is only one
        pods = self.store.list(self._pods)
        waiting = [pod for pod in pods if _waits(pod)]
        if not waiting:
            return None
        placed = [pod for pod in pods if pod["spec"].get("nodeName") and not is_finished(pod)]
        board = _Board(self.store.list(self._nodes), placed)
        for pod in waiting[:_BATCH]:
            if node := board.best(pod):
                board.add(pod, node)
                self._bind(pod, node)
            else:
                self._refuse(pod, board.why_not(pod))
        return 0 if len(waiting) > _BATCH else None

    def _bind(self, pod: Json, node: str) -> None:
        where = labels_of(self.store.get(self._nodes, None, node))
        topology = {key: where[key] for key in _TOPOLOGY if key in where}

        def bound(body: Json) -> Json:
            labels = {**topology, **labels_of(body)}
            metadata = {**body["metadata"], **({"labels": labels} if labels else {})}
            return {**body, "metadata": metadata, "spec": {**body["spec"], "nodeName": node}}

        self.store.update(self._pods, *key_of(pod), bound, manager=_SOURCE, subresource="binding")
        self._note(pod, {"type": "PodScheduled", "status": "True", "lastProbeTime": None})
        namespace, name = key_of(pod)
        text = f"Successfully assigned {namespace}/{name} to {node}"
        self.recorder.normal(pod, "Scheduled", text, _SOURCE)

    def _refuse(self, pod: Json, why: str) -> None:
        state = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": why}
        self._note(pod, {**state, "lastProbeTime": None})
        self.recorder.warning(pod, "FailedScheduling", why, _SOURCE)

    def _note(self, pod: Json, state: Json) -> None:
        def noted(body: Json) -> Json:
            status = body.get("status") or {}
            return {
                **body,
                "status": {**status, "conditions": with_condition(status.get("conditions") or (), state)},
            }

        self.store.update(self._pods, *key_of(pod), noted, manager=_SOURCE, subresource="status")


class _Board:
    """Who is where, while pods are being placed."""

    def __init__(self, nodes: Sequence[Json], placed: Sequence[Json]) -> None:
        self._nodes = {node["metadata"]["name"]: node for node in nodes}
        self._count: Counter[str] = Counter()
        self._used: dict[str, Counter[str]] = {name: Counter() for name in self._nodes}
        self._kin: Counter[tuple[str, str]] = Counter()
        for pod in placed:
            if pod["spec"]["nodeName"] in self._nodes:
                self.add(pod, pod["spec"]["nodeName"])

    def add(self, pod: Json, node: str) -> None:
        self._count[node] += 1
        for name, wanted in _requests(pod).items():
            self._used[node][name] += wanted  # type: ignore[assignment]  # Counter adds decimals as well
        if not is_terminating(pod):
            self._kin[_kin(pod), node] += 1
            self._kin[_kin(pod), self._zone(node)] += 1

    def best(self, pod: Json) -> str | None:
        """The node with the fewest pods of its kind in the zone, then on itself, then of all."""
        fitting = [name for name in self._nodes if self._obstacle(pod, name) is None]
        kin = _kin(pod)
        return min(
            fitting,
            key=lambda name: (
                self._kin[kin, self._zone(name)],
                self._kin[kin, name],
                self._count[name],
                name,
            ),
            default=None,
        )

    def why_not(self, pod: Json) -> str:
        """What stands against every node, in the scheduler's words."""
        reasons = Counter(obstacle for name in self._nodes if (obstacle := self._obstacle(pod, name)))
        listed = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        total = len(self._nodes)
        head = f"0/{total} nodes are available"
        if not total:
            return f"{head}: no nodes available to schedule pods."
        tail = f"preemption: 0/{total} nodes are available: {total} Preemption is not helpful for scheduling."
        return f"{head}: {listed}. {tail}"

    def _zone(self, node: str) -> str:
        return "zone " + labels_of(self._nodes[node]).get(ZONE, "")

    def _obstacle(self, pod: Json, name: str) -> str | None:
        node = self._nodes[name]
        if node["spec"].get("unschedulable") and not _tolerates(pod, _UNSCHEDULABLE):
            return "node(s) were unschedulable"
        for taint in node["spec"].get("taints") or ():
            if taint["effect"] != "PreferNoSchedule" and not _tolerates(pod, taint):
                text = f"{taint['key']}: {taint.get('value', '')}"
                return f"node(s) had untolerated taint {{{text}}}"
        if not admits(pod, node):
            return "node(s) didn't match Pod's node affinity/selector"
        for resource, wanted in _requests(pod).items():
            total = amount(str((dig(node, "status.allocatable") or {}).get(resource, "0"))) or Decimal(0)
            if self._used[name][resource] + wanted > total:
                return f"Insufficient {resource}"
        return None


_TOPOLOGY = (ZONE, "topology.kubernetes.io/region")  # what pods take over from their node
_UNSCHEDULABLE: Json = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def _waits(pod: Json) -> bool:
    return not pod["spec"].get("nodeName") and not is_terminating(pod) and not is_finished(pod)


def _kin(pod: Json) -> str:
    owner = controller_of(pod)
    return str(owner["uid"] if owner else pod["metadata"]["uid"])


def _requests(pod: Json) -> dict[str, Decimal]:
    total: dict[str, Decimal] = {"pods": Decimal(1)}
    for container in pod["spec"]["containers"]:
        resources = container.get("resources") or {}
        wanted = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
        for name, text in wanted.items():
            total[name] = total.get(name, Decimal(0)) + (amount(str(text)) or Decimal(0))
    return total


def _tolerates(pod: Json, taint: Json) -> bool:
    def covers(toleration: Json) -> bool:
        same_key = toleration.get("key") in {None, "", taint["key"]}
        same_effect = toleration.get("effect") in {None, "", taint["effect"]}
        exists = toleration.get("operator") == "Exists"
        return same_key and same_effect and (exists or toleration.get("value", "") == taint.get("value", ""))

    return any(covers(toleration) for toleration in pod["spec"].get("tolerations") or ())
