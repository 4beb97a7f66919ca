"""Why: what a controller costs, and how soon it acts, stands in the docs; here it is measured.

`python -m e2e.figures` (in `tests/`, in the network of a real cluster) runs one controller on a PostgreSQL
database, applies a Run with two injections, and prints its memory and how long people wait.
"""

import os
import secrets
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from e2e.drilling import Drill
from e2e.place import Place, until
from e2e.takeover import PLAYBOOK, VERSION, finished, furnished
from postgres import server

SETTLED = 20  # looks of half a second at an idle controller
RUNS = 3
MIB = 1024


def memory(pid):
    """Resident memory, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / MIB


def first_event(place, namespace, name):
    """Whether anything was told about a Run."""
    fields = f"involvedObject.kind=Run,involvedObject.name={name}"
    items = place.get(f"/api/v1/namespaces/{namespace}/events?fieldSelector={fields}")["items"]
    return bool(items)


def measured(drill, name):
    """Seconds from `kubectl apply` of a Run to its first Event, and the largest memory until it ended."""
    place, namespace = drill.place, drill.namespace
    target = {"namespace": namespace, "workload": "Deployment/model"}
    head = {"apiVersion": VERSION, "metadata": {"name": name, "namespace": namespace}}
    began = time.monotonic()
    place.apply({**head, "kind": "Run", "spec": {"playbook": {"name": "drill"}, "target": target}})
    until(lambda: first_event(place, namespace, name))
    told, largest = time.monotonic() - began, 0.0

    def over():
        nonlocal largest
        largest = max(largest, memory(drill.serving.pid))
        return finished(place.run(namespace, name))

    until(over, 120, lambda: place.run(namespace, name))
    return told, largest, place.run(namespace, name)["verdict"]


def figures(kubeconfig):
    """Print them; nothing stays in the cluster."""
    place = Place(kubeconfig)
    namespace = f"figures-{secrets.token_hex(2)}"
    away = furnished(place)
    with server() as databases, TemporaryDirectory(prefix="chaosctl-figures-") as folder:
        (Path(folder) / "key").write_text(secrets.token_hex(32))
        variables = {"CHAOSCTL_STORE": databases.url(databases.database())}
        variables |= {"CHAOSCTL_KEY_FILE": f"{folder}/key", "POD_NAMESPACE": namespace}
        drill = Drill(place, namespace, Path(folder), environment=variables)
        place.furnish(namespace)
        head = {"apiVersion": VERSION, "metadata": {"name": "drill", "namespace": namespace}}
        place.apply({**head, "kind": "Playbook", "spec": PLAYBOOK})
        options = ("--namespace", namespace, "--bind", "127.0.0.1", "--port", "0")
        drill.serving = drill.start("serve", *options)
        try:
            until(lambda: place.lease(namespace), say=lambda: drill.said("serve"))
            print(f"{datetime.now(UTC):%Y-%m-%d %H:%M}Z  load {os.getloadavg()[0]:.1f}")
            print(f"controller, idle: {idle(drill.serving.pid):.0f} MiB")
            for number in range(RUNS):
                told, largest, verdict = measured(drill, f"run-{number}")
                print(
                    f"run {number}: {told:.2f} s from apply to the first Event; {largest:.0f} MiB; {verdict}"
                )
        finally:
            drill.serving.terminate()
            drill.serving.wait(60)
            place.delete(namespace)
            away()
            place.close()


def idle(pid):
    for _ in range(SETTLED):
        time.sleep(0.5)
    return memory(pid)


if __name__ == "__main__":
    sys.exit(figures(os.environ["KUBECONFIG_E2E"]))
