"""Why: what a controller is granted is seen only when it does all that it ever does."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from chart.granting import Account, kubectl, limited
from cli.installation import ROOT, until

from chaosctl.cluster.keys import key_of
from chaosctl.cluster.ledger import Ledger, body_of, ledger_of
from chaosctl.testing import deployment, deployment_ref, namespace

CRDS = ROOT / "helm" / "chaosctl" / "files" / "crds"
KEY = bytes(range(32))
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
END_WITHIN = 60.0
Body = dict[str, Any]


@contextmanager
def sandbox(folder: Path, *options: str) -> Iterator[Path]:
    """A bare sandbox with our definitions and an audit log; its kubeconfig."""
    folder.mkdir()
    (folder / "config.yaml").write_text("audit: true")
    command = [sys.executable, "-m", "chaosctl.sandbox", "--folder", str(folder)]
    process = subprocess.Popen([*command, "--config", str(folder / "config.yaml"), *options])
    try:
        until((folder / "kubeconfig").exists)
        kubectl(folder / "kubeconfig", "apply", "--filename", str(CRDS))
        yield folder / "kubeconfig"
    finally:
        process.terminate()
        process.wait(END_WITHIN)


@dataclass
class Controller:
    """`chaosctl serve` as a process, with an account of its own, and what it says."""

    account: Account
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        self.process.kill()  # it has nothing to lose
        self.process.wait(END_WITHIN)


def serve(admin: Path, folder: Path, account: Account) -> Controller:
    """Start one, as this account, for its namespaces."""
    folder.mkdir(parents=True)
    (folder / "key").write_text(KEY.hex())
    config = limited(admin, account, folder / "kubeconfig")
    environment = {**os.environ, "CHAOSCTL_HOME": str(folder), "POD_NAMESPACE": account.home}
    environment |= {"KUBECONFIG": str(config), "NO_COLOR": "1"}
    command = [sys.executable, "-m", "chaosctl", "serve", "--bind", "127.0.0.1", "--port", "0"]
    command += [f"--namespace={space}" for space in account.spaces]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    return Controller(account, process, folder / "log")


def scene(space: str) -> list[Body]:
    """A namespace with a target, Drills for it, one by the clock with too many Runs, and an old ledger."""
    target = {"namespace": space, "workload": "Deployment/fraud"}
    playbook = {
        "summary": "A label comes and goes.",
        "stableFor": "1s",
        "probes": {"ready": {"kind": "ready-replicas"}},
        "steadyState": [{"probe": "ready", "min": 1}],
        "timeline": [{"at": "200ms", "inject": {"kind": "noop"}, "hold": "1s"}],
    }
    drill = {"target": target, "playbooks": [{"name": "first"}]}
    return [
        namespace(space),
        deployment("fraud", 1, namespace=space),
        ours("Playbook", space, "first", playbook),
        ours("Drill", space, "weekly", drill),
        ours("Drill", space, "often", {**drill, "schedule": {"cron": "* * * * *"}, "keep": 1}),
        *(fired(space, "often", time) for time in ("202601010000", "202601010001")),
        old_ledger(space),
    ]


def ours(kind: str, space: str, name: str, spec: Body) -> Body:
    metadata = {"name": name, "namespace": space}
    return {"apiVersion": "chaosctl.dev/v1", "kind": kind, "metadata": metadata, "spec": spec}


def fired(space: str, drill: str, time: str) -> Body:
    """A Run of a schedule that ends as soon as somebody looks at it."""
    run = ours("Run", space, f"{drill}-{time}", {"drill": drill, "abort": "long ago"})
    run["metadata"]["labels"] = {"chaosctl.dev/drill": drill}
    return run


def old_ledger(space: str) -> Body:
    """Of a run that ended long ago, and that somebody still has to remove."""
    where = ledger_of(deployment_ref("gone", space))
    over = Ledger(run="abcdef", closed=LONG_AGO, journalled=LONG_AGO + timedelta(seconds=1))
    return body_of(where, over, key_of(where, KEY))
