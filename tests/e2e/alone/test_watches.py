"""Why: a controller sees the cluster through watches, and every watch ends, often at a bad moment."""

import json
import secrets
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from e2e.drilling import Drill
from e2e.place import until
from e2e.takeover import PLAYBOOK, VERSION, finished, furnished

TESTS = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def definitions(place):
    """Ours are in the cluster."""
    away = furnished(place)
    yield
    away()


@pytest.fixture
def fleeting(kubeconfig, tmp_path):
    """A kubeconfig of a way to the cluster on which nothing lasts."""
    with served(tmp_path, "kubectl", "--kubeconfig", kubeconfig, "proxy", "--port", "0") as proxy:
        origin = until(lambda: address(proxy()), say=proxy)
        file = tmp_path / "address"
        command = (sys.executable, "-m", "e2e.fleeting", "--to", f"http://{origin}", "--file", file)
        with served(tmp_path, *command) as said:
            until(file.exists, say=said)
            cluster = {"name": "it", "cluster": {"server": f"{file.read_text()}/0"}}
            context = {"name": "it", "context": {"cluster": "it", "user": "it"}}
            config = {"clusters": [cluster], "contexts": [context], "users": [{"name": "it", "user": {}}]}
            made = tmp_path / "fleeting.kubeconfig"
            head = {"apiVersion": "v1", "kind": "Config", "current-context": "it"}
            made.write_text(json.dumps({**head, **config}))
            yield str(made)


def address(said):
    """Where kubectl says that it serves."""
    return said.rpartition(" on ")[2].strip()


@contextmanager
def served(folder, *command):
    """A process that serves; what it says."""
    output = folder / f"{secrets.token_hex(3)}.out"
    with output.open("wb") as log:
        process = subprocess.Popen([*map(str, command)], cwd=TESTS, stdout=log, stderr=log)
    try:
        yield output.read_text
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def drill(place, fleeting, namespace, tmp_path):
    """A target, and a controller that sees it that way."""
    place.furnish(namespace)
    key = tmp_path / "key"
    key.write_text(secrets.token_hex(32))
    found = Drill(place, namespace, tmp_path, fleeting, {"CHAOSCTL_KEY_FILE": str(key)})
    serving = found.start("serve", "--namespace", namespace, "--bind", "127.0.0.1", "--port", "0")
    until(lambda: place.lease(namespace), say=lambda: found.said("serve"))
    yield found
    serving.terminate()
    serving.wait(60)


@pytest.fixture
def before(drill):
    return drill.place.facts(drill.namespace)


def asked(drill, hold):
    """Apply a Run whose faults stand for so long, as every write may have to wait."""
    head = {"apiVersion": VERSION, "metadata": {"name": "drill", "namespace": drill.namespace}}
    timeline = [{**one, "hold": hold} for one in PLAYBOOK["timeline"]]
    drill.place.apply({**head, "kind": "Playbook", "spec": {**PLAYBOOK, "timeline": timeline}})
    target = {"namespace": drill.namespace, "workload": "Deployment/model"}
    drill.place.apply({**head, "kind": "Run", "spec": {"playbook": {"name": "drill"}, "target": target}})


def test_a_run_ends_as_ever_where_watches_last_a_second_and_writes_are_throttled(drill, before):
    asked(drill, "20s")
    status = until(
        lambda: finished(found := drill.place.run(drill.namespace)) and found,
        240,
        lambda: f"{drill.place.run(drill.namespace)} {drill.said('serve')}",
    )
    assert (status["verdict"], status["revert"]) == ("passed", "clean"), status
    drill.is_back(before)


def test_a_run_that_is_deleted_there_is_undone_long_before_its_deadline(drill, before):
    asked(drill, "10m")
    drill.injected()
    drill.place.kubectl("delete", "runs", "drill", "-n", drill.namespace, "--timeout=30s")
    drill.is_back(before)
