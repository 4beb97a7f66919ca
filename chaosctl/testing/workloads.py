"""Why: faults and probes look at ReplicaSets, pods and endpoints. The fake must show them as a cluster."""

import hashlib
import json
from collections.abc import Sequence
from typing import cast

from pydantic import JsonValue

from chaosctl.changes import look, text_at
from chaosctl.model import Json

REVISION = "deployment.kubernetes.io/revision"
ZONES = ("a", "b", "c")
HASH = "pod-template-hash"


def nodes() -> list[Json]:
    """Three nodes, one to a zone."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": f"node-{zone}", "labels": {"topology.kubernetes.io/zone": f"zone-{zone}"}},
            "spec": {},
        }
        for zone in ZONES
    ]


def owner_uid(body: Json) -> JsonValue:
    return look(body, "/metadata/ownerReferences/0/uid")


def replica_set(owner: Json) -> Json:
    """The ReplicaSet of a Deployment's present template, without replicas."""
    template = cast("Json", look(owner, "/spec/template"))
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]
    labels = {**cast("Json", look(template, "/metadata/labels") or {}), HASH: digest}
    labelled = {**template, "metadata": {**cast("Json", template.get("metadata") or {}), "labels": labels}}
    metadata = _owned_metadata(owner, f"{text_at(owner, '/metadata/name')}-{digest}", labels)
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": labelled}
    body = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": spec}
    return cast("Json", body)


def numbered(body: Json, others: Sequence[Json]) -> Json:
    """The ReplicaSet with the next revision."""
    last = max(
        (int(str(look(other, f"/metadata/annotations/{_REVISION}") or 0)) for other in others), default=0
    )
    metadata = {**cast("Json", body["metadata"]), "annotations": {REVISION: str(last + 1)}}
    return {**body, "metadata": cast("JsonValue", metadata)}


def pod(owner: Json, count: int, born: float) -> Json:
    name = f"{text_at(owner, '/metadata/name')}-{count}"
    metadata = _owned_metadata(owner, name, cast("Json", look(owner, "/spec/template/metadata/labels")))
    metadata["annotations"] = {"born": str(born)}
    spec = {
        **cast("Json", look(owner, "/spec/template/spec")),
        "nodeName": f"node-{ZONES[count % len(ZONES)]}",
    }
    return cast("Json", {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


def pod_status(body: Json, *, ready: bool) -> Json:
    containers = cast("list[Json]", look(body, "/spec/containers"))
    statuses: list[JsonValue] = [
        {"name": container["name"], "ready": ready, "restartCount": 0, "image": container["image"]}
        for container in containers
    ]
    return {
        "phase": "Running",
        "podIP": "10.1.0.1",
        "conditions": [{"type": "Ready", "status": str(ready)}],
        "containerStatuses": statuses,
    }


def status(body: Json, pods: int, ready: int) -> Json:
    """Of a Deployment or a ReplicaSet."""
    found: Json = {"observedGeneration": look(body, "/metadata/generation"), "replicas": pods}
    if body.get("kind") == "Deployment":
        enough = str(ready >= int(str(look(body, "/spec/replicas"))))
        found["updatedReplicas"] = pods
        found["conditions"] = [
            {"type": "Available", "status": enough},
            {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
        ]
    return found | ({"readyReplicas": ready, "availableReplicas": ready} if ready else {})


def endpoint_slice(service: Json, pods: Sequence[tuple[Json, bool]]) -> Json:
    name, namespace = text_at(service, "/metadata/name"), text_at(service, "/metadata/namespace")
    metadata: Json = {
        "name": f"{name}-1",
        "namespace": namespace,
        "labels": {"kubernetes.io/service-name": name},
    }
    endpoints: list[JsonValue] = [
        {
            "addresses": ["10.1.0.1"],
            "conditions": {"ready": ready},
            "targetRef": {"kind": "Pod", "namespace": namespace, "name": text_at(body, "/metadata/name")},
        }
        for body, ready in pods
    ]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata,
        "addressType": "IPv4",
        "endpoints": endpoints,
    }


def lasting(body: Json) -> Json:
    """The object without what changes with every write; `ours` where a field is still ours in name."""
    dropped = ("resourceVersion", "generation", "managedFields", "creationTimestamp")
    seen = cast("Json", body["metadata"])
    managers = [entry.get("manager") for entry in cast("list[Json]", seen.get("managedFields") or [])]
    metadata: Json = {key: value for key, value in seen.items() if key not in dropped}
    return {**body, "metadata": {**metadata, "ours": "chaosctl" in managers}}


_REVISION = REVISION.replace("/", "~1")


def _owned_metadata(owner: Json, name: str, labels: Json) -> Json:
    reference: Json = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": look(owner, "/metadata/name"),
        "uid": look(owner, "/metadata/uid"),
        "controller": True,
    }
    return {
        "name": name,
        "namespace": look(owner, "/metadata/namespace"),
        "labels": dict(labels),
        "ownerReferences": [reference],
    }
