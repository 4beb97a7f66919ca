"""Why: bad days befall a run that people started: a command's process, with a guardian beside it."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import yaml
from e2e.place import Place, until

WITHIN = 150.0
PROGRAM = (sys.executable, "-m", "chaosctl")
TARGET = "{}/Deployment/model"
READY = {"ready": {"kind": "ready-replicas"}}
SHRINK = {"kind": "scale-down", "replicas": 2}


def playbook(*injections, hold="6s", ready=3):
    """What is injected at once, and held; the steady state is that all replicas are ready."""
    timeline = [
        {"at": "200ms", "id": f"part-{number}", "inject": one, "hold": hold}
        for number, one in enumerate(injections or (SHRINK,))
    ]
    spec = {
        "summary": "A day like any other.",
        "stableFor": "1s",
        "probes": READY,
        "steadyState": [{"probe": "ready", "min": ready, "every": "250ms"}],
        "timeline": timeline,
        "recoverWithin": "60s",
    }
    return {"apiVersion": "chaosctl.dev/v1", "kind": "Playbook", "metadata": {"name": "day"}, "spec": spec}


@dataclass
class Drill:
    """A namespace with a target, a state folder, and what runs against them."""

    place: Place
    namespace: str
    folder: Path
    kubeconfig: str = ""
    environment: dict = field(default_factory=dict)
    serving: subprocess.Popen | None = None
    program: ClassVar = PROGRAM

    @property
    def variables(self):
        return {
            **os.environ,
            "CHAOSCTL_HOME": str(self.folder / "state"),
            "CHAOSCTL_NAMESPACE": self.namespace,
            "KUBECONFIG": self.kubeconfig or str(self.place.kubeconfig),
            **self.environment,
        }

    def start(self, *arguments, **more):
        """A process of ours; its output goes to a file of the folder."""
        output = (self.folder / f"{arguments[0]}.out").open("ab")
        command = [*self.program, *arguments]
        with output:
            return subprocess.Popen(
                command, env=self.variables | more, stdout=output, stderr=output, start_new_session=True
            )

    def said(self, command="run"):
        file = self.folder / f"{command}.out"
        return file.read_text() if file.exists() else ""

    @contextmanager
    def guardian(self):
        process = self.start("guardian", KUBECONFIG=str(self.place.kubeconfig))
        try:
            until(
                lambda: self.place.lease(self.namespace, "chaosctl-guardian"),
                say=lambda: self.said("guardian"),
            )
            yield process
        finally:
            process.kill()
            process.wait()

    def begin(self, body=None, *options, guardian="auto"):
        """Start a run."""
        file = self.folder / "day.yaml"
        file.write_text(yaml.safe_dump(body or playbook()))
        named = ("--target", TARGET.format(self.namespace), "--guardian", guardian)
        return self.start("run", str(file), *named, *options)

    def injected(self):
        """Wait until the replicas are fewer."""
        until(lambda: self.replicas() == 2, say=self.said)

    def replicas(self):
        body = self.place.workload(self.namespace)
        return body and body["spec"]["replicas"]

    def end(self, process):
        """Its exit code."""
        try:
            return process.wait(WITHIN)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            raise AssertionError(self.said()) from None

    def run(self, *arguments, **options):
        """A whole run: its exit code and what it said."""
        return self.end(self.begin(*arguments, **options)), self.said()

    def command(self, *arguments):
        done = subprocess.run(
            [*self.program, *arguments],
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=WITHIN,
        )
        return done.returncode, done.stdout + done.stderr

    def is_back(self, before):
        """Wait until everything is as before and no line of the ledger is open."""

        def back():
            ledger = self.place.ledger(self.namespace)
            closed = ledger is None or all(line["state"] == "closed" for line in ledger["lines"])
            return (
                closed and self.place.is_ready(self.namespace) and self.place.facts(self.namespace) == before
            )

        until(back, say=lambda: f"{self.said()}\n{self.place.ledger(self.namespace)}")

    def post_mortem(self):
        """Of the only run, as people read it."""
        (file,) = (self.folder / "state" / "runs").glob("*/postmortem.md")
        return file.read_text()


def limited(place, namespace, folder, rules):
    """A kubeconfig of somebody who may do what these rules say, in this namespace."""
    name = {"name": "somebody", "namespace": namespace}
    group = "rbac.authorization.k8s.io"
    subject = {"kind": "ServiceAccount", **name}
    role = {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": name, "rules": rules}
    binding = {"apiVersion": f"{group}/v1", "kind": "RoleBinding", "metadata": name, "subjects": [subject]}
    binding["roleRef"] = {"apiGroup": group, "kind": "Role", "name": "somebody"}
    place.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": name}, role, binding)
    token = place.kubectl("create", "token", "somebody", "-n", namespace).strip()
    config = yaml.safe_load(place.kubeconfig.read_text())
    config["users"] = [{"name": "somebody", "user": {"token": token}}]
    config["contexts"][0]["context"] |= {"user": "somebody", "namespace": namespace}
    file = folder / "somebody.kubeconfig"
    file.write_text(json.dumps(config))
    return str(file)
