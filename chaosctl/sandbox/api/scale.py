"""Why: scaling is one small object for every kind that has replicas."""

from chaosctl.sandbox.api.cells import selector_text
from chaosctl.sandbox.api.objects import Json, dig

_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def of(body: Json) -> Json:
    """The Scale of a workload."""
    replicas = dig(body, "spec.replicas")
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: body["metadata"][key] for key in _METADATA if key in body["metadata"]},
        "spec": {"replicas": replicas} if replicas else {},
        "status": {
            "replicas": dig(body, "status.replicas") or 0,
            "selector": selector_text(dig(body, "spec.selector")),
        },
    }


def apply(body: Json, scale: Json) -> Json:
    """The workload with the replicas and the expected version of a Scale."""
    replicas = dig(scale, "spec.replicas") or 0
    version = dig(scale, "metadata.resourceVersion") or body["metadata"]["resourceVersion"]
    metadata = {**body["metadata"], "resourceVersion": version}
    return {**body, "metadata": metadata, "spec": {**body["spec"], "replicas": replicas}}
