"""Why: the watchdog's account must hold what a rollback needs, from the first look to the last Event."""

import pytest
from chart.granting import Account, flat, kubectl, limited, manifests, nameless, used
from cli.installation import Installation, until

from chaosctl.operations import roles
from chaosctl.store import Store

DOG = Account("dog")


@pytest.fixture
def installation(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    installation = Installation(home)
    (home / "config.yaml").write_text("audit: true")
    yield installation
    installation.down()


def test_the_watchdog_asks_for_what_it_is_granted_and_for_nothing_else(installation):
    cluster = installation.up("--config", str(installation.home / "config.yaml"), "--no-watchdog")
    granted = frozenset(flat(roles.watchdog()))
    kubectl(cluster.kubeconfig, "apply", "-f", "-", stdin=manifests(granted, DOG))
    config = limited(cluster.kubeconfig, DOG, installation.home / "dog.yaml")
    model = "apis/apps/v1/namespaces/models/deployments/sample-model"
    cluster.edit(model, {"metadata": {"labels": {"chaosctl.dev/watchdog": "enabled"}}})
    dog = installation.start("watchdog", "--kubeconfig", str(config))
    try:
        until(lambda: "certified" in journal(installation, cluster))
        installation.kubectl("-n", "models", "set", "image", "deployment/sample-model", "model=no/such:image")
        until(lambda: "RollbackFinished" in reasons(cluster))
        until(lambda: used(installation.home / "sandbox" / "audit.log", DOG) == nameless(granted))
    finally:
        dog.terminate()
        dog.communicate(timeout=60)


def journal(installation, cluster):
    """The types of the events that the watchdog has written down."""
    uid = cluster.get("api/v1/namespaces/kube-system")["metadata"]["uid"]
    with Store(installation.home / "store.db") as store:
        return {event["type"] for event in store.events(f"watchdog-{uid}")}


def reasons(cluster):
    return {event["reason"] for event in cluster.items("events")}
