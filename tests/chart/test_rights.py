"""Why: a right that nobody misses should not be granted, and one that is missed must be named in time."""

import asyncio
from contextlib import asynccontextmanager

import httpx
import pytest
from chart.granting import CATALOG, CONTROLLER, HOME, controller, flat, manifests
from faults.test_plans import TABLE, TARGET

from chaosctl.cluster.adapter import connect
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.engine.guards import Guarding
from chaosctl.operations import roles
from chaosctl.operations.http import PlainHttp
from chaosctl.operations.perform import World
from chaosctl.operations.plan import PREVIEW, inspect
from chaosctl.sandbox.api.kubeconfig import kubeconfig
from chaosctl.sandbox.cluster import Sandbox, SandboxConfig
from chaosctl.spec import Entry, Script, Workload
from chaosctl.spec.amounts import duration
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

LATER = {"create events", "list configmaps", "delete configmaps"}
"""Needed while a run goes on, or by the sweeper: see `test_serving.py`."""


@pytest.fixture
async def sandbox(tmp_path, request):
    """A cluster with a settled target, whose pods are objects without processes."""
    scaled = [autoscaler("fraud")] if request.node.callspec.params["kind"] == "hpa" else []
    async with Sandbox(tmp_path / "sandbox", SandboxConfig(pods="objects", audit=True)) as sandbox:
        (tmp_path / "admin").write_text(sandbox.kubeconfig)
        bodies = [namespace(), namespace(HOME, None), deployment("fraud"), service("fraud")]
        async with connect(kubeconfig=str(tmp_path / "admin"), manager="team") as cluster:
            for body in (*bodies, config_map("settings", threshold="0.5"), resource_quota("team"), *scaled):
                await cluster.create(ref_of(body), body)
            await settled(cluster)
        yield sandbox


async def settled(cluster):
    async with asyncio.timeout(15):
        while not (await look(TARGET, cluster)).settled:  # noqa: ASYNC110 - a controller decides when
            await asyncio.sleep(0.02)


@pytest.fixture
async def grant(sandbox):
    """Give the account these rights, and no others."""
    async with httpx.AsyncClient(base_url=sandbox.url) as admin:

        async def granted(rights):
            for body in manifests(rights)[1:]:
                kind, metadata = body["kind"].lower(), body["metadata"]
                space = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
                where = f"/apis/rbac.authorization.k8s.io/v1{space}/{kind}s"
                await admin.delete(f"{where}/{metadata['name']}")
                made = await admin.post(where, json=body)
                assert made.status_code == 201, made.text

        yield granted


@pytest.fixture
async def account(sandbox, tmp_path):
    """The outside, as the account sees it."""
    file = tmp_path / "account"
    file.write_text(kubeconfig(sandbox.server.url_for(sandbox.server.issue(CONTROLLER.user))))
    async with connect(kubeconfig=str(file)) as cluster, PlainHttp() as http:
        ledgers = Ledgers(cluster, cluster.clock, b"k" * 32)
        yield World(CATALOG, cluster, cluster.clock, http, ledgers, no_traffic)


@asynccontextmanager
async def no_traffic(*_):
    raise AssertionError("nothing is played here")
    yield


async def told(body, world):
    """Why a run with this fault alone would not start, and what it is warned of."""
    entry = Entry(id=body["kind"], at=duration("1s"), hold=duration("5s"), fault=body)
    workload = Workload(requests={"corpus": "golden"}, arrival={"process": "constant", "rate": "1/s"})
    script = Script(
        playbook="one-fault", target=TARGET, entries=(entry,), workload=workload, allow_outage=True
    )
    seen = await inspect(script, world, PREVIEW, Guarding.NONE)
    return (*seen.refusals, *seen.warnings)


async def all_told(kind, world):
    """The same of every way to write the fault."""
    return tuple([said for body, _ in TABLE if body["kind"] == kind for said in await told(body, world)])


@pytest.mark.parametrize("kind", CATALOG.faults)
async def test_a_right_that_doing_or_undoing_needs_is_missed_by_name_before_anything_changes(
    kind, grant, account
):
    granted = controller(kind)
    await grant(granted)
    assert await all_told(kind, account) == ()

    for right in granted:
        if right.home or right.group == "chaosctl.dev" or str(right) in LATER:
            continue
        await grant(granted - {right})
        said = "\n".join(await all_told(kind, account)).lower()
        assert right.verb in said, right
        assert right.resource.partition("/")[0].removesuffix("s").removesuffix("ie") in said, right


def test_no_right_is_a_wildcard():
    rights = controller() | frozenset(flat(roles.watchdog()))
    assert not [right for right in rights if "*" in {right.group, right.resource, right.verb}]
