"""Why: what kube-proxy does with packets, the sandbox does with sockets: a Service leads to its endpoints."""

import asyncio
from collections.abc import Iterator

from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.store import Change, Store
from chaosctl.sandbox.controllers.endpoints import SERVICE_NAME
from chaosctl.sandbox.controllers.events import Recorder
from chaosctl.sandbox.controllers.loop import background
from chaosctl.sandbox.controllers.meta import Key, is_terminating, key_of, labels_of
from chaosctl.sandbox.node.balancer import Balancer, Endpoint
from chaosctl.sandbox.node.policies import Policies

_RETRY = 1.0  # seconds
_Listener = tuple[str, int]  # address, port


class ServiceProxy:
    """Listens for every Service that has an address, on every TCP port of it."""

    def __init__(self, store: Store, recorder: Recorder) -> None:
        self._store, self._recorder = store, recorder
        self._services = store.resource("v1", "services")
        self._slices = store.resource("discovery.k8s.io/v1", "endpointslices")
        self._policies = Policies(store)
        self._balancers: dict[Key, dict[_Listener, Balancer]] = {}
        self._keys: asyncio.Queue[Key] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._retired: list[Balancer] = []

    def see(self, change: Change) -> None:
        if change.resource == self._services:
            self._keys.put_nowait(key_of(change.object))
        elif change.resource == self._slices:
            namespace = change.object["metadata"]["namespace"]
            self._keys.put_nowait((namespace, labels_of(change.object).get(SERVICE_NAME, "")))
        elif change.resource in self._policies.concerned:
            self._policies.forget()
            for balancer in self._all():
                balancer.review()

    def start(self) -> None:
        self._task = background(self._run(), "service proxy")

    async def close(self) -> None:
        """Close every listener and every connection."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for balancer in self._all():
            balancer.abort()
        await asyncio.sleep(0)  # transports close in the loop's next turn

    def _all(self) -> list[Balancer]:
        active = [each for balancers in self._balancers.values() for each in balancers.values()]
        return [*active, *self._retired]

    async def _run(self) -> None:
        while True:
            await self._sync(await self._keys.get())

    async def _sync(self, key: Key) -> None:
        service = self._store.find(self._services, *key)
        wanted = dict(self._wanted(service)) if service and not is_terminating(service) else {}
        known = self._balancers.setdefault(key, {})
        for listener in known.keys() - wanted.keys():
            self._retire(known.pop(listener))
        for listener, endpoints in wanted.items():
            balancer = known.setdefault(listener, Balancer(*listener, self._policies.admit))
            try:
                await balancer.balance(endpoints)
            except OSError as error:
                text = f"cannot listen on {listener[0]}:{listener[1]}: {error.strerror}"
                if service:
                    self._recorder.warning(service, "FailedToListen", text, "service-proxy")
                asyncio.get_running_loop().call_later(_RETRY, self._keys.put_nowait, key)
        if not known:
            del self._balancers[key]

    def _retire(self, balancer: Balancer) -> None:
        """Connections outlive their Service's port; they are only kept in mind while there are any."""
        balancer.close()
        self._retired = [each for each in [*self._retired, balancer] if each.connections]

    def _wanted(self, service: Json) -> Iterator[tuple[_Listener, list[Endpoint]]]:
        spec = service["spec"]
        address = spec.get("clusterIP")
        if spec.get("type") == "ExternalName" or address in {None, "", "None"}:
            return
        slices = self._of(service)
        for port in spec.get("ports") or ():
            if (port.get("protocol") or "TCP") == "TCP":
                yield (address, port["port"]), _endpoints(slices, port.get("name") or "")

    def _of(self, service: Json) -> list[Json]:
        namespace, name = key_of(service)
        found = self._store.list(self._slices, namespace)
        return [each for each in found if labels_of(each).get(SERVICE_NAME) == name]


def _endpoints(slices: list[Json], port_name: str) -> list[Endpoint]:
    """The ready endpoints of a port; if there are none, those that end but still serve, as in kube-proxy."""
    ready, ending = [], []
    for each in slices:
        ports = [port["port"] for port in each.get("ports") or () if (port.get("name") or "") == port_name]
        for endpoint in each.get("endpoints") or ():
            state = endpoint.get("conditions") or {}
            found = [(address, number) for address in endpoint["addresses"] for number in ports]
            if state.get("ready", True):
                ready += found
            elif state.get("serving") and state.get("terminating"):
                ending += found
    return ready or ending
