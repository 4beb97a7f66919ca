"""Why: a thousand pods, or hundreds of killed runs, must be cheap; so pods may be objects and nothing else.

They are Running and Ready once bound, at addresses where nobody listens, and gone when deleted.
"""

import hashlib
from collections.abc import Mapping

from chaosctl.sandbox.api.objects import Json, timestamp
from chaosctl.sandbox.api.store import Change
from chaosctl.sandbox.controllers.meta import is_terminating, key_of
from chaosctl.sandbox.node.host import Host
from chaosctl.sandbox.node.pod import conditions_of, remove


class ObjectsOnly:
    """A kubelet that runs nothing. `nodes` are the nodes' addresses by name."""

    def __init__(self, host: Host, nodes: Mapping[str, str]) -> None:
        self._host, self._nodes = host, nodes
        self._resource = host.store.resource("v1", "pods")
        self._addresses: dict[str, str] = {}

    def see(self, change: Change) -> None:
        """Look at a change of a pod."""
        if change.resource != self._resource:
            return
        body = change.object
        uid = body["metadata"]["uid"]
        if change.type == "DELETED":
            self._host.addresses.pods.free(self._addresses.pop(uid, ""))
        elif is_terminating(body):
            remove(self._host.store, body)
        elif body["spec"].get("nodeName") in self._nodes and uid not in self._addresses:
            self._addresses[uid] = self._host.addresses.pods.take()
            self._run(body)

    async def close(self) -> None:
        """There is nothing to end."""

    def _run(self, pod: Json) -> None:
        current = self._host.store.find(self._resource, *key_of(pod))
        if current is None or current["metadata"]["uid"] != pod["metadata"]["uid"]:
            return
        self._host.store.update(
            self._resource, *key_of(pod), self._with_status, manager="kubelet", subresource="status"
        )

    def _with_status(self, pod: Json) -> Json:
        address, node = self._addresses[pod["metadata"]["uid"]], self._nodes[pod["spec"]["nodeName"]]
        now = timestamp()
        statuses = [_running(container, now) for container in pod["spec"]["containers"]]
        old = pod.get("status") or {}
        status = {
            **old,
            "phase": "Running",
            "hostIP": node,
            "hostIPs": [{"ip": node}],
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": now,
            "containerStatuses": statuses,
            "conditions": conditions_of(old, statuses, "Running", ()),
        }
        return {**pod, "status": status}


def _running(container: Json, now: str) -> Json:
    digest = hashlib.sha256(container["image"].encode()).hexdigest()
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": f"{container['image'].partition(':')[0]}@sha256:{digest}",
        "containerID": f"sandbox://{digest}",
        "ready": True,
        "started": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": now}},
        "lastState": {},
    }
