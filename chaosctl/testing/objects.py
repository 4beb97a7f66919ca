"""Why: tests need small objects that look as the API server shows them."""

from datetime import datetime
from typing import cast

from chaosctl.changes import look, text_at
from chaosctl.model import Json, Ref

NAMESPACE = "models"
ADMIN_PORT = 9901


def ref_of(body: Json) -> Ref:
    """The name of an object that says its own kind."""
    return Ref(
        api_version=text_at(body, "/apiVersion"),
        kind=text_at(body, "/kind"),
        namespace=str(look(body, "/metadata/namespace") or ""),
        name=text_at(body, "/metadata/name"),
    )


def deployment_ref(name: str, namespace: str = NAMESPACE) -> Ref:
    return Ref(api_version="apps/v1", kind="Deployment", namespace=namespace, name=name)


def deployment(
    name: str, replicas: int = 3, image: str = "model:1", *, namespace: str = NAMESPACE, **more: str
) -> Json:
    """A Deployment of a model and its sidecar, labelled `app=NAME`; `more` are labels of its own."""
    containers = [{"name": "model", "image": image}, {"name": "sidecar", "image": "proxy:1"}]
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    metadata = {"name": name, "namespace": namespace, "labels": more, "annotations": {"team": "ml"}}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
    return cast("Json", body)


def service(name: str, app: str = "", *, namespace: str = NAMESPACE, port: int = 80) -> Json:
    spec = {
        "selector": {"app": app or name},
        "ports": [{"name": "http", "port": port, "targetPort": 8080, "protocol": "TCP"}],
        "clusterIP": "10.0.0.1",
        "type": "ClusterIP",
    }
    return cast("Json", _named("v1", "Service", name, namespace) | {"spec": spec})


def config_map(name: str, *, namespace: str = NAMESPACE, **data: str) -> Json:
    return cast("Json", _named("v1", "ConfigMap", name, namespace) | {"data": data})


def autoscaler(name: str, *, namespace: str = NAMESPACE, most: int = 6) -> Json:
    """A HorizontalPodAutoscaler of the Deployment of the same name, that minds the cpu."""
    goal = {"type": "Utilization", "averageUtilization": 80}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "minReplicas": 3,
        "maxReplicas": most,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": goal}}],
    }
    return cast("Json", _named("autoscaling/v2", "HorizontalPodAutoscaler", name, namespace) | {"spec": spec})


def resource_quota(name: str, *, namespace: str = NAMESPACE, **hard: str) -> Json:
    return cast("Json", _named("v1", "ResourceQuota", name, namespace) | {"spec": {"hard": hard}})


def namespace(name: str = NAMESPACE, drills: str | None = "allowed") -> Json:
    """A Namespace that is opted in to drills, or `halted`, or (None) says nothing."""
    labels = {"chaosctl.dev/drills": drills} if drills else {}
    metadata = {"name": name, "labels": labels}
    return cast("Json", {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


def lease(
    name: str, renewed: datetime, *, namespace: str = "chaosctl-system", holder: str = "guardian"
) -> Json:
    spec = {
        "holderIdentity": holder,
        "leaseDurationSeconds": 15,
        "renewTime": renewed.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
    return cast("Json", _named("coordination.k8s.io/v1", "Lease", name, namespace) | {"spec": spec})


def _named(api_version: str, kind: str, name: str, namespace: str) -> dict[str, object]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace}}
