"""Why: what `sandbox up` brings along is ordinary Kubernetes, so that people can read and change it."""

import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from chaosctl.cluster.lease import SYSTEM
from chaosctl.image import image
from chaosctl.model import Json

VERSION = version("chaosctl")

_STATE = ("CHAOSCTL_HOME=@home@", "CHAOSCTL_KEY_FILE=@key@", f"CHAOSCTL_NAMESPACE={SYSTEM}")
_OURS = ("env", *_STATE, "KUBECONFIG=@folder@/kubeconfig", sys.executable, "-m", "chaosctl")


def images() -> Mapping[str, Sequence[str]]:
    """Our own image, as a node of the sandbox runs it."""
    return {image(): _OURS}


def model(*, watchdog: bool) -> Sequence[Json]:
    """The sample model: three replicas, a Service, and a namespace that has opted in to drills."""
    labels: Json = {"chaosctl.dev/model": "breast-cancer"}
    if watchdog:
        labels["chaosctl.dev/watchdog"] = "enabled"
    service: Json = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "sample-model", "namespace": "models"},
        "spec": {
            "selector": {"app": "sample-model"},
            "ports": [{"name": "http", "port": 8080, "targetPort": 8080}],
        },
    }
    settings: Json = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "sample-model", "namespace": "models"},
        "data": {"MODEL_THRESHOLD": "0.5"},
    }
    opted_in = namespace("models", {"chaosctl.dev/drills": "allowed"})
    return (opted_in, settings, service, _deployment(labels))


def keepers(*, watchdog: bool) -> Sequence[Json]:
    """Guardian and watchdog, in a namespace of their own."""
    names = ["guardian", "watchdog"] if watchdog else ["guardian"]
    return (namespace(SYSTEM, {}), *(_keeper(name) for name in names))


def namespace(name: str, labels: Json) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _deployment(labels: Json) -> Json:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "sample-model", "namespace": "models", "labels": labels},
        "spec": {
            "replicas": 3,
            "progressDeadlineSeconds": 60,
            "selector": {"matchLabels": {"app": "sample-model"}},
            "template": {
                "metadata": {"labels": {"app": "sample-model"}},
                "spec": {"terminationGracePeriodSeconds": 5, "containers": [_container()]},
            },
        },
    }


def _container() -> Json:
    def probe(path: str) -> Json:
        return {"httpGet": {"path": path, "port": 8080}, "periodSeconds": 1}

    return {
        "name": "model",
        "image": "chaosctl.dev/sample-model:stable",
        "ports": [{"name": "http", "containerPort": 8080}],
        "envFrom": [{"configMapRef": {"name": "sample-model", "optional": True}}],
        "readinessProbe": probe("/v2/health/ready"),
        "livenessProbe": {**probe("/v2/health/live"), "periodSeconds": 5},
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
    }


def _keeper(name: str) -> Json:
    full = f"chaosctl-{name}"
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": full, "namespace": SYSTEM},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": full}},
            "template": {
                "metadata": {"labels": {"app": full}},
                "spec": {"containers": [{"name": name, "image": image(), "args": [name]}]},
            },
        },
    }
