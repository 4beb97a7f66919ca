"""Why: what people get is a program, so it is tested as one: processes, exit codes, what they print."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import yaml

Json = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]
PROGRAM = (sys.executable, "-m", "chaosctl")
WITHIN = 240.0
REVISIONS = "deployment.kubernetes.io/revision"
LASTING = (
    "deployments",
    "services",
    "configmaps",
    "networkpolicies",
    "resourcequotas",
    "horizontalpodautoscalers",
)
GROUPS = {
    "deployments": "apps/v1",
    "replicasets": "apps/v1",
    "networkpolicies": "networking.k8s.io/v1",
    "horizontalpodautoscalers": "autoscaling/v2",
}


class Finished(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Installation:
    """chaosctl with a state folder of its own, and at most one sandbox."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {**os.environ, "CHAOSCTL_HOME": str(home), "TMPDIR": str(home.parent)}
        for name in ("KUBECONFIG", "NO_COLOR", "FORCE_COLOR", "CHAOSCTL_STORE", "CHAOSCTL_KEY_FILE"):
            self.environment.pop(name, None)

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        """A command that goes on; whoever starts it waits for it."""
        return subprocess.Popen(
            [*PROGRAM, *arguments],
            env={**self.environment, **environment},
            cwd=self.home.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: str, **environment: str) -> Finished:
        return finished(self.start(*arguments, **environment))

    def up(self, *options: str) -> "Cluster":
        """Its sandbox, started where none is up."""
        done = self("sandbox", "up", *options)
        assert done.code == 0, done.err
        return Cluster(self.home / "sandbox" / "kubeconfig")

    def down(self) -> None:
        done = self("sandbox", "down")
        assert done.code == 0, done.err

    def kubectl(self, *arguments: str) -> str:
        """What the real program prints."""
        config = str(self.home / "sandbox" / "kubeconfig")
        environment = {**self.environment, "HOME": str(self.home), "KUBECONFIG": config}
        done = subprocess.run(
            ["kubectl", *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout


def finished(process: "subprocess.Popen[str]") -> Finished:
    """The end of a command; one that does not end is killed, and fails the test."""
    try:
        out, err = process.communicate(timeout=WITHIN)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        out, err = process.communicate()
        raise AssertionError(f"{process.args} did not end:\n{out}\n{err}") from None
    return Finished(process.returncode, out, err)


class Cluster:
    """Looks at a sandbox, and acts as somebody else in it, by plain HTTP."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self.url = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"]

    def request(self, method: str, path: str, body: object = None, kind: str = "application/json") -> Json:
        content = None if body is None else json.dumps(body)
        answer = httpx.request(
            method, f"{self.url}/{path}", content=content, headers={"content-type": kind}, timeout=20
        )
        assert answer.is_success, (method, path, answer.text)
        return answer.json()

    def get(self, path: str) -> Json:
        return self.request("GET", path)

    def items(self, plural: str, namespace: str = "models") -> list[Json]:
        group = f"apis/{GROUPS[plural]}" if plural in GROUPS else "api/v1"
        return self.get(f"{group}/namespaces/{namespace}/{plural}")["items"]

    def model(self, namespace: str = "models") -> Json:
        return self.get(f"apis/apps/v1/namespaces/{namespace}/deployments/sample-model")

    def edit(self, path: str, change: Json, manager: str = "kubectl-edit") -> Json:
        """Change an object as a person with kubectl would."""
        return self.request("PATCH", f"{path}?fieldManager={manager}", change, "application/merge-patch+json")

    def ledgers(self, namespace: str = "models") -> list[str]:
        """The state of every ledger."""
        found = (one["metadata"].get("labels", {}) for one in self.items("configmaps", namespace))
        return [labels["chaosctl.dev/ledger"] for labels in found if "chaosctl.dev/ledger" in labels]

    def picture(self, namespace: str = "models") -> Json:
        """Everything that a run must leave as it was. Ledgers are left out, and revision numbers."""
        objects = {
            f"{plural}/{body['metadata']['name']}": _lasting(body)
            for plural in LASTING
            for body in self.items(plural, namespace)
            if "chaosctl.dev/ledger" not in body["metadata"].get("labels", {})
        }
        sets = sorted(one["metadata"]["name"] for one in self.items("replicasets", namespace))
        nodes = [one["spec"] for one in self.get("api/v1/nodes")["items"]]
        return {"objects": objects, "replicaSets": sets, "nodes": nodes, "pods": self.pods(namespace)}

    def pods(self, namespace: str = "models") -> list[str]:
        """What serves, pod by pod: its images and whether it is ready."""
        return sorted(
            f"{[one['image'] for one in pod['spec']['containers']]} {_ready(pod)}"
            for pod in self.items("pods", namespace)
            if "deletionTimestamp" not in pod["metadata"]
        )


def until(done: Callable[[], Any], within: float = 60.0) -> Any:
    """The first true answer. Fails after `within` seconds."""
    end = time.monotonic() + within
    while not (found := done()):
        assert time.monotonic() < end, f"not within {within:.0f} s"
        time.sleep(0.05)
    return found


def _lasting(body: Json) -> Json:
    metadata = body["metadata"]
    annotations = metadata.get("annotations", {})
    kept = {name: value for name, value in annotations.items() if not name.startswith(REVISIONS)}
    return {
        "labels": metadata.get("labels", {}),
        "annotations": kept,
        "spec": body.get("spec"),
        "data": body.get("data"),
    }


def _ready(pod: Json) -> str:
    conditions = pod.get("status", {}).get("conditions", [])
    return next((one["status"] for one in conditions if one["type"] == "Ready"), "Unknown")
