"""Why: a drill must meet a real server's refusals of names, selectors and immutable fields."""

import re
from collections.abc import Iterator

from chaosctl.sandbox.api import errors
from chaosctl.sandbox.api.objects import Json, containers, dig, pod_spec
from chaosctl.sandbox.api.quantities import amount
from chaosctl.sandbox.api.resources import Resource

Cause = tuple[str, str, str]  # field, reason, message

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_LONGEST_NAME = 253
_LAST_PORT = 65535
_FREE_NAMES = frozenset({"roles", "clusterroles", "rolebindings", "clusterrolebindings"})
_SHORT_NAMES = frozenset({"namespaces", "services"})
_SELECTING = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"})

LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
    "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
KEY_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used "
    "for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


def check_new(resource: Resource, body: Json) -> None:
    """Raises ApiError 422 with every cause."""
    _refuse(resource, body, [*_name(resource, body["metadata"]), *_always(resource, body)])


def check_change(resource: Resource, old: Json, new: Json) -> None:
    """Raises ApiError 422 with every cause."""
    _refuse(resource, new, [*_always(resource, new), *_immutable(resource, old, new)])


def required(field: str, message: str = "") -> Cause:
    return field, "FieldValueRequired", f"Required value: {message}" if message else "Required value"


def wrong(field: str, value: object, message: str) -> Cause:
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    return field, "FieldValueInvalid", f"Invalid value: {shown}: {message}"


def _refuse(resource: Resource, body: Json, causes: list[Cause]) -> None:
    if causes:
        raise errors.invalid(resource.group, resource.kind, body["metadata"].get("name", ""), causes)


def _always(resource: Resource, body: Json) -> Iterator[Cause]:
    yield from _labels(body["metadata"])
    if resource.kind in _SELECTING:
        yield from _selector(body)
        yield from _replicas(body)
    if spec := pod_spec(resource.kind, body):
        base = {"Pod": "spec", "CronJob": "spec.jobTemplate.spec.template.spec"}.get(
            resource.kind, "spec.template.spec"
        )
        yield from _pod(base, spec)
    elif resource.kind == "Pod" or resource.kind in _SELECTING:
        yield required("spec.containers" if resource.kind == "Pod" else "spec.template.spec.containers")
    if resource.kind == "Service" and dig(body, "spec.type") != "ExternalName":
        yield from _service(body)
    if resource.kind == "ConfigMap":
        yield from _keys(body)
    if resource.kind == "HorizontalPodAutoscaler":
        yield from _autoscaler(body["spec"])


def _name(resource: Resource, metadata: Json) -> Iterator[Cause]:
    name = metadata.get("name")
    if not name:
        yield required("metadata.name", "name or generateName is required")
    elif resource.plural in _FREE_NAMES:
        if "/" in name or "%" in name or name in {".", ".."}:
            yield wrong("metadata.name", name, "may not contain '/' or '%'")
    elif resource.plural in _SHORT_NAMES and not _LABEL.fullmatch(name):
        yield wrong("metadata.name", name, LABEL_RULE)
    elif not _SUBDOMAIN.fullmatch(name) or len(name) > _LONGEST_NAME:
        yield wrong("metadata.name", name, SUBDOMAIN_RULE)


def _labels(metadata: Json) -> Iterator[Cause]:
    for key, value in (metadata.get("labels") or {}).items():
        if not _QUALIFIED.fullmatch(key):
            yield wrong("metadata.labels", key, KEY_RULE)
        if not isinstance(value, str) or not _VALUE.fullmatch(value):
            yield wrong("metadata.labels", value, VALUE_RULE)
    for key in metadata.get("annotations") or {}:
        if not _QUALIFIED.fullmatch(key.lower()):
            yield wrong("metadata.annotations", key, KEY_RULE)


def _selector(body: Json) -> Iterator[Cause]:
    wanted = dig(body, "spec.selector.matchLabels") or {}
    if not wanted and not dig(body, "spec.selector.matchExpressions"):
        yield required("spec.selector")
        return
    labels = dig(body, "spec.template.metadata.labels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        shown = "{" + ",".join(f'"{key}":"{value}"' for key, value in labels.items()) + "}"
        message = f"Invalid value: {shown}: `selector` does not match template `labels`"
        yield "spec.template.metadata.labels", "FieldValueInvalid", message


def _replicas(body: Json) -> Iterator[Cause]:
    replicas = dig(body, "spec.replicas")
    if replicas is not None and (not isinstance(replicas, int) or replicas < 0):
        yield wrong("spec.replicas", replicas, "must be greater than or equal to 0")


def _pod(base: str, spec: Json) -> Iterator[Cause]:
    if not spec.get("containers"):
        yield required(f"{base}.containers")
    seen: set[str] = set()
    for index, container in enumerate(spec.get("containers") or ()):
        field, name = f"{base}.containers[{index}]", container.get("name")
        yield from _container(field, container)
        if name in seen:
            yield f"{field}.name", "FieldValueDuplicate", f'Duplicate value: "{name}"'
        seen.add(name)
    for container in containers(spec):
        yield from _resources(f"{base}.containers", container)


def _container(field: str, container: Json) -> Iterator[Cause]:
    name = container.get("name")
    if not name:
        yield required(f"{field}.name")
    elif not _LABEL.fullmatch(name):
        yield wrong(f"{field}.name", name, LABEL_RULE)
    if not container.get("image"):
        yield required(f"{field}.image")
    for index, variable in enumerate(container.get("env") or ()):
        if not variable.get("name"):
            yield required(f"{field}.env[{index}].name")


def _resources(field: str, container: Json) -> Iterator[Cause]:
    resources = container.get("resources") or {}
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for what, amounts in (("limits", limits), ("requests", requests)):
        for name, value in amounts.items():
            if amount(str(value)) is None:
                yield wrong(f"{field}.resources.{what}.{name}", value, "must be a quantity")
    for name in limits.keys() & requests.keys():
        limit, request = amount(str(limits[name])), amount(str(requests[name]))
        if limit is not None and request is not None and request > limit:
            message = f"must be less than or equal to {name} limit of {limits[name]}"
            yield wrong(f"{field}.resources.requests", requests[name], message)


def _service(body: Json) -> Iterator[Cause]:
    ports = dig(body, "spec.ports") or []
    if not ports and dig(body, "spec.clusterIP") != "None":
        yield required("spec.ports")
    for index, port in enumerate(ports):
        if not isinstance(port.get("port"), int) or not 0 < port["port"] <= _LAST_PORT:
            yield wrong(
                f"spec.ports[{index}].port", port.get("port"), "must be between 1 and 65535, inclusive"
            )
        if len(ports) > 1 and not port.get("name"):
            yield required(f"spec.ports[{index}].name")


def _autoscaler(spec: Json) -> Iterator[Cause]:
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", 0)
    if most < least:
        yield wrong("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`")
    if most < 1:
        yield required("spec.maxReplicas")
    if least < 1:
        why = "must specify at least one Object or External metric to support scaling to zero replicas"
        yield "spec.metrics", "FieldValueForbidden", f"Forbidden: {why}"


def _keys(body: Json) -> Iterator[Cause]:
    for key in (body.get("data") or {}).keys() | (body.get("binaryData") or {}).keys():
        if not re.fullmatch(r"[-._a-zA-Z0-9]{1,253}", key):
            yield wrong(
                f"data[{key}]",
                key,
                "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
            )


def _immutable(resource: Resource, old: Json, new: Json) -> Iterator[Cause]:
    fields = {
        "Deployment": ("spec.selector",),
        "ReplicaSet": ("spec.selector",),
        "DaemonSet": ("spec.selector",),
        "Job": ("spec.selector", "spec.template", "spec.completions"),
        "RoleBinding": ("roleRef",),
        "ClusterRoleBinding": ("roleRef",),
    }
    for field in fields.get(resource.kind, ()):
        if dig(old, field) != dig(new, field):
            yield wrong(field, dig(new, field), "field is immutable")
    if resource.kind == "Service" and dig(old, "spec.clusterIP") not in {
        None,
        "",
        dig(new, "spec.clusterIP"),
    }:
        yield wrong("spec.clusterIPs[0]", dig(new, "spec.clusterIP"), "may not change once set")
    if resource.kind == "Pod":
        yield from _pod_changes(old, new)
    if (
        old.get("immutable")
        and resource.kind in {"ConfigMap", "Secret"}
        and old.get("data") != new.get("data")
    ):
        yield "data", "FieldValueForbidden", "Forbidden: field is immutable when `immutable` is set"


def _pod_changes(old: Json, new: Json) -> Iterator[Cause]:
    """Of a pod's spec only images, deadlines, gates and tolerations may change; and its binding, once."""
    if _fixed_spec(old) != _fixed_spec(new):
        message = (
            "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
            "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions "
            "to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it "
            "was previously negative)"
        )
        yield "spec", "FieldValueForbidden", message


def _fixed_spec(pod: Json) -> Json:
    free = {
        "activeDeadlineSeconds",
        "tolerations",
        "schedulingGates",
        "nodeName",
        "containers",
        "initContainers",
    }
    spec = {key: value for key, value in pod["spec"].items() if key not in free | {"ephemeralContainers"}}
    for field in ("containers", "initContainers"):
        spec[field] = [{k: v for k, v in c.items() if k != "image"} for c in pod["spec"].get(field) or ()]
    return spec
