"""Why: each kind has rules of its own, and a drill must meet the refusals that they cause."""

import re
from collections.abc import Callable, Iterator

from chaosctl.sandbox.api.causes import Cause, forbidden, one_of, required, too_long, wrong
from chaosctl.sandbox.api.objects import Json, dig

_LAST_PORT = 65535
_LARGEST = 1024 * 1024  # bytes of a ConfigMap's or a Secret's data
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_KEY_RULE = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
    "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
_SERVICE_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_NONE_LEFT = (0, "0%")


def check(kind: str, body: Json) -> Iterator[Cause]:
    """What is wrong with an object of a kind, beside its metadata and its pods."""
    if rules := _RULES.get(kind):
        yield from rules(body)


def _workload(body: Json) -> Iterator[Cause]:
    yield from _selector(body)
    replicas = dig(body, "spec.replicas")
    if replicas is not None and replicas < 0:
        yield wrong("spec.replicas", replicas, "must be greater than or equal to 0")


def _selector(body: Json) -> Iterator[Cause]:
    selector = dig(body, "spec.selector")
    labels = dig(body, "spec.template.metadata.labels") or {}
    if not selector:
        empty = wrong("spec.selector", {}, f"empty selector is invalid for {body['kind'].lower()}")
        yield required("spec.selector") if selector is None else empty
    wanted = (selector or {}).get("matchLabels") or {}
    if selector is None or any(labels.get(key) != value for key, value in wanted.items()):
        yield wrong("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")


def _deployment(body: Json) -> Iterator[Cause]:
    yield from _workload(body)
    spec = body["spec"]
    strategy, rolling = spec.get("strategy") or {}, dig(spec, "strategy.rollingUpdate")
    if strategy.get("type") == "Recreate" and rolling is not None:
        text = "may not be specified when strategy `type` is 'Recreate'"
        yield forbidden("spec.strategy.rollingUpdate", text)
    elif rolling and rolling.get("maxUnavailable") in _NONE_LEFT and rolling.get("maxSurge") in _NONE_LEFT:
        field = "spec.strategy.rollingUpdate.maxUnavailable"
        yield wrong(field, rolling["maxUnavailable"], "may not be 0 when `maxSurge` is 0")
    deadline = spec.get("progressDeadlineSeconds")
    if deadline is not None and deadline <= (spec.get("minReadySeconds") or 0):
        yield wrong("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")


def _service(body: Json) -> Iterator[Cause]:
    spec = body.get("spec") or {}
    if spec.get("type") not in _SERVICE_TYPES:
        yield one_of("spec.type", spec.get("type"), _SERVICE_TYPES)
    if spec.get("type") == "ExternalName":
        return
    ports = spec.get("ports") or []
    if not ports and spec.get("clusterIP") != "None":
        yield required("spec.ports")
    for index, port in enumerate(ports):
        yield from _port(f"spec.ports[{index}]", port, several=len(ports) > 1)


def _port(field: str, port: Json, *, several: bool) -> Iterator[Cause]:
    if several and not port.get("name"):
        yield required(f"{field}.name")
    for name in ("port", "targetPort"):
        number = port.get(name)
        if isinstance(number, int) and not 0 < number <= _LAST_PORT:
            yield wrong(f"{field}.{name}", number, "must be between 1 and 65535, inclusive")


def _config_map(body: Json) -> Iterator[Cause]:
    data, binary = body.get("data") or {}, body.get("binaryData") or {}
    for key in data.keys() & binary.keys():
        yield wrong(f"data[{key}]", key, "duplicate of key present in binaryData")
    for name, held in (("data", data), ("binaryData", binary)):
        for key in held:
            if not _KEY.fullmatch(key):
                yield wrong(f"{name}[{key}]", key, _KEY_RULE)
    if _size(data) + _size(binary) > _LARGEST:
        yield too_long("[]", _LARGEST)


def _secret(body: Json) -> Iterator[Cause]:
    if _size(body.get("data") or {}) * 3 // 4 > _LARGEST:
        yield too_long("data", _LARGEST)


def _size(data: Json) -> int:
    return sum(len(value) for value in data.values())


def _budget(body: Json) -> Iterator[Cause]:
    spec = body["spec"]
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        shown = {
            "MinAvailable": spec["minAvailable"],
            "Selector": spec.get("selector"),
            "MaxUnavailable": spec["maxUnavailable"],
            "UnhealthyPodEvictionPolicy": spec.get("unhealthyPodEvictionPolicy"),
        }
        yield wrong("spec", shown, "minAvailable and maxUnavailable cannot be both set")


def _autoscaler(body: Json) -> Iterator[Cause]:
    spec = body["spec"]
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", 0)
    if most < least:
        yield wrong("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`")
    if most < 1:
        yield required("spec.maxReplicas")
    if least < 1:
        why = "must specify at least one Object or External metric to support scaling to zero replicas"
        yield forbidden("spec.metrics", why)


def _lease(body: Json) -> Iterator[Cause]:
    spec = body.get("spec") or {}
    duration, moves = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
    if duration is not None and duration <= 0:
        yield wrong("spec.leaseDurationSeconds", duration, "must be greater than 0")
    if moves is not None and moves < 0:
        yield wrong("spec.leaseTransitions", moves, "must be greater than or equal to 0")


def _event(body: Json) -> Iterator[Cause]:
    place = dig(body, "involvedObject.namespace") or ""
    if place and place != body["metadata"].get("namespace"):
        yield wrong("involvedObject.namespace", place, "does not match event.namespace")


def _definition(body: Json) -> Iterator[Cause]:
    wanted = f"{body['spec']['names']['plural']}.{body['spec']['group']}"
    if body["metadata"].get("name") != wanted:
        yield wrong("metadata.name", body["metadata"].get("name"), 'must be spec.names.plural+"."+spec.group')


_RULES: dict[str, Callable[[Json], Iterator[Cause]]] = {
    "Deployment": _deployment,
    "ReplicaSet": _workload,
    "StatefulSet": _workload,
    "DaemonSet": _workload,
    "Service": _service,
    "ConfigMap": _config_map,
    "Secret": _secret,
    "PodDisruptionBudget": _budget,
    "HorizontalPodAutoscaler": _autoscaler,
    "Lease": _lease,
    "Event": _event,
    "CustomResourceDefinition": _definition,
}
