"""Why: a pod is its containers, an address, a folder and a status; here they are kept in step."""

import asyncio
import shutil
from collections.abc import Sequence
from typing import cast

from chaosctl.sandbox.api.errors import ApiError
from chaosctl.sandbox.api.objects import Json, dig, timestamp
from chaosctl.sandbox.api.store import Store
from chaosctl.sandbox.controllers.loop import background
from chaosctl.sandbox.controllers.meta import with_condition
from chaosctl.sandbox.node.account import write_credentials
from chaosctl.sandbox.node.container import Container, Place
from chaosctl.sandbox.node.environment import ConfigError, write_volumes
from chaosctl.sandbox.node.host import Host

_GONE = (404, 409)
_DEFAULT_GRACE = 30
_EXPIRED: Json = {
    "phase": "Failed",
    "reason": "DeadlineExceeded",
    "message": "Pod was active on the node longer than the specified deadline",
}


class Pod:
    """One pod on a node, from its binding to its end."""

    def __init__(self, host: Host, body: Json, node_address: str) -> None:
        self._host, self._body, self._node_address = host, body, node_address
        self._pods = host.store.resource("v1", "pods")
        self._folder = host.pod_folder(body)
        self._address = host.addresses.pods.take()
        self._started = timestamp()
        self._initialised = not dig(body, "spec.initContainers")
        self._setup: list[Container] = []
        self._containers: list[Container] = []
        self._task = background(self._run(), f"pod {body['metadata']['name']}")
        self._ending: asyncio.Task[None] | None = None
        self._deadline: asyncio.Task[None] | None = None
        self._expired = False
        self._grace = 0.0

    @property
    def uid(self) -> str:
        return str(self._body["metadata"]["uid"])

    def container(self, name: str) -> Container | None:
        """One of its containers, once they are set up."""
        return next((each for each in [*self._setup, *self._containers] if each.name == name), None)

    def end(self, grace: float) -> None:
        """End the pod within the grace period (seconds), then remove the object. Again: shorten it."""
        if self._ending is None:
            self._ending = background(self._end(grace), "ending a pod")
        elif grace < self._grace:
            asyncio.get_running_loop().call_later(grace, self.kill)
        self._grace = grace

    def see(self, body: Json) -> None:
        """Take over what was changed in the object."""
        self._body = body
        for container in self._containers:
            container.see(body)

    def kill(self) -> None:
        """Kill every process at once."""
        for container in [*self._setup, *self._containers]:
            container.kill()

    async def forget(self) -> None:
        """End it without a trace: its object has gone, or the sandbox ends."""
        self.kill()
        if self._ending is None:
            self._ending = background(self._end(0), "ending a pod")
        await self._ending

    async def _run(self) -> None:
        spec = self._body["spec"]
        base = self._host.base_environment(self._body, self._address, self._folder)
        policy = spec.get("restartPolicy") or "Always"
        once = "Never" if policy == "Never" else "OnFailure"
        place = Place(self._host, self._body, base, self._publish)
        self._setup = [Container(place, each, once) for each in spec.get("initContainers") or ()]
        self._containers = [Container(place, each, policy) for each in spec["containers"]]
        self._publish()
        base |= await self._volumes()  # the containers have it; none of them has started
        base |= self._credentials()
        if deadline := spec.get("activeDeadlineSeconds"):
            self._deadline = background(self._expire(float(deadline)), "a pod's deadline")
        for container in self._setup:
            await container.run()
            if not container.succeeded:
                return
        self._initialised = True
        async with asyncio.TaskGroup() as group:
            for container in self._containers:
                group.create_task(container.run())

    async def _expire(self, seconds: float) -> None:
        """End a pod that was active for too long; its object stays, and says so."""
        await asyncio.sleep(seconds)
        if self._ending is not None or self._has_ended:
            return
        self._expired = True
        grace = float(self._body["spec"].get("terminationGracePeriodSeconds", _DEFAULT_GRACE))
        await asyncio.gather(*(each.stop(grace) for each in [*self._setup, *self._containers]))
        self._publish()

    @property
    def _has_ended(self) -> bool:
        return self._task.done()

    def _credentials(self) -> dict[str, str]:
        namespace, name = self._body["metadata"]["namespace"], self._body["spec"].get("serviceAccountName")
        account = self._host.find(namespace, "serviceaccounts", name or "default")
        return write_credentials(self._body, account, self._folder, self._host.credentials)

    async def _volumes(self) -> dict[str, str]:
        """Write the volumes, as soon as everything that they refer to is there."""
        self._folder.mkdir(parents=True, exist_ok=True)
        namespace = self._body["metadata"]["namespace"]
        while True:
            try:
                return write_volumes(
                    self._body,
                    self._folder / "volumes",
                    lambda plural, name: self._host.find(namespace, plural, name),
                )
            except ConfigError as error:
                text = f"MountVolume.SetUp failed for volume: {error}"
                self._host.recorder.warning(self._body, "FailedMount", text, "kubelet")
                await asyncio.sleep(self._host.back_off.base)

    async def _end(self, grace: float) -> None:
        for container in self._containers:
            if container.running:
                self._host.recorder.normal(
                    self._body, "Killing", f"Stopping container {container.name}", "kubelet"
                )
        await asyncio.gather(*(container.stop(grace) for container in [*self._setup, *self._containers]))
        tasks = [task for task in (self._task, self._deadline) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._publish()
        remove(self._host.store, self._body)
        self._host.addresses.pods.free(self._address)
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    # Status

    def _publish(self) -> None:
        meta = self._body["metadata"]
        now = self._host.store.find(self._pods, meta["namespace"], meta["name"])
        if now is None or now["metadata"]["uid"] != self.uid:
            return
        self._host.store.update(
            self._pods,
            meta["namespace"],
            meta["name"],
            self._with_status,
            manager="kubelet",
            subresource="status",
        )

    def _with_status(self, pod: Json) -> Json:
        old = pod.get("status") or {}
        statuses = [container.status for container in self._containers]
        phase = phase_of(pod["spec"].get("restartPolicy") or "Always", statuses)
        setup = [container.status for container in self._setup]
        status = {
            **old,
            "phase": phase if self._initialised else _setup_phase(self._setup),
            "hostIP": self._node_address,
            "hostIPs": [{"ip": self._node_address}],
            "podIP": self._address,
            "podIPs": [{"ip": self._address}],
            "startTime": self._started,
            "containerStatuses": statuses,
            **({"initContainerStatuses": setup} if setup else {}),
        }
        if self._expired:
            status |= _EXPIRED
        incomplete = [] if self._initialised else [each.name for each in self._setup if not each.succeeded]
        status["conditions"] = conditions_of(old, statuses, str(status["phase"]), incomplete)
        return {**pod, "status": status}


def remove(store: Store, pod: Json) -> None:
    """Remove a pod's object for good: nothing of it runs any more."""
    meta = pod["metadata"]
    try:
        store.delete(
            store.resource("v1", "pods"), meta["namespace"], meta["name"], uid=meta["uid"], grace_seconds=0
        )
    except ApiError as error:
        if error.code not in _GONE:
            raise


def phase_of(policy: str, statuses: Sequence[Json]) -> str:
    """The phase that a kubelet gives to containers in these states."""
    if any("waiting" in each["state"] and not each["lastState"] for each in statuses):
        return "Pending"
    ended = [each["state"].get("terminated") for each in statuses]
    if policy == "Always" or None in ended:
        return "Running"
    if all(each and each["exitCode"] == 0 for each in ended):
        return "Succeeded"
    return "Failed" if policy == "Never" else "Running"


def conditions_of(old: Json, statuses: Sequence[Json], phase: str, incomplete: Sequence[str]) -> list[Json]:
    """The conditions of a pod, the others kept as they are; `incomplete` are initial containers."""
    unready = [each["name"] for each in statuses if not each["ready"]]
    why = {
        "reason": "ContainersNotReady",
        "message": f"containers with unready status: [{' '.join(unready)}]",
    }
    if phase in {"Succeeded", "Failed"}:
        why = {"reason": "PodCompleted" if phase == "Succeeded" else "PodFailed"}
    ready: Json = {"status": "False", **why} if unready else {"status": "True"}
    initial: Json = {"status": "True"}
    if incomplete:
        text = f"containers with incomplete status: [{' '.join(incomplete)}]"
        initial = {"status": "False", "reason": "ContainersNotInitialized", "message": text}
    conditions = cast("list[Json]", old.get("conditions") or [])
    for kind, state in (
        ("PodReadyToStartContainers", {"status": "True"}),
        ("Initialized", initial),
        ("Ready", ready),
        ("ContainersReady", ready),
    ):
        conditions = with_condition(conditions, {"type": kind, "lastProbeTime": None, **state})
    return conditions


def _setup_phase(setup: Sequence[Container]) -> str:
    return "Failed" if any(container.failed_for_good for container in setup) else "Pending"
