"""Why: `kubectl get` prints what the server says, so the server must say what people expect to read."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from chaosctl.sandbox.api.objects import Json, dig
from chaosctl.sandbox.api.pod_columns import ready_containers, restarts, status_of

Cell = Callable[[Json], Any]
_NONE, _UNSET, _UNKNOWN = "<none>", "<unset>", "<unknown>"
_MOST_ENDPOINTS = 3


class Column(NamedTuple):
    """One column of a table; a wide one is shown by `-o wide` only."""

    name: str
    cell: Cell
    type: str = "string"
    wide: bool = False


def columns_of(kind: str) -> list[Column]:
    """The columns of a kind: the name first, but for events, which nobody knows by name."""
    own = _COLUMNS.get(kind, [_AGE])
    return own if kind == "Event" else [_NAME, *own]


def printer_columns(version: Json) -> list[Column]:
    """The columns that a custom resource's definition asks for."""
    asked = version.get("additionalPrinterColumns")
    own = [_printer_column(each) for each in asked] if asked else [_AGE]
    return [_NAME, *own]


def ago(moment: str | None, now: datetime | None = None) -> str:
    """How long ago a timestamp is, as kubectl writes it: `45s`, `3m20s`, `5h`, `2d`."""
    if not moment:
        return _UNKNOWN
    return span(((now or datetime.now(UTC)) - datetime.fromisoformat(moment)).total_seconds())


def span(seconds: float) -> str:
    """A duration as kubectl writes it: two units where the larger one is small."""
    whole = int(seconds)
    if whole < 0:
        return "0s"
    for limit, unit, size, below, small in _SPANS:
        if whole < limit:
            rest = whole % size // small if small else 0
            return f"{whole // size}{unit}" + (f"{rest}{below}" if rest else "")
    years, days = divmod(whole // 86400, 365)
    return f"{years}y" + (f"{days}d" if days and years < 8 else "")  # noqa: PLR2004  # as kubectl does


_SPANS = (
    (120, "s", 1, "", 0),
    (600, "m", 60, "s", 1),
    (3 * 3600, "m", 60, "", 0),
    (8 * 3600, "h", 3600, "m", 60),
    (48 * 3600, "h", 3600, "", 0),
    (8 * 86400, "d", 86400, "h", 3600),
    (2 * 365 * 86400, "d", 86400, "", 0),
)


def _at(path: str, default: Any = _NONE) -> Cell:  # noqa: ANN401  # any JSON
    def cell(body: Json) -> Any:  # noqa: ANN401  # any JSON
        found = dig(body, path)
        return default if found is None or found == "" else found

    return cell


def _ago(path: str) -> Cell:
    return lambda body: ago(dig(body, path))


def _number(name: str, path: str) -> Column:
    return Column(name, _at(path, 0), "integer")


def _wide(name: str, cell: Cell) -> Column:
    return Column(name, cell, wide=True)


def _ratio(ready: str, wanted: str) -> Cell:
    return lambda body: f"{dig(body, ready) or 0}/{dig(body, wanted) or 0}"


def _of_containers(field: str) -> Cell:
    def cell(body: Json) -> str:
        listed = dig(body, "spec.template.spec.containers") or ()
        return ",".join(container.get(field, "") for container in listed)

    return cell


def selector_text(selector: Json | None) -> str:
    """A LabelSelector in the language of `-l`."""
    texts = [f"{key}={value}" for key, value in ((selector or {}).get("matchLabels") or {}).items()]
    for each in (selector or {}).get("matchExpressions") or ():
        values = ",".join(each.get("values") or ())
        written = {"In": f"{each['key']} in ({values})", "NotIn": f"{each['key']} notin ({values})"}
        written |= {"Exists": each["key"], "DoesNotExist": f"!{each['key']}"}
        texts.append(written[each["operator"]])
    return ",".join(texts)


def _selector(body: Json) -> str:
    return selector_text(dig(body, "spec.selector")) or _NONE


def _labels(path: str) -> Cell:
    return lambda body: ",".join(f"{k}={v}" for k, v in (dig(body, path) or {}).items()) or _NONE


def _count(*fields: str) -> Cell:
    return lambda body: sum(len(body.get(field) or ()) for field in fields)


def _ports(body: Json) -> str:
    ports = dig(body, "spec.ports") or ()
    node = [f":{port['nodePort']}" if port.get("nodePort") else "" for port in ports]
    texts = [f"{port['port']}{at}/{port['protocol']}" for port, at in zip(ports, node, strict=True)]
    return ",".join(texts) or _NONE


def _external(body: Json) -> str:
    if dig(body, "spec.type") == "ExternalName":
        return str(dig(body, "spec.externalName"))
    pending = dig(body, "spec.type") == "LoadBalancer"
    return ",".join(dig(body, "spec.externalIPs") or ()) or ("<pending>" if pending else _NONE)


def _node_status(body: Json) -> str:
    ready = [each for each in dig(body, "status.conditions") or () if each["type"] == "Ready"]
    states = {"True": "Ready", "False": "NotReady"}
    text = states.get(ready[0]["status"], "NotReady") if ready else "Unknown"
    return text + (",SchedulingDisabled" if dig(body, "spec.unschedulable") else "")


def _roles(body: Json) -> str:
    prefix = "node-role.kubernetes.io/"
    labels = body["metadata"].get("labels") or {}
    return ",".join(sorted(key.removeprefix(prefix) for key in labels if key.startswith(prefix))) or _NONE


def _address(type_: str) -> Cell:
    def cell(body: Json) -> str:
        listed = dig(body, "status.addresses") or ()
        return next((each["address"] for each in listed if each["type"] == type_), _NONE)

    return cell


def _seen(body: Json) -> str:
    moment = dig(body, "series.lastObservedTime") or body.get("lastTimestamp") or body.get("eventTime")
    return ago(moment or body["metadata"].get("creationTimestamp"))


def _involved(body: Json) -> str:
    involved = body.get("involvedObject") or {}
    return f"{(involved.get('kind') or '').lower()}/{involved.get('name', '')}"


def _source(body: Json) -> str:
    source = body.get("source") or {}
    component = source.get("component") or body.get("reportingComponent") or ""
    return ", ".join(filter(None, (component, source.get("host"))))


def _job_status(body: Json) -> str:
    for each in dig(body, "status.conditions") or ():
        if each["status"] == "True" and each["type"] in {"Complete", "Failed", "Suspended"}:
            return str(each["type"])
    return "Terminating" if "deletionTimestamp" in body["metadata"] else "Running"


def _job_duration(body: Json) -> str:
    start, end = dig(body, "status.startTime"), dig(body, "status.completionTime")
    if not start:
        return ""
    return ago(start, datetime.fromisoformat(end) if end else None)


def _slice_ports(body: Json) -> str:
    return ",".join(str(port.get("port", "*")) for port in body.get("ports") or ()) or _UNSET


def _few(addresses: list[str]) -> str:
    if not addresses:
        return _UNSET
    more = len(addresses) - _MOST_ENDPOINTS
    return ",".join(addresses[:_MOST_ENDPOINTS]) + (f" + {more} more..." if more > 0 else "")


def _slice_addresses(body: Json) -> str:
    return _few([address for each in body.get("endpoints") or () for address in each["addresses"]])


def _endpoints(body: Json) -> str:
    found = [
        f"{address['ip']}:{port['port']}"
        for subset in body.get("subsets") or ()
        for address in subset.get("addresses") or ()
        for port in subset.get("ports") or ()
    ]
    return _few(found) if found else _NONE


def _role(body: Json) -> str:
    return f"{body['roleRef']['kind']}/{body['roleRef']['name']}"


def _subjects(kind: str) -> Cell:
    def cell(body: Json) -> str:
        listed = [each for each in body.get("subjects") or () if each["kind"] == kind]
        return ", ".join("/".join(filter(None, (each.get("namespace"), each["name"]))) for each in listed)

    return cell


def _printer_column(asked: Json) -> Column:
    path = asked["jsonPath"].removeprefix(".")
    cell = _ago(path) if asked["type"] == "date" else _at(path, "")
    return Column(asked["name"], cell, asked["type"], bool(asked.get("priority")))


_NAME = Column("Name", _at("metadata.name"))
_AGE = Column("Age", _ago("metadata.creationTimestamp"))
_CREATED = Column("Created At", _at("metadata.creationTimestamp"))
_MADE_OF = [_wide("Containers", _of_containers("name")), _wide("Images", _of_containers("image"))]
_TEMPLATE = [*_MADE_OF, _wide("Selector", _selector)]
_BINDING = [
    Column("Role", _role),
    _AGE,
    _wide("Users", _subjects("User")),
    _wide("Groups", _subjects("Group")),
    _wide("ServiceAccounts", _subjects("ServiceAccount")),
]

_COLUMNS: dict[str, list[Column]] = {
    "Pod": [
        Column("Ready", ready_containers),
        Column("Status", status_of),
        Column("Restarts", lambda body: restarts(body, ago)),
        _AGE,
        _wide("IP", _at("status.podIP")),
        _wide("Node", _at("spec.nodeName")),
        _wide("Nominated Node", _at("status.nominatedNodeName")),
        _wide("Readiness Gates", lambda _: _NONE),
    ],
    "Deployment": [
        Column("Ready", _ratio("status.readyReplicas", "spec.replicas")),
        _number("Up-to-date", "status.updatedReplicas"),
        _number("Available", "status.availableReplicas"),
        _AGE,
        *_TEMPLATE,
    ],
    "ReplicaSet": [
        _number("Desired", "spec.replicas"),
        _number("Current", "status.replicas"),
        _number("Ready", "status.readyReplicas"),
        _AGE,
        *_TEMPLATE,
    ],
    "StatefulSet": [Column("Ready", _ratio("status.readyReplicas", "spec.replicas")), _AGE, *_MADE_OF],
    "DaemonSet": [
        _number("Desired", "status.desiredNumberScheduled"),
        _number("Current", "status.currentNumberScheduled"),
        _number("Ready", "status.numberReady"),
        _number("Up-to-date", "status.updatedNumberScheduled"),
        _number("Available", "status.numberAvailable"),
        Column("Node Selector", _labels("spec.template.spec.nodeSelector")),
        _AGE,
        *_TEMPLATE,
    ],
    "Job": [
        Column("Status", _job_status),
        Column("Completions", _ratio("status.succeeded", "spec.completions")),
        Column("Duration", _job_duration),
        _AGE,
        *_TEMPLATE,
    ],
    "Service": [
        Column("Type", _at("spec.type")),
        Column("Cluster-IP", _at("spec.clusterIP")),
        Column("External-IP", _external),
        Column("Port(s)", _ports),
        _AGE,
        _wide("Selector", _labels("spec.selector")),
    ],
    "Node": [
        Column("Status", _node_status),
        Column("Roles", _roles),
        _AGE,
        Column("Version", _at("status.nodeInfo.kubeletVersion", "")),
        _wide("Internal-IP", _address("InternalIP")),
        _wide("External-IP", _address("ExternalIP")),
        _wide("OS-Image", _at("status.nodeInfo.osImage", _UNKNOWN)),
        _wide("Kernel-Version", _at("status.nodeInfo.kernelVersion", _UNKNOWN)),
        _wide("Container-Runtime", _at("status.nodeInfo.containerRuntimeVersion", _UNKNOWN)),
    ],
    "Event": [
        Column("Last Seen", _seen),
        Column("Type", _at("type", "")),
        Column("Reason", _at("reason", "")),
        Column("Object", _involved),
        _wide("Subobject", _at("involvedObject.fieldPath", "")),
        _wide("Source", _source),
        Column("Message", lambda body: str(body.get("message") or "").strip()),
        _wide("First Seen", lambda body: ago(body.get("firstTimestamp") or body.get("eventTime"))),
        _wide("Count", _at("count", 1)),
        _wide("Name", _at("metadata.name")),
    ],
    "Namespace": [Column("Status", _at("status.phase")), _AGE],
    "ConfigMap": [Column("Data", _count("data", "binaryData"), "integer"), _AGE],
    "Secret": [Column("Type", _at("type")), Column("Data", _count("data"), "integer"), _AGE],
    "ServiceAccount": [Column("Secrets", _count("secrets"), "integer"), _AGE],
    "EndpointSlice": [
        Column("AddressType", _at("addressType")),
        Column("Ports", _slice_ports),
        Column("Endpoints", _slice_addresses),
        _AGE,
    ],
    "Endpoints": [Column("Endpoints", _endpoints), _AGE],
    "PodDisruptionBudget": [
        Column("Min Available", _at("spec.minAvailable", "N/A")),
        Column("Max Unavailable", _at("spec.maxUnavailable", "N/A")),
        _number("Allowed Disruptions", "status.disruptionsAllowed"),
        _AGE,
    ],
    "Lease": [Column("Holder", _at("spec.holderIdentity", "")), _AGE],
    "CustomResourceDefinition": [_CREATED],
    "Role": [_CREATED],
    "ClusterRole": [_CREATED],
    "RoleBinding": _BINDING,
    "ClusterRoleBinding": _BINDING,
}
