"""Why: a node that was closed carries a taint, by which pods and people know it."""

from collections.abc import Iterator

from chaosctl.sandbox.api.objects import Json, timestamp
from chaosctl.sandbox.api.store import Change, Store
from chaosctl.sandbox.controllers.events import Recorder
from chaosctl.sandbox.controllers.loop import Controller
from chaosctl.sandbox.controllers.meta import Key, key_of

_SOURCE = "node-lifecycle-controller"
_CLOSED: Json = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


class NodeController(Controller):
    """The taint of nodes that take no new pods."""

    def __init__(self, store: Store, recorder: Recorder) -> None:
        super().__init__(store, recorder)
        self._nodes = store.resource("v1", "nodes")

    def keys(self, change: Change) -> Iterator[Key]:
        if change.resource == self._nodes:
            yield key_of(change.object)

    def sync(self, key: Key) -> None:
        node = self.store.find(self._nodes, *key)
        if node is None or bool(node["spec"].get("unschedulable")) == any(map(_is_closed, _taints(node))):
            return
        self.store.update(self._nodes, *key, _tainted, manager=_SOURCE)


def _tainted(node: Json) -> Json:
    """The node with the taint that goes with its spec, or without it."""
    spec = {key: value for key, value in node["spec"].items() if key != "taints"}
    taints = [each for each in _taints(node) if not _is_closed(each)]
    taints += [{**_CLOSED, "timeAdded": timestamp()}] if spec.get("unschedulable") else []
    return {**node, "spec": {**spec, "taints": taints} if taints else spec}


def _taints(node: Json) -> list[Json]:
    return node["spec"].get("taints") or []


def _is_closed(taint: Json) -> bool:
    return taint.items() >= _CLOSED.items()
