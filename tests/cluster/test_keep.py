"""Why: a fault that somebody ended early proved less than its hold says, and must not be taken for whole."""

import asyncio
from datetime import timedelta

import pytest
from cluster.scenes import (
    CONFIG,
    IMAGE,
    LATER,
    REPLICAS,
    TARGET,
    TEAM,
    change,
    created,
    injected,
    virtually,
    world,
)

from chaosctl.changes import Standing
from chaosctl.cluster.keep import keep
from chaosctl.cluster.ledger import Line
from chaosctl.errors import Held, Lost
from chaosctl.model import Banish, Evict, Op


async def two_patches(cluster):
    release = await change(cluster, {IMAGE: "model:bad", TEAM: "chaos"})
    return Line(entry="e", plan=(release, await change(cluster, {REPLICAS: 2})), deadline=LATER)


async def kept(line, cluster, ledgers, *edits):
    """What ends the hold after somebody set these paths one after the other, or None after a minute."""
    keeping = asyncio.ensure_future(keep(line, cluster, ledgers.clock))
    for path, value in edits:
        await asyncio.sleep(2)
        await cluster.patch(TARGET, [Op(op="replace", path=path, value=value)], manager="kubectl")
    await asyncio.wait([keeping], timeout=60)
    return keeping.result() if keeping.done() else keeping.cancel() and None


@pytest.mark.parametrize(
    ("edits", "ended"),
    [
        ([], None),
        ([(IMAGE, "model:1")], None),
        ([(REPLICAS, 3)], None),
        ([(REPLICAS, 3), (IMAGE, "model:1")], None),
        ([(IMAGE, "model:1"), (TEAM, "ml")], None),
        ([(IMAGE, "model:1"), (TEAM, "ml"), (REPLICAS, 3)], (Standing.BEFORE, "kubectl", "")),
        ([(TEAM, "theirs")], (Standing.FOREIGN, "kubectl", TEAM)),
        ([(REPLICAS, 5)], (Standing.FOREIGN, "kubectl", REPLICAS)),
    ],
)
@virtually
async def test_a_hold_ends_early_only_when_all_is_back_or_something_is_anothers(edits, ended):
    cluster, ledgers = world()
    line = await two_patches(cluster)
    await injected(line, ledgers)

    found = await kept(line, cluster, ledgers, *edits)

    assert ended == (found and (found.standing, found.by, found.path))


@virtually
async def test_a_target_that_is_deleted_ends_the_hold():
    cluster, ledgers = world()
    line = await two_patches(cluster)
    await injected(line, ledgers)
    del cluster.objects[TARGET]

    assert (await kept(line, cluster, ledgers)).standing is Standing.FOREIGN


@virtually
async def test_something_of_ours_that_is_deleted_ends_the_hold():
    cluster, ledgers = world()
    line = Line(entry="e", plan=(created(),), deadline=LATER)
    await injected(line, ledgers)
    assert await kept(line, cluster, ledgers) is None

    del cluster.objects[CONFIG]
    assert (await kept(line, cluster, ledgers)).gone


@virtually
async def test_a_cluster_that_does_not_answer_for_a_while_does_not_end_the_hold():
    cluster, ledgers = world()
    line = await two_patches(cluster)
    await injected(line, ledgers)
    look_at, lost = cluster.get, []

    async def unreachable(ref):
        if len(lost) < 3:
            lost.append(ref)
            raise Lost("no answer")
        return await look_at(ref)

    cluster.get = unreachable

    assert (await kept(line, cluster, ledgers, (REPLICAS, 5))).path == REPLICAS


@virtually
async def test_pods_that_come_back_to_a_zone_that_is_out_are_sent_away_again():
    cluster, ledgers = world()
    nodes = tuple({pod["spec"]["nodeName"] for pod in await cluster.pods(TARGET)})
    before = {pod["metadata"]["uid"] for pod in await cluster.pods(TARGET)}
    line = Line(entry="e", plan=(Banish(owner=TARGET, nodes=nodes),), deadline=LATER)

    assert await kept(line, cluster, ledgers) is None
    assert not before & {pod["metadata"]["uid"] for pod in await cluster.pods(TARGET)}


async def draining(cluster, deadline=LATER):
    nodes = tuple(sorted({pod["spec"]["nodeName"] for pod in await cluster.pods(TARGET)}))
    return Line(entry="e", plan=(Evict(owner=TARGET, nodes=nodes),), deadline=deadline)


async def uids(cluster):
    return {pod["metadata"]["uid"] for pod in await cluster.pods(TARGET)}


@virtually
async def test_pods_that_their_budget_holds_back_stay_until_it_lets_them_go():
    cluster, ledgers = world()
    held, *others = sorted(pod["metadata"]["name"] for pod in await cluster.pods(TARGET))
    cluster.held = {held}
    line = await draining(cluster)

    await injected(line, ledgers)
    assert await kept(line, cluster, ledgers) is None

    names = {pod["metadata"]["name"] for pod in await cluster.pods(TARGET)}
    assert held in names
    assert not names & set(others)
    cluster.held.clear()
    assert await kept(line, cluster, ledgers) is None
    assert held not in {pod["metadata"]["name"] for pod in await cluster.pods(TARGET)}


@virtually
async def test_a_budget_is_asked_at_most_once_a_second():
    cluster, ledgers = world()
    asked = []

    async def evict(pod, uid):  # noqa: ARG001 - the port's signature
        asked.append(uid)
        raise Held("not now")

    cluster.evict = evict
    assert await kept(await draining(cluster), cluster, ledgers) is None

    assert 55 * 3 <= len(asked) <= 61 * 3


@pytest.mark.parametrize("step", [Banish, Evict])
@virtually
async def test_whoever_slept_through_the_hold_sends_no_pod_away_any_more(step):
    cluster, ledgers = world()
    nodes = tuple({pod["spec"]["nodeName"] for pod in await cluster.pods(TARGET)})
    before = await uids(cluster)
    over = ledgers.clock.now() - timedelta(seconds=1)

    assert (
        await kept(Line(entry="e", plan=(step(owner=TARGET, nodes=nodes),), deadline=over), cluster, ledgers)
        is None
    )
    assert await uids(cluster) == before
