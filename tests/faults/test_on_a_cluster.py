"""Why: a plan that an API server does not admit is found out on the day of the drill, unless it is tried."""

import asyncio
from collections import defaultdict
from contextlib import contextmanager
from datetime import timedelta
from random import Random

import pytest
from faults.test_plans import KINDS, TABLE, TARGET

from chaosctl.cluster.adapter import connect
from chaosctl.cluster.admission import admitted
from chaosctl.cluster.facts import gather
from chaosctl.cluster.inject import inject
from chaosctl.cluster.ledger import Line, ledger_of
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.cluster.restore import restore
from chaosctl.cluster.sweep import settle
from chaosctl.engine.guards import Guarding
from chaosctl.model import Ref
from chaosctl.sandbox.cluster import Sandbox, SandboxConfig
from chaosctl.spec import Aim, Entry, Script
from chaosctl.targets import look
from chaosctl.testing import (
    autoscaler,
    config_map,
    deployment,
    namespace,
    ref_of,
    resource_quota,
    service,
)


@pytest.fixture
async def sandbox(tmp_path):
    """Its pods are objects without processes."""
    async with Sandbox(tmp_path / "sandbox", SandboxConfig(pods="objects")) as sandbox:
        yield sandbox


@pytest.fixture
def kubeconfig(sandbox, tmp_path):
    file = tmp_path / "kubeconfig"
    file.write_text(sandbox.kubeconfig)
    return str(file)


@pytest.fixture
async def cluster(kubeconfig):
    """A cluster with a settled target."""
    async with connect(kubeconfig=kubeconfig, manager="team") as cluster:
        await cluster.create(Ref(kind="Namespace", name="models"), namespace())
        for body in (
            deployment("fraud"),
            service("fraud"),
            config_map("settings", threshold="0.5"),
            autoscaler("fraud"),
            resource_quota("team", pods="30"),
        ):
            await cluster.create(ref_of(body), body)
        await until(lambda: settled(cluster))
        yield cluster


async def until(done):
    async with asyncio.timeout(15):
        while not await done():  # noqa: ASYNC110 - a controller decides when, and tells nobody
            await asyncio.sleep(0.02)


async def settled(cluster):
    return (await look(TARGET, cluster)).settled


async def test_every_plan_is_admitted_by_an_api_server(cluster):
    view = await look(TARGET, cluster)
    assert (view.replicas, view.ready, bool(view.revision)) == (3, 3, True)

    for body, steps in TABLE:
        fault = KINDS[body["kind"]].model_validate(body)
        plan = await fault.plan(view, cluster, Aim("r1", "e1", Random(1)))
        assert [step.step for step in await admitted(plan, cluster)] == steps


MINE = {
    "namespaces": {"get"},
    "pods": {"list"},
    "deployments": {"get"},
    "replicasets": {"list"},
    "configmaps": {"get", "create", "patch"},
}
"""What every run needs: the target and its namespace, the ledger."""
KINDS_ALONE = sorted({body["kind"] for body, steps in TABLE if "switch" not in steps})


@pytest.mark.parametrize("kind", KINDS_ALONE)
async def test_a_fault_uses_the_rights_that_it_declares_and_no_others(kind, sandbox, kubeconfig, cluster):
    """From the doubts before to the last ReplicaSet after; proxies need real pods, so not their faults."""
    used = defaultdict(set)
    async with connect(kubeconfig=kubeconfig) as ours:
        ledgers = Ledgers(ours, ours.clock, b"k" * 32)
        with recorded(sandbox, used):
            for number, body in enumerate(body for body, _ in TABLE if body["kind"] == kind):
                await drilled(KINDS[kind].model_validate(body), ledgers, f"r{number}")
        await until(lambda: settled(cluster))
    declared = defaultdict(set)
    for rule in (*KINDS[kind].needs, *KINDS[kind].looks):
        declared[rule.resource] |= set(rule.verbs)

    assert declared == {resource: verbs & used[resource] for resource, verbs in declared.items()}
    assert {
        resource: extra
        for resource, verbs in used.items()
        if (extra := verbs - declared[resource] - MINE.get(resource, set()))
    } == {}


async def drilled(fault, ledgers, run):
    """All that a run does with a fault, guards and undo among it."""
    view, where = await look(TARGET, ledgers.cluster), ledger_of(TARGET.workload)
    await fault.doubts(view, ledgers.cluster)

    async def plan_of(entry, target):
        return await fault.plan(target, ledgers.cluster, Aim(run, entry.id, Random(1)))

    entry = Entry(id="e1", at=timedelta(), hold=timedelta(seconds=5), fault={})
    script = Script(playbook="p", target=TARGET, entries=(entry,))
    facts = await gather(script, run, plan_of, ledgers, guarding=Guarding.NONE)
    deadline = ledgers.clock.now() + timedelta(seconds=60)
    line = Line(entry="e1", plan=facts.plans["e1"], deadline=deadline)
    await inject(where, run, line, ledgers, guarded=False, ready_by=deadline)
    await restore(where, "e1", ledgers)
    assert await settle(where, ledgers, timedelta(seconds=30))


@contextmanager
def recorded(sandbox, used):
    """Note each verb that is asked for on a resource; reviews are free for everybody."""
    authorizer, check = sandbox.server.authorizer, sandbox.server.authorizer.check

    def noted(who, what):
        if what.resource and "review" not in what.resource:
            used["/".join(filter(None, (what.resource, what.subresource)))].add(what.verb)
        return check(who, what)

    authorizer.check = noted
    yield
    authorizer.check = check
