"""Why: a Service serves from ready pods only, and the list of them is what balancers and probes go by."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from chaosctl.sandbox.api.objects import Json, dig
from chaosctl.sandbox.api.store import Change, Store
from chaosctl.sandbox.controllers.events import Recorder
from chaosctl.sandbox.controllers.loop import Controller
from chaosctl.sandbox.controllers.meta import (
    Key,
    controller_reference,
    is_finished,
    is_ready,
    is_terminating,
    key_of,
    labels_of,
)

SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
_SOURCE = "endpointslice-controller"
_Ports = tuple[tuple[str, int, str], ...]  # name, number, protocol


class EndpointsController(Controller):
    """One EndpointSlice per Service and set of port numbers, and the older Endpoints object."""

    def __init__(self, store: Store, recorder: Recorder) -> None:
        super().__init__(store, recorder)
        self._services, self._pods = store.resource("v1", "services"), store.resource("v1", "pods")
        self._nodes = store.resource("v1", "nodes")
        self._slices = store.resource("discovery.k8s.io/v1", "endpointslices")
        self._endpoints = store.resource("v1", "endpoints")

    def keys(self, change: Change) -> Iterator[Key]:
        if change.resource == self._services:
            yield key_of(change.object)
        elif change.resource == self._pods:
            for service in self.store.list(self._services, change.object["metadata"]["namespace"]):
                if any(pod and _selects(service, pod) for pod in (change.object, change.previous)):
                    yield key_of(service)
        elif change.resource in {self._slices, self._endpoints} and change.type == "DELETED":
            namespace, name = key_of(change.object)
            yield namespace, labels_of(change.object).get(SERVICE_NAME, name)

    def sync(self, key: Key) -> float | None:
        service = self.store.find(self._services, *key)
        if service is None:
            self._remove_endpoints(key)
            return None
        if service["spec"].get("selector") and not is_terminating(service):
            pods = [pod for pod in self.store.list(self._pods, key[0]) if _serves(service, pod)]
            self._write_slices(service, pods)
            self._write_endpoints(service, pods)
        return None

    def _write_slices(self, service: Json, pods: Sequence[Json]) -> None:
        groups: dict[_Ports, list[Json]] = defaultdict(list)
        for pod in pods:
            groups[_ports(service, pod)].append(self._endpoint(service, pod))
        groups = groups or {(): []}
        old = {_slice_ports(each): each for each in self._own_slices(service)}
        for ports, endpoints in groups.items():
            self._write_slice(service, old.pop(ports, None), ports, endpoints)
        for each in old.values():
            self.store.delete(self._slices, *key_of(each))

    def _own_slices(self, service: Json) -> list[Json]:
        found = self.store.dependents(service["metadata"]["uid"])
        return [each for each in found if labels_of(each).get(MANAGED_BY)]

    def _write_slice(self, service: Json, old: Json | None, ports: _Ports, endpoints: list[Json]) -> None:
        wanted = {
            "addressType": "IPv4",
            "endpoints": endpoints,
            "ports": [
                {"name": name, "port": number, "protocol": protocol} for name, number, protocol in ports
            ],
        }
        if old is not None:
            self.store.update(self._slices, *key_of(old), lambda body: {**body, **wanted}, manager=_SOURCE)
            return
        namespace, name = key_of(service)
        meta = {
            "generateName": f"{name}-",
            "labels": {
                **labels_of(service),
                SERVICE_NAME: name,
                MANAGED_BY: "endpointslice-controller.k8s.io",
            },
            "ownerReferences": [controller_reference(service)],
        }
        self.store.create(self._slices, namespace, {"metadata": meta, **wanted}, manager=_SOURCE)

    def _endpoint(self, service: Json, pod: Json) -> Json:
        node = self.store.find(self._nodes, None, pod["spec"].get("nodeName") or "")
        zone = labels_of(node).get("topology.kubernetes.io/zone") if node else None
        always = service["spec"].get("publishNotReadyAddresses")
        return {
            "addresses": [pod["status"]["podIP"]],
            "conditions": {
                "ready": bool(always or (is_ready(pod) and not is_terminating(pod))),
                "serving": is_ready(pod),
                "terminating": is_terminating(pod),
            },
            "nodeName": pod["spec"]["nodeName"],
            **({"zone": zone} if zone else {}),
            "targetRef": _target(pod),
        }

    def _write_endpoints(self, service: Json, pods: Sequence[Json]) -> None:
        namespace, name = key_of(service)
        subsets = _subsets(service, [pod for pod in pods if not is_terminating(pod)])
        if self.store.find(self._endpoints, namespace, name):
            self.store.update(
                self._endpoints, namespace, name, lambda body: {**body, "subsets": subsets}, manager=_SOURCE
            )
        else:
            body = {"metadata": {"name": name, "labels": labels_of(service)}, "subsets": subsets}
            self.store.create(self._endpoints, namespace, body, manager=_SOURCE)

    def _remove_endpoints(self, key: Key) -> None:
        if self.store.find(self._endpoints, *key):
            self.store.delete(self._endpoints, *key)


def _selects(service: Json, pod: Json) -> bool:
    selector = service["spec"].get("selector")
    return bool(selector) and selector.items() <= labels_of(pod).items()


def _serves(service: Json, pod: Json) -> bool:
    return _selects(service, pod) and bool(dig(pod, "status.podIP")) and not is_finished(pod)


def _ports(service: Json, pod: Json) -> _Ports:
    """The Service's ports as numbers of this pod; names that it does not have are left out."""
    named = {
        port.get("name"): port["containerPort"]
        for container in pod["spec"]["containers"]
        for port in container.get("ports") or ()
    }
    found = []
    for port in service["spec"].get("ports") or ():
        target = port.get("targetPort") or port["port"]
        number = target if isinstance(target, int) else named.get(target)
        if number:
            found.append((port.get("name") or "", number, port.get("protocol") or "TCP"))
    return tuple(found)


def _slice_ports(each: Json) -> _Ports:
    return tuple((port["name"], port["port"], port["protocol"]) for port in each.get("ports") or ())


def _target(pod: Json) -> Json:
    meta = pod["metadata"]
    return {"kind": "Pod", **{field: meta[field] for field in ("namespace", "name", "uid")}}


def _subsets(service: Json, pods: Sequence[Json]) -> list[Json]:
    groups: dict[_Ports, Json] = defaultdict(lambda: defaultdict(list))
    always = service["spec"].get("publishNotReadyAddresses")
    for pod in pods:
        field = "addresses" if always or is_ready(pod) else "notReadyAddresses"
        entry = {"ip": pod["status"]["podIP"], "nodeName": pod["spec"]["nodeName"], "targetRef": _target(pod)}
        groups[_ports(service, pod)][field].append(entry)
    return [
        {
            **addresses,
            "ports": [
                {"name": n, "port": p, "protocol": t} if n else {"port": p, "protocol": t}
                for n, p, t in ports
            ],
        }
        for ports, addresses in groups.items()
    ]
