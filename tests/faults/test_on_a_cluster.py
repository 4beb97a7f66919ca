"""Why: a plan that an API server does not admit is found out on the day of the drill, unless it is tried."""

import asyncio
from random import Random

import pytest
from faults.test_plans import KINDS, TABLE, TARGET

from chaosctl.cluster.adapter import connect
from chaosctl.cluster.admission import admitted
from chaosctl.model import Ref
from chaosctl.sandbox.cluster import Sandbox, SandboxConfig
from chaosctl.spec import Aim
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
async def cluster(tmp_path):
    """A sandbox with a settled target, whose pods are objects without processes."""
    async with Sandbox(tmp_path / "sandbox", SandboxConfig(pods="objects")) as sandbox:
        file = tmp_path / "kubeconfig"
        file.write_text(sandbox.kubeconfig)
        async with connect(kubeconfig=str(file), manager="team") as cluster:
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
