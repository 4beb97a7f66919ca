"""Why: what `sandbox up` brings along is ordinary Kubernetes, so that people can read and change it."""

import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from chaosctl.image import HARMLESS, image
from chaosctl.model import Json

VERSION = version("chaosctl")
MODELS = "models"

_STATE = ("CHAOSCTL_HOME=@home@", "CHAOSCTL_KEY_FILE=@key@")
_OURS = ("env", *_STATE, sys.executable, "-m", "chaosctl")


def images() -> Mapping[str, Sequence[str]]:
    """Our own image, as a node of the sandbox runs it."""
    return {image(): _OURS}


def namespace(labels: Json | None = None) -> Json:
    """The sample model's: it has opted in to drills, and lets in only what can do no harm."""
    own: Json = {"chaosctl.dev/drills": "allowed", "pod-security.kubernetes.io/enforce": "restricted"}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": MODELS, "labels": {**own, **(labels or {})}},
    }


def model(*, watchdog: bool) -> Sequence[Json]:
    """The sample model: three replicas, and a Service."""
    labels: Json = {"chaosctl.dev/model": "breast-cancer"}
    if watchdog:
        labels["chaosctl.dev/watchdog"] = "enabled"
    service: Json = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "sample-model", "namespace": MODELS},
        "spec": {
            "selector": {"app": "sample-model"},
            "ports": [{"name": "http", "port": 8080, "targetPort": 8080}],
        },
    }
    settings: Json = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "sample-model", "namespace": MODELS},
        "data": {"MODEL_THRESHOLD": "0.5"},
    }
    return (settings, service, _deployment(labels))


def _deployment(labels: Json) -> Json:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "sample-model", "namespace": MODELS, "labels": labels},
        "spec": {
            "replicas": 3,
            "progressDeadlineSeconds": 60,
            "selector": {"matchLabels": {"app": "sample-model"}},
            "template": {
                "metadata": {"labels": {"app": "sample-model"}},
                "spec": {
                    "automountServiceAccountToken": False,
                    "terminationGracePeriodSeconds": 5,
                    "containers": [_container()],
                },
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
        "securityContext": HARMLESS,
    }
