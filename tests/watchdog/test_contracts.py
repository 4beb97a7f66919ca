"""Why: the watchdog knows a few names that others write. It must not import them, and must not miss them."""

import asyncio

import pytest
from watchdog.scene import MODEL, WATCHED, Scene, watched

from chaosctl.changes import look
from chaosctl.cluster.lease import is_alive
from chaosctl.cluster.ledger import ledger_of
from chaosctl.errors import Gone
from chaosctl.model import Ref
from chaosctl.testing import FakeClock, FakeCluster, deployment_ref, in_virtual_time
from chaosctl.watchdog import LABEL, LEASE
from chaosctl.watchdog.drills import drill_on


class KnowsItsNamespaces(FakeCluster):
    """Takes no object into a namespace that does not exist."""

    async def create(self, ref, body, *, dry_run=False, manager="chaosctl"):
        home = Ref(kind="Namespace", name=ref.namespace)
        if ref.namespace == LEASE.namespace and home not in self.objects:
            raise Gone(f"{home} does not exist")
        return await super().create(ref, body, dry_run=dry_run, manager=manager)


@pytest.mark.parametrize("name", ["model", "a" * 42, "a" * 43, "long.name-" * 7 + "end"])
def test_a_runs_ledger_is_found_where_the_run_puts_it(name):
    target = deployment_ref(name)
    labels = {"chaosctl.dev/ledger": "open", "chaosctl.dev/run": "run-1"}
    where = ledger_of(target)
    metadata = {"name": where.name, "namespace": where.namespace, "labels": labels}
    cluster = FakeCluster({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})

    assert asyncio.run(drill_on(target, cluster)) == "run-1"


def test_the_label_selects_what_carries_it():
    key, _, value = LABEL.partition("=")

    assert {key: value} == WATCHED


def test_the_lease_is_one_that_others_can_read_and_its_namespace_is_made_where_it_is_missing():
    async def story():
        async with Scene(KnowsItsNamespaces(watched())).watching() as scene:
            await asyncio.sleep(1)
            return is_alive(await scene.cluster.get(LEASE), FakeClock().now())

    assert in_virtual_time(story())


def test_what_it_trusts_does_not_depend_on_who_is_scaled():
    async def story():
        async with Scene().watching() as scene:
            await scene.certified()
            await scene.set("/spec/replicas", 5)
            await asyncio.sleep(30)
            return scene, await scene.cluster.get(MODEL)

    scene, model = in_virtual_time(story())

    assert scene.types() == ["certified"]
    assert look(model, "/spec/replicas") == 5
