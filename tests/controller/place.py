"""Why: a controller is tried as people run it: processes, a cluster, and kubectl to look with."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
from controller.objects import TARGET, playbook

from chaosctl.catalog.crds import definitions

LOST_THE_LEASE = 1  # exit code: the machine was so busy that it could not renew it
WITHIN = 150.0  # seconds; the machine may be busy
READY = {"kind": "ready-replicas"}


def until(done, within=WITHIN, say=lambda: ""):
    """The first true answer of `done`."""
    end = time.monotonic() + within
    while not (found := done()):
        assert time.monotonic() < end, f"not within {within:.0f} s {say()}"
        time.sleep(0.05)
    return found


class Place:
    """A sandbox whose pods are objects only, with our definitions in it."""

    def __init__(self, folder):
        self.folder = folder
        self.kubeconfig = folder / "sandbox" / "kubeconfig"

    def kubectl(self, *arguments, given=None, check=True):
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig), "HOME": str(self.folder)}
        done = subprocess.run(
            ["kubectl", *arguments], env=environment, input=given, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0 or not check, (arguments, done.stdout, done.stderr)
        return done.stdout

    def apply(self, *bodies):
        """What people would write in a file."""
        for body in bodies:
            kept = {key: body["metadata"][key] for key in ("name", "namespace") if key in body["metadata"]}
            self.kubectl("apply", "-f", "-", given=json.dumps({**body, "metadata": kept}))

    def get(self, kind, name, namespace):
        """The object, or None."""
        found = self.kubectl("get", kind, name, "-n", namespace, "-o", "json", check=False)
        return json.loads(found) if found else None

    def furnish(self, namespace, drills="allowed", **changed):
        """A namespace with three replicas of something, and a playbook that takes some away."""
        label = {"chaosctl.dev/drills": drills} if drills else {}
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": label}}
        self.kubectl("apply", "-f", "-", given=json.dumps(space))
        container = {"name": "model", "image": "model:1"}
        spec = {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "ranker"}},
            "template": {"metadata": {"labels": {"app": "ranker"}}, "spec": {"containers": [container]}},
        }
        name = {"name": "ranker", "namespace": namespace}
        self.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": name, "spec": spec})
        self.apply(here(namespace, playbook(**changed)))
        until(lambda: self.replicas(namespace, "/status/readyReplicas") == 3)

    def replicas(self, namespace, path="/spec/replicas"):
        seen = self.get("deployment", "ranker", namespace) or {}
        _, part, name = path.split("/")
        return seen.get(part, {}).get(name)

    def version(self, namespace):
        """Of the target: it moves with every write."""
        return self.get("deployment", "ranker", namespace)["metadata"]["resourceVersion"]

    def status(self, name, namespace):
        return (self.get("runs.chaosctl.dev", name, namespace) or {}).get("status", {})

    def phase(self, name, namespace, *wanted):
        """Wait until a Run is in one of these phases; its status."""
        return until(
            lambda: (found := self.status(name, namespace)).get("phase") in wanted and found,
            say=lambda: f"{self.status(name, namespace)}",
        )

    def over(self, name, namespace):
        """Wait for the end of a Run; its status."""

        def finished():
            found = self.status(name, namespace)
            ends = [one["status"] for one in found.get("conditions", []) if one["type"] == "Finished"]
            return found if ends == ["True"] else None

        return until(finished, say=lambda: f"{self.status(name, namespace)}")

    def injected(self, name, namespace):
        """Wait until a Run's fault stands."""
        until(lambda: self.replicas(namespace) == 1, say=lambda: f"{self.status(name, namespace)}")

    def reasons(self, name, namespace):
        """Of the Kubernetes Events about a Run, in the order in which they happened."""
        listed = json.loads(self.kubectl("get", "events", "-n", namespace, "-o", "json"))["items"]
        ours = [one for one in listed if one["involvedObject"].get("name") == name]
        return [one["reason"] for one in sorted(ours, key=lambda one: one["eventTime"])]


class Installation:
    """Controllers that share a store, a key and a Lease, for some namespaces of a place."""

    def __init__(self, place, name, *namespaces):
        self.place, self.name, self.namespaces = place, name, namespaces
        self.home = place.folder / name
        self.system = f"system-{name}"
        self.environment = {
            **os.environ,
            "CHAOSCTL_HOME": str(self.home),
            "CHAOSCTL_NAMESPACE": self.system,
            "KUBECONFIG": str(place.kubeconfig),
        }
        self.replicas = []
        self.over = threading.Event()
        self.kubelet = threading.Thread(target=self.restart)

    def restart(self):
        """Start again what ended by itself, as a kubelet does."""
        while not self.over.wait(0.3):
            for replica in list(self.replicas):
                if replica.process.poll() == LOST_THE_LEASE and not replica.followed:
                    replica.followed = True
                    self.start()

    def start(self, **environment):
        """One more replica."""
        replica = Replica(self, len(self.replicas), environment)
        self.replicas.append(replica)
        if not self.kubelet.ident:
            self.kubelet.start()
        return replica

    def guardian(self):
        """A guardian alone, with the installation's key."""
        return Replica(self, len(self.replicas), {}, "guardian")

    def leader(self):
        """Wait until a replica leads."""
        return until(lambda: next((one for one in self.replicas if one.leads()), None))

    def end(self):
        self.over.set()
        self.kubelet.join()
        for replica in self.replicas:
            replica.kill()


class Replica:
    """One process of ours."""

    def __init__(self, installation, number, environment, *command):
        self.installation, self.followed = installation, False
        self.log = installation.place.folder / f"{installation.name}-{number}.log"
        spaces = [f"--namespace={space}" for space in installation.namespaces]
        arguments = command or ("serve", "--port", "0", "--bind", "127.0.0.1", *spaces)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "chaosctl", *arguments],
                env={**installation.environment, "NO_COLOR": "1", **environment},
                stdout=log,
                stderr=log,
            )

    def said(self):
        return self.log.read_text()

    def leads(self):
        """Whether the Lease names it."""
        lease = self.installation.place.get("lease", "chaosctl-controller", self.installation.system)
        holder = (lease or {}).get("spec", {}).get("holderIdentity", "")
        return f"-{self.process.pid}-" in holder and self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """At once, and without a word."""
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait(30)

    def ended(self):
        """Wait for its end; its exit code."""
        return self.process.wait(WITHIN)

    def ask(self, path):
        """Status and text of one of its pages."""
        port = until(lambda: next((line for line in self.said().splitlines() if "port=" in line), None))
        number = port.partition("port=")[2].split()[0]
        answer = httpx.get(f"http://127.0.0.1:{number}{path}", timeout=20)
        return answer.status_code, answer.text


def here(namespace, body):
    """The object, in another namespace, and its target with it."""
    body = json.loads(json.dumps(body))
    body["metadata"]["namespace"] = namespace
    target = body["spec"].get("target")
    if target:
        body["spec"]["target"] = {**target, "namespace": namespace}
    return body


def asked(namespace, name="first", **spec):
    """A Run in a namespace."""
    asked = spec or {"playbook": {"name": "shrink"}, "target": {**TARGET, "namespace": namespace}}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "chaosctl.dev/v1", "kind": "Run", "metadata": metadata, "spec": asked}


@contextmanager
def place():
    """A place of its own, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="chaosctl-controller-"))
    command = [
        sys.executable,
        "-m",
        "chaosctl.sandbox",
        "--folder",
        str(folder / "sandbox"),
        "--pods",
        "objects",
    ]
    with (folder / "sandbox.log").open("ab") as log:
        sandbox = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        made = Place(folder)
        until(made.kubeconfig.exists)
        for definition in definitions().values():
            made.kubectl("apply", "-f", "-", given=json.dumps(definition))
        yield made
    finally:
        sandbox.terminate()
        sandbox.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
