"""Why: pods that are bound to a node must run; the kubelet starts and ends them as their objects change."""

import asyncio
from collections.abc import Mapping

from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.store import Change
from chaosctl.sandbox.controllers.loop import background
from chaosctl.sandbox.controllers.meta import is_finished, is_terminating
from chaosctl.sandbox.node.container import Container
from chaosctl.sandbox.node.host import Host
from chaosctl.sandbox.node.pod import Pod, remove


class Kubelet:
    """Runs the pods of all nodes as local processes. `nodes` are the nodes' addresses by name."""

    def __init__(self, host: Host, nodes: Mapping[str, str]) -> None:
        self._host, self._nodes = host, nodes
        self._resource = host.store.resource("v1", "pods")
        self._pods: dict[str, Pod] = {}
        self._endings: set[asyncio.Task[None]] = set()

    def see(self, change: Change) -> None:
        """Look at a change of a pod."""
        if change.resource != self._resource:
            return
        body = change.object
        if change.type == "DELETED":
            self._forget(body["metadata"]["uid"])
        elif is_terminating(body):
            self._end(body)
        elif known := self._pods.get(body["metadata"]["uid"]):
            known.see(body)
        elif self._is_new(body):
            self._pods[body["metadata"]["uid"]] = Pod(self._host, body, self._nodes[body["spec"]["nodeName"]])

    async def close(self) -> None:
        """End every pod at once."""
        for uid in tuple(self._pods):
            self._forget(uid)
        await asyncio.gather(*self._endings)

    def container(self, pod: Json, name: str) -> Container | None:
        """A container that has been set up here."""
        found = self._pods.get(pod["metadata"]["uid"])
        return found.container(name) if found else None

    def _is_new(self, pod: Json) -> bool:
        return pod["spec"].get("nodeName") in self._nodes and not is_finished(pod)

    def _end(self, body: Json) -> None:
        meta = body["metadata"]
        grace = float(meta.get("deletionGracePeriodSeconds") or 0)
        if found := self._pods.get(meta["uid"]):
            found.end(grace)
        else:
            remove(self._host.store, body)

    def _forget(self, uid: str) -> None:
        if pod := self._pods.pop(uid, None):
            task = background(pod.forget(), "ending a pod")
            self._endings.add(task)
            task.add_done_callback(self._endings.discard)
