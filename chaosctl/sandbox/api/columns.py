"""Why: `kubectl get` prints what the server says, so the server must say what people expect to read."""

from typing import NamedTuple

from chaosctl.sandbox.api import cells
from chaosctl.sandbox.api.ages import UNKNOWN, ago
from chaosctl.sandbox.api.cells import NONE, Cell
from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.pod_columns import ready_containers, restarts, status_of


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


def _number(name: str, path: str) -> Column:
    return Column(name, cells.at(path, 0), "integer")


def _wide(name: str, cell: Cell) -> Column:
    return Column(name, cell, wide=True)


def _printer_column(asked: Json) -> Column:
    path = asked["jsonPath"].removeprefix(".")
    cell = cells.ago(path) if asked["type"] == "date" else cells.at(path, "")
    return Column(asked["name"], cell, asked["type"], bool(asked.get("priority")))


_NAME = Column("Name", cells.at("metadata.name"))
_AGE = Column("Age", cells.ago("metadata.creationTimestamp"))
_CREATED = Column("Created At", cells.at("metadata.creationTimestamp"))
_MADE_OF = [_wide("Containers", cells.of_containers("name")), _wide("Images", cells.of_containers("image"))]
_TEMPLATE = [*_MADE_OF, _wide("Selector", cells.selector)]
_BINDING = [
    Column("Role", cells.role),
    _AGE,
    _wide("Users", cells.subjects("User")),
    _wide("Groups", cells.subjects("Group")),
    _wide("ServiceAccounts", cells.subjects("ServiceAccount")),
]

_COLUMNS: dict[str, list[Column]] = {
    "Pod": [
        Column("Ready", ready_containers),
        Column("Status", status_of),
        Column("Restarts", lambda body: restarts(body, ago)),
        _AGE,
        _wide("IP", cells.at("status.podIP")),
        _wide("Node", cells.at("spec.nodeName")),
        _wide("Nominated Node", cells.at("status.nominatedNodeName")),
        _wide("Readiness Gates", lambda _: NONE),
    ],
    "Deployment": [
        Column("Ready", cells.ratio("status.readyReplicas", "spec.replicas")),
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
    "StatefulSet": [Column("Ready", cells.ratio("status.readyReplicas", "spec.replicas")), _AGE, *_MADE_OF],
    "DaemonSet": [
        _number("Desired", "status.desiredNumberScheduled"),
        _number("Current", "status.currentNumberScheduled"),
        _number("Ready", "status.numberReady"),
        _number("Up-to-date", "status.updatedNumberScheduled"),
        _number("Available", "status.numberAvailable"),
        Column("Node Selector", cells.labels("spec.template.spec.nodeSelector")),
        _AGE,
        *_TEMPLATE,
    ],
    "Job": [
        Column("Status", cells.job_status),
        Column("Completions", cells.ratio("status.succeeded", "spec.completions")),
        Column("Duration", cells.job_duration),
        _AGE,
        *_TEMPLATE,
    ],
    "Service": [
        Column("Type", cells.at("spec.type")),
        Column("Cluster-IP", cells.at("spec.clusterIP")),
        Column("External-IP", cells.external),
        Column("Port(s)", cells.ports),
        _AGE,
        _wide("Selector", cells.labels("spec.selector")),
    ],
    "Node": [
        Column("Status", cells.node_status),
        Column("Roles", cells.roles),
        _AGE,
        Column("Version", cells.at("status.nodeInfo.kubeletVersion", "")),
        _wide("Internal-IP", cells.address("InternalIP")),
        _wide("External-IP", cells.address("ExternalIP")),
        _wide("OS-Image", cells.at("status.nodeInfo.osImage", UNKNOWN)),
        _wide("Kernel-Version", cells.at("status.nodeInfo.kernelVersion", UNKNOWN)),
        _wide("Container-Runtime", cells.at("status.nodeInfo.containerRuntimeVersion", UNKNOWN)),
    ],
    "Event": [
        Column("Last Seen", cells.seen),
        Column("Type", cells.at("type", "")),
        Column("Reason", cells.at("reason", "")),
        Column("Object", cells.involved),
        _wide("Subobject", cells.at("involvedObject.fieldPath", "")),
        _wide("Source", cells.source),
        Column("Message", lambda body: str(body.get("message") or "").strip()),
        _wide("First Seen", lambda body: ago(body.get("firstTimestamp") or body.get("eventTime"))),
        _wide("Count", cells.at("count", 1)),
        _wide("Name", cells.at("metadata.name")),
    ],
    "Namespace": [Column("Status", cells.at("status.phase")), _AGE],
    "ConfigMap": [Column("Data", cells.count("data", "binaryData"), "integer"), _AGE],
    "Secret": [Column("Type", cells.at("type")), Column("Data", cells.count("data"), "integer"), _AGE],
    "NetworkPolicy": [Column("Pod-Selector", cells.pod_selector), _AGE],
    "EndpointSlice": [
        Column("AddressType", cells.at("addressType")),
        Column("Ports", cells.slice_ports),
        Column("Endpoints", cells.slice_addresses),
        _AGE,
    ],
    "Endpoints": [Column("Endpoints", cells.endpoints), _AGE],
    "PodDisruptionBudget": [
        Column("Min Available", cells.at("spec.minAvailable", "N/A")),
        Column("Max Unavailable", cells.at("spec.maxUnavailable", "N/A")),
        _number("Allowed Disruptions", "status.disruptionsAllowed"),
        _AGE,
    ],
    "Lease": [Column("Holder", cells.at("spec.holderIdentity", "")), _AGE],
    "CustomResourceDefinition": [_CREATED],
    "Role": [_CREATED],
    "ClusterRole": [_CREATED],
    "RoleBinding": _BINDING,
    "ClusterRoleBinding": _BINDING,
}
