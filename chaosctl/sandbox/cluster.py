"""Why: store, API server, controllers and node are a cluster only together; here they are joined.

Everything that a sandbox writes lies under its folder. When it has stopped, no process of it is left.
"""

import platform
import shutil
import uuid
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from chaosctl.sandbox.api.audit import into, nowhere
from chaosctl.sandbox.api.kubeconfig import kubeconfig
from chaosctl.sandbox.api.objects import Json, timestamp
from chaosctl.sandbox.api.server import ApiServer
from chaosctl.sandbox.api.store import Store
from chaosctl.sandbox.controllers.backoff import BackOff
from chaosctl.sandbox.controllers.deployment import DeploymentController
from chaosctl.sandbox.controllers.disruption import DisruptionController
from chaosctl.sandbox.controllers.endpoints import EndpointsController
from chaosctl.sandbox.controllers.events import Recorder
from chaosctl.sandbox.controllers.job import JobController
from chaosctl.sandbox.controllers.loop import Controller, Manager
from chaosctl.sandbox.controllers.nodes import NodeController
from chaosctl.sandbox.controllers.quota import QuotaController
from chaosctl.sandbox.controllers.replicaset import ReplicaSetController
from chaosctl.sandbox.controllers.scheduler import ZONE, Scheduler
from chaosctl.sandbox.node.addresses import Addresses
from chaosctl.sandbox.node.host import Host
from chaosctl.sandbox.node.images import Images
from chaosctl.sandbox.node.kubelet import Kubelet
from chaosctl.sandbox.node.logs import Logs
from chaosctl.sandbox.node.objects_only import ObjectsOnly
from chaosctl.sandbox.node.process import Keeper
from chaosctl.sandbox.node.proxy import ServiceProxy

REGION = "topology.kubernetes.io/region"
_CAP = 30  # a kubelet's longest back-off is thirty times its first one


class SandboxConfig(BaseModel):
    """What can be chosen about a sandbox."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    nodes: int = Field(default=3, ge=1, le=100)
    zones: tuple[str, ...] = Field(default=("sandbox-a", "sandbox-b", "sandbox-c"), min_length=1)
    images: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    pods: Literal["processes", "objects"] = "processes"
    back_off_seconds: float = Field(default=1.0, gt=0)  # 10 in a cluster; drills are shorter
    port: int = Field(default=0, ge=0, le=65535)
    audit: bool = False  # write audit.log, one line for each request

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read a file. Raises OSError, yaml.YAMLError, or pydantic.ValidationError."""
        return cls.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")) or {})


class Sandbox:
    """A cluster in this process: `async with Sandbox(folder, config) as sandbox: … sandbox.url`."""

    def __init__(self, folder: Path, config: SandboxConfig | None = None) -> None:
        self.folder, self.config = folder, config or SandboxConfig()
        self.url = ""
        self._tokens: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.folder / "pods", ignore_errors=True)  # of a sandbox that was killed
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _start(self, stack: AsyncExitStack) -> None:
        """Start part by part; the stack ends them the other way round."""
        self._addresses = Addresses.claim()
        stack.callback(self._addresses.close)
        self.store = Store(self._addresses.services.take)
        self._recorder = Recorder(self.store)
        base = self.config.back_off_seconds
        self._back_off = BackOff(base, base * _CAP)
        self._keeper = Keeper(uuid.uuid4().hex)
        stack.push_async_callback(self._keeper.close)
        self._proxy = ServiceProxy(self.store, self._recorder)
        self._proxy.start()
        stack.push_async_callback(self._proxy.close)
        self._kubelet = self._make_kubelet(self._create_nodes())
        stack.push_async_callback(self._kubelet.close)
        manager = Manager(self.store, self._controllers(), self._watchers())
        manager.start()
        stack.push_async_callback(manager.stop)
        audit = stack.enter_context(into(self.folder / "audit.log")) if self.config.audit else nowhere
        self.server = ApiServer(self.store, self._backend(), audit=audit)
        self.url = await self.server.start("127.0.0.1", self.config.port)
        stack.push_async_callback(self.server.stop)

    @property
    def kubeconfig(self) -> str:
        """The text of a kubeconfig for this cluster."""
        return kubeconfig(self.url)

    def _backend(self) -> Logs | None:
        return Logs(self.store, self._kubelet) if isinstance(self._kubelet, Kubelet) else None

    def _credentials(self, user: str) -> str:
        """A kubeconfig for a user; pods start after the server, which knows its address then."""
        if user not in self._tokens:
            self._tokens[user] = self.server.issue(user)
        return kubeconfig(self.server.url_for(self._tokens[user]))

    def _controllers(self) -> list[Controller]:
        store, recorder = self.store, self._recorder
        return [
            DeploymentController(store, recorder),
            ReplicaSetController(store, recorder),
            JobController(store, recorder, self._back_off),
            EndpointsController(store, recorder),
            DisruptionController(store, recorder),
            QuotaController(store, recorder),
            NodeController(store, recorder),
            Scheduler(store, recorder),
        ]

    def _watchers(self) -> Sequence[Kubelet | ObjectsOnly | ServiceProxy]:
        return [self._kubelet, self._proxy] if self.config.pods == "processes" else [self._kubelet]

    def _make_kubelet(self, nodes: dict[str, str]) -> Kubelet | ObjectsOnly:
        host = Host(
            self.store,
            self._recorder,
            Images(self.config.images),
            self._addresses,
            self._keeper,
            self._back_off,
            self.folder.resolve(),
            self._credentials,
        )
        return Kubelet(host, nodes) if self.config.pods == "processes" else ObjectsOnly(host, nodes)

    def _create_nodes(self) -> dict[str, str]:
        """Register the nodes, zone after zone; their addresses by name."""
        resource, nodes = self.store.resource("v1", "nodes"), {}
        for number in range(self.config.nodes):
            name, address = f"sandbox-node-{number + 1}", self._addresses.nodes.take()
            zone = self.config.zones[number % len(self.config.zones)]
            self.store.create(resource, None, _node(name, zone, address), manager="kubelet")
            nodes[name] = address
        return nodes


def _node(name: str, zone: str, address: str) -> Json:
    resources = {"cpu": "64", "memory": "256Gi", "ephemeral-storage": "1Ti", "pods": "1000"}
    return {
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": {"x86_64": "amd64", "aarch64": "arm64"}.get(
                    platform.machine(), "unknown"
                ),
                REGION: "sandbox",
                ZONE: zone,
            },
        },
        "spec": {"providerID": f"sandbox://{zone}/{name}"},
        "status": {
            "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
            "capacity": resources,
            "allocatable": resources,
            "conditions": [_condition(*each) for each in _CONDITIONS],
            "nodeInfo": {
                "kubeletVersion": "v1.32.0+embedded",
                "kubeProxyVersion": "v1.32.0",
                "osImage": "chaosctl sandbox",
                "kernelVersion": platform.release(),
                "containerRuntimeVersion": "sandbox://1",
                "operatingSystem": "linux",
                "architecture": platform.machine(),
                "machineID": name,
                "systemUUID": name,
                "bootID": name,
            },
        },
    }


_CONDITIONS = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


def _condition(kind: str, status: str, reason: str, message: str) -> Json:
    now = timestamp()
    times = {"lastHeartbeatTime": now, "lastTransitionTime": now}
    return {"type": kind, "status": status, "reason": reason, "message": message, **times}
