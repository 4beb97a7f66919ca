"""Why: whether everything is as before must be decided the same way after every death."""

import json
import os
import subprocess
from datetime import datetime, timedelta

import httpx
import yaml

from chaosctl.model import Ref
from chaosctl.spec import Bounds, Check, Entry, KOfN, Role, Script, Target

SHORT = timedelta(seconds=0.1)
HOLD = timedelta(seconds=1)
SET_UP = timedelta(seconds=4)
BAD = "chaosctl.dev/sample-model:crash"
REVISION = "deployment.kubernetes.io/revision"
OWNERLESS = {
    "Deployment": "apis/apps/v1/namespaces/{}/deployments",
    "Service": "api/v1/namespaces/{}/services",
    "ConfigMap": "api/v1/namespaces/{}/configmaps",
}


def script(namespace):
    """Three overlapping entries: fewer replicas, a bad release, a wrong setting."""
    ready = {"kind": "ready-replicas"}
    workload = Ref(api_version="apps/v1", kind="Deployment", namespace=namespace, name="model")

    def entry(name, at, **fault):
        return Entry(id=name, at=at * SHORT, hold=HOLD, fault=fault)

    return Script(
        playbook="crash-matrix",
        target=Target(workload=workload, service="model", rollback="none"),
        entries=(
            entry("scale", 0, kind="scale-down", replicas=2),
            entry("release", 2, kind="release", image=BAD),
            entry("config", 4, kind="config", configMap="settings", key="MODE", value="wrong", restart=False),
        ),
        checks=(
            Check(
                name="all ready",
                role=Role.STEADY,
                probe=ready,
                holds=Bounds(min=3),
                decision=KOfN(k=1, n=2),
                every=SHORT,
            ),
        ),
        set_up=SET_UP,
        steady_within=timedelta(seconds=20),
        recover_within=timedelta(seconds=20),
        stable_for=timedelta(),
    )


class Cluster:
    """A sandbox by plain HTTP: furnish a namespace, look at it, compare."""

    def __init__(self, kubeconfig):
        self.kubeconfig = kubeconfig
        self.url = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
        self.http = httpx.Client(base_url=self.url + "/", timeout=20)

    def close(self):
        self.http.close()

    def get(self, path):
        return self.http.get(path).json()

    def furnish(self, namespace, image="chaosctl.dev/sample-model:stable"):
        label = {"chaosctl.dev/drills": "allowed"}
        self.make("api/v1/namespaces", {"metadata": {"name": namespace, "labels": label}})
        metadata = {"name": "settings", "labels": {"team": "ml"}}
        self.make(OWNERLESS["ConfigMap"].format(namespace), {"metadata": metadata, "data": {"MODE": "right"}})
        ports = [{"name": "http", "port": 8080, "targetPort": 8080}]
        body = {"metadata": {"name": "model"}, "spec": {"selector": {"app": "model"}, "ports": ports}}
        self.make(OWNERLESS["Service"].format(namespace), body)
        self.make(OWNERLESS["Deployment"].format(namespace), deployment(image))

    def make(self, path, body):
        answer = self.http.post(path, json=body)
        assert answer.status_code == 201, answer.text

    def is_ready(self, namespace):
        status = self.get(OWNERLESS["Deployment"].format(namespace) + "/model").get("status", {})
        return all(status.get(key) == 3 for key in ("replicas", "updatedReplicas", "readyReplicas"))

    def ledgers(self):
        """Every ledger by namespace."""
        found = self.get("api/v1/configmaps?labelSelector=chaosctl.dev/ledger")["items"]
        return {one["metadata"]["namespace"]: json.loads(one["data"]["ledger"]) for one in found}

    def facts(self, namespace):
        """Everything that must be as before."""
        objects = {
            f"{kind}/{body['metadata']['name']}": lasting(body)
            for kind, path in OWNERLESS.items()
            for body in self.get(path.format(namespace))["items"]
            if "chaosctl.dev/ledger" not in body["metadata"].get("labels", {})
        }
        pods = sorted(
            json.dumps([template(pod["spec"]), ready(pod)]) for pod in self.items("v1", namespace, "pods")
        )
        sets = sorted(
            template(one["spec"]["template"]["spec"])
            for one in self.items("apps/v1", namespace, "replicasets")
        )
        return {"objects": objects, "pods": pods, "replicaSets": sets}

    def items(self, version, namespace, plural):
        root = "api/v1" if version == "v1" else f"apis/{version}"
        return self.get(f"{root}/namespaces/{namespace}/{plural}")["items"]

    def undo(self, namespace, home):
        """What `kubectl rollout undo` would deploy: the images afterwards, and what it said."""
        command = ["kubectl", "-n", namespace, "rollout", "undo", "deployment/model"]
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig), "HOME": str(home)}
        said = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        body = self.get(OWNERLESS["Deployment"].format(namespace) + "/model")
        images = [one["image"] for one in body["spec"]["template"]["spec"]["containers"]]
        return images, (said.stdout + said.stderr).strip()


def deployment(image):
    container = {"name": "model", "image": image, "env": [{"name": "MODE", "value": "right"}]}
    return {
        "metadata": {"name": "model", "annotations": {"team": "ml"}},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "model"}},
            "template": {"metadata": {"labels": {"app": "model"}}, "spec": {"containers": [container]}},
        },
    }


def lasting(body):
    metadata = body["metadata"]
    annotations = {
        key: value for key, value in metadata.get("annotations", {}).items() if not key.startswith(REVISION)
    }
    kept = {key: value for key, value in body.items() if key in ("spec", "data")}
    return {**kept, "labels": metadata.get("labels", {}), "annotations": annotations}


def template(spec):
    return json.dumps([(one["name"], one["image"], one.get("env")) for one in spec["containers"]])


def ready(pod):
    conditions = pod.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def deadline(ledger):
    """The last moment at which anything may still be changed."""
    return max((datetime.fromisoformat(line["deadline"]) for line in ledger["lines"]), default=None)


def is_closed(ledger):
    return all(line["state"] == "closed" and line["tidy"] for line in ledger["lines"])
