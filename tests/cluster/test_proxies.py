"""Why: nobody may notice a proxy but by the fault that it was told."""

import asyncio
from datetime import timedelta

import pytest
from cluster.scenes import LATER, WHERE, injected, virtually, world

from chaosctl.changes import look, patch
from chaosctl.cluster.ledger import Line
from chaosctl.cluster.restore import restore
from chaosctl.errors import Lost, Refused, TooLate
from chaosctl.model import Create, Ref, Switch
from chaosctl.testing import deployment, deployment_ref, service

SERVICE = Ref(kind="Service", namespace="models", name="ranker")
PROXIES = deployment_ref("proxies")
FAULT = {"latency": {"fixed": 0.3}}


class Proxies:
    """What the proxies' admin ports would say, and what they were told."""

    def __init__(self, cluster, passed=5, failed=0, connections=2):
        self.cluster, self.told = cluster, []
        self.passed, self.failed, self.connections = passed, failed, connections
        cluster.admin = self.answer

    def answer(self, _pod, path, body):
        if path == "/status":
            return {"passed": self.passed, "failed": self.failed, "connections": self.connections}
        if path == "/drain":
            assert look(self.cluster.objects[SERVICE], "/spec/selector/app") == "ranker"
            self.connections = 0
        self.told.append((path, body))
        return {}


async def line(cluster):
    cluster.put(service("ranker"))
    seen = await cluster.get(SERVICE)
    swap = patch(SERVICE, seen, {"/spec/selector/app": "proxies"})
    create = Create(ref=PROXIES, body=deployment("proxies", 2), wait=True)
    switch = Switch(proxies=PROXIES, port=9901, fault=FAULT)
    return Line(entry="e", plan=(create, swap, switch), deadline=LATER)


@virtually
async def test_every_proxy_is_told_the_fault_and_its_deadline():
    cluster, ledgers = world()
    proxies = Proxies(cluster)

    await injected(await line(cluster), ledgers)

    order = {"fault": FAULT, "until": LATER.isoformat()}
    assert proxies.told == [("/fault", order)] * 2


@virtually
async def test_traffic_is_drained_from_the_proxies_before_they_go():
    cluster, ledgers = world()
    plan = await line(cluster)
    before = cluster.facts()
    proxies = Proxies(cluster)
    await injected(plan, ledgers)
    proxies.told.clear()

    await restore(WHERE, "e", ledgers)

    assert proxies.told == [("/fault", {})] * 2 + [("/drain", {})] * 2
    assert before == cluster.facts()


@virtually
async def test_a_proxy_that_is_not_transparent_gets_no_fault():
    cluster, ledgers = world()
    proxies = Proxies(cluster, failed=1)

    with pytest.raises(Refused, match="not transparent: 2 requests failed"):
        await injected(await line(cluster), ledgers)

    assert proxies.told == []


@virtually
async def test_a_proxy_through_which_nothing_passes_gets_no_fault():
    cluster, ledgers = world()
    proxies = Proxies(cluster, passed=0)

    with pytest.raises(TooLate, match="no traffic"):
        await injected(await line(cluster), ledgers)

    assert proxies.told == []


@virtually
async def test_proxies_that_no_longer_answer_hold_nobody_up_for_long():
    cluster, ledgers = world()
    plan = await line(cluster)
    before = cluster.facts()
    Proxies(cluster)
    await injected(plan, ledgers)

    def dead(*_):
        raise Lost("nobody is there")

    cluster.admin = dead
    async with asyncio.timeout(timedelta(seconds=15).total_seconds()):
        await restore(WHERE, "e", ledgers)

    assert before == cluster.facts()
