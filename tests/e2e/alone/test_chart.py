"""A release's life: installed, asked whether it is well, used, upgraded amid a drill, uninstalled.

Definitions of custom resources belong to the whole cluster, so nothing else may use it meanwhile.
"""

import os
import shlex
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from e2e.place import difference, until
from postgres import server

CHART = Path(__file__).parents[3] / "helm" / "chaosctl"
HOME = "chaosctl-system"
VERSION = "chaosctl.dev/v1"
SHRINK = {"at": "500ms", "id": "shrink", "inject": {"kind": "scale-down", "replicas": 2}, "hold": "20s"}
PLAYBOOK = {
    "summary": "One replica less for a while.",
    "stableFor": "1s",
    "probes": {"ready": {"kind": "ready-replicas"}},
    "steadyState": [{"probe": "ready", "min": 3, "every": "500ms"}],
    "timeline": [SHRINK],
    "recoverWithin": "60s",
}
CLUSTER_WIDE = (
    "namespaces,crd,clusterroles,clusterrolebindings,pv,priorityclasses,validatingwebhookconfigurations"
)


@pytest.fixture(scope="module")
def before(place):
    """All of the cluster, before anything of ours came."""
    return everything(place)


@pytest.fixture(scope="module")
def helm(kubeconfig):
    """Helm's output; what it refused is an AssertionError with its words."""

    def run(*arguments):
        command = ["helm", *map(str, arguments), "--kubeconfig", str(kubeconfig), "--namespace", HOME]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


@pytest.fixture(scope="module")
def notes(place, before, helm):  # noqa: ARG001 - first the look, then the release
    """What Helm says to whoever has installed the chart, with two replicas on a database of Debian's."""
    with server(host=our_address(place)) as databases:
        strict = {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}, "name": HOME}
        url = databases.url(databases.database())
        secret = {"metadata": {"name": "database", "namespace": HOME}, "stringData": {"url": url}}
        place.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": strict})
        place.apply({"apiVersion": "v1", "kind": "Secret", **secret})
        options = ("--set", "store.postgres.existingSecret=database", "--set", "crds.keep=false")
        yield helm("install", "chaosctl", CHART, *options, "--wait", "--timeout", "3m")
        subprocess.run(
            ["helm", "uninstall", "chaosctl", "--kubeconfig", str(place.kubeconfig), "--namespace", HOME],
            capture_output=True,
            check=False,
        )
        place.delete(HOME)


@pytest.fixture
def models(place, namespace):
    """A namespace with a target, and a playbook for it."""
    place.furnish(namespace)
    head = {"apiVersion": VERSION, "metadata": {"name": "drill", "namespace": namespace}}
    place.apply({**head, "kind": "Playbook", "spec": PLAYBOOK})
    return namespace


@pytest.mark.usefixtures("notes")
def test_two_replicas_get_ready_where_only_restricted_pods_may_run(place):
    body = place.get(f"/apis/apps/v1/namespaces/{HOME}/deployments/chaosctl")

    assert body["status"]["readyReplicas"] == 2
    assert leader(place) in {pod["metadata"]["name"] for pod in controllers(place)}


@pytest.mark.usefixtures("notes")
def test_the_release_says_that_it_is_well(helm):
    assert "Phase:          Succeeded" in helm("test", "chaosctl", "--logs")


def test_the_first_drill_of_the_notes_passes_and_leaves_nothing(place, models, notes):
    before = place.facts(models)
    lines = notes[
        notes.index("kubectl --namespace models create") : notes.index("kubectl --namespace models get")
    ]
    shell = lines.replace("NAME", "model").replace("models", models)
    variables = {**os.environ, "KUBECONFIG": str(place.kubeconfig)}

    subprocess.run(["bash", "-ec", shell], env=variables, check=True, capture_output=True)

    ended(place, models, "first")
    assert place.run(models, "first")["verdict"] == "passed", place.run(models, "first")
    columns = place.kubectl("get", "runs", "-n", models)
    assert "passed" in columns, columns
    assert place.facts(models) == before


@pytest.mark.usefixtures("notes")
def test_an_upgrade_amid_a_drill_leaves_it_to_the_next_controller(place, models, helm):
    before = place.facts(models)
    old = {pod["metadata"]["uid"] for pod in controllers(place)}
    begin(place, models)

    helm("upgrade", "chaosctl", CHART, "--reuse-values", "--set", "podAnnotations.rolled=yes", "--wait")

    ended(place, models)
    assert place.run(models)["revert"] == "clean", place.run(models)
    assert place.run(models)["verdict"], place.run(models)
    until(lambda: not old & {pod["metadata"]["uid"] for pod in controllers(place)})
    until(lambda: place.is_ready(models))
    assert place.facts(models) == before


@pytest.mark.usefixtures("notes")
def test_a_leader_whose_pod_is_killed_amid_a_drill_is_followed(place, models):
    before = place.facts(models)
    first = leader(place)
    begin(place, models)

    place.kubectl("delete", "pod", first, "-n", HOME, "--force", "--grace-period=0")

    ended(place, models)
    assert leader(place) != first
    assert place.run(models)["revert"] == "clean", place.run(models)
    until(lambda: place.is_ready(models))
    assert place.facts(models) == before


@pytest.mark.usefixtures("notes")
def test_a_running_run_that_is_deleted_is_reverted_and_goes(place, models):
    before = place.facts(models)
    begin(place, models)

    place.kubectl("delete", "run", "drill", "-n", models, "--timeout=60s")

    until(lambda: place.is_ready(models) and place.facts(models) == before, say=lambda: place.ledger(models))


@pytest.mark.usefixtures("notes")
def test_what_the_account_may_is_what_the_reference_says(place):
    said = Path(__file__).parents[3] / "docs/generator/recorded/can-i-list.txt"
    found = place.kubectl(
        *("auth", "can-i", "--list", "--namespace", "models"),
        *("--as", f"system:serviceaccount:{HOME}:chaosctl"),
    )
    assert rights(found) == rights(said.read_text(encoding="utf-8")), f"record it anew:\n{found}"


@pytest.mark.usefixtures("notes")
def test_uninstalled_the_cluster_is_as_before(place, before, helm):
    place.kubectl("delete", "runs", "--all", "--all-namespaces", "--timeout=60s")
    helm("uninstall", "chaosctl", "--wait")
    place.delete(HOME)

    until(lambda: everything(place) == before, say=lambda: difference(before, everything(place)))


def begin(place, namespace):
    """Apply a Run, and wait until its fault is there."""
    target = {"namespace": namespace, "workload": "Deployment/model"}
    head = {"apiVersion": VERSION, "metadata": {"name": "drill", "namespace": namespace}}
    place.apply({**head, "kind": "Run", "spec": {"playbook": {"name": "drill"}, "target": target}})
    until(lambda: place.workload(namespace)["spec"]["replicas"] == 2, say=lambda: place.run(namespace))


def ended(place, namespace, name="drill"):
    def over():
        conditions = place.run(namespace, name).get("conditions", [])
        return any((one["type"], one["status"]) == ("Finished", "True") for one in conditions)

    until(over, 180, lambda: f"{place.run(namespace, name)}\n{logs(place)}")


def leader(place):
    """The name of the pod that leads; its identity goes on behind that."""
    return place.lease(HOME).rsplit("-", 2)[0]


def controllers(place):
    """The release's pods that are not about to go."""
    selector = "app.kubernetes.io/component=controller"
    items = place.get(f"/api/v1/namespaces/{HOME}/pods?labelSelector={selector}")["items"]
    return [pod for pod in items if "deletionTimestamp" not in pod["metadata"]]


def logs(place):
    return place.kubectl("logs", "-n", HOME, "-l", "app.kubernetes.io/component=controller", "--tail=30")


def everything(place):
    """What people would look through to see whether something was left."""
    names = place.kubectl("get", CLUSTER_WIDE, "-o", "name").split()
    return place.everything() | dict.fromkeys(names, "there")


def rights(listed):
    """The lines of `kubectl auth can-i --list`, without their order."""
    return {" ".join(shlex.split(line)) for line in listed.splitlines() if line.strip()}


def our_address(place):
    """At which pods reach this machine: the one that we reach their API server from."""
    url = urlsplit(str(place.http.base_url))
    with socket.create_connection((url.hostname, url.port or 443), 30) as connection:
        return connection.getsockname()[0]
