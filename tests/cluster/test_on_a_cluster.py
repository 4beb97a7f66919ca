"""Why: what holds on the fake must hold over HTTP, with controllers that take their time."""

import asyncio
from datetime import timedelta

import pytest
from cluster.scenes import IMAGE, KEY, NAME, REPLICAS, TARGET, WHERE, change, created

from chaosctl.changes import Outcome, look
from chaosctl.cluster.adapter import connect
from chaosctl.cluster.admission import admitted
from chaosctl.cluster.guardian import Guardian
from chaosctl.cluster.inject import inject
from chaosctl.cluster.keep import keep
from chaosctl.cluster.ledger import Line, LineState
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.cluster.restore import restore
from chaosctl.cluster.sweep import settle
from chaosctl.errors import Conflict, Gone, Held
from chaosctl.model import Banish, Evict, Op, Patch, Ref
from chaosctl.sandbox.cluster import Sandbox, SandboxConfig
from chaosctl.testing import deployment, namespace, service

WITHIN = timedelta(seconds=60)


@pytest.fixture
async def sandbox(tmp_path):
    async with Sandbox(tmp_path / "sandbox", SandboxConfig(pods="objects")) as sandbox:
        file = tmp_path / "kubeconfig"
        file.write_text(sandbox.kubeconfig)
        yield str(file)


@pytest.fixture
async def ledgers(sandbox):
    async with connect(kubeconfig=sandbox, manager="chaosctl") as cluster:
        await cluster.create(Ref(kind="Namespace", name="models"), namespace())
        async with connect(kubeconfig=sandbox, manager="team") as team:
            await team.create(TARGET, deployment("ranker"))
            await team.create(Ref(kind="Service", namespace="models", name="ranker"), service("ranker"))
        await until(lambda: ready(cluster, 3))
        yield Ledgers(cluster, cluster.clock, KEY)


async def until(done):
    async with asyncio.timeout(60):
        found = await done()
        while not found:
            await asyncio.sleep(0.02)
            found = await done()


async def ready(cluster, wanted):
    status = look(await cluster.get(TARGET), "/status")
    return all(status.get(key) == wanted for key in ("replicas", "updatedReplicas", "readyReplicas"))


async def line(ledgers, *steps, hold=WITHIN, entry="e"):
    plan = await admitted(steps, ledgers.cluster)
    return Line(entry=entry, plan=plan, deadline=ledgers.clock.now() + hold)


async def injected(ledgers, line, *, guarded=False):
    await inject(WHERE, "r1", line, ledgers, guarded=guarded, ready_by=ledgers.clock.now() + WITHIN)


async def facts(cluster):
    """What no controller owns, as it stands."""
    seen = await cluster.get(TARGET)
    managers = {one["manager"] for one in seen["metadata"]["managedFields"]}
    labels = seen["metadata"].get("labels") or {}
    sets = await cluster.find(Ref(api_version="apps/v1", kind="ReplicaSet", namespace="models", name=""))
    images = sorted(str(look(one, IMAGE)) for one in sets)
    return seen["spec"], labels, "chaosctl" in managers, images


async def test_a_release_is_undone_and_leaves_nothing(ledgers):
    before = await facts(ledgers.cluster)
    release = await change(ledgers.cluster, {IMAGE: "model:bad"}, [NAME])
    await injected(ledgers, await line(ledgers, release, created()))
    await until(lambda: ready(ledgers.cluster, 3))

    outcomes = await restore(WHERE, "e", ledgers)

    assert {undone.outcome for undone in outcomes} == {Outcome.UNDONE}
    assert await settle(WHERE, ledgers, WITHIN)
    assert await facts(ledgers.cluster) == before
    with pytest.raises(Gone):
        await ledgers.cluster.get(created().ref)


async def test_a_release_that_somebody_rolled_back_leaves_nothing_and_they_are_named(sandbox, ledgers):
    before = await facts(ledgers.cluster)
    release = await change(ledgers.cluster, {IMAGE: "model:bad"})
    one = await line(ledgers, release)
    await injected(ledgers, one)
    watching = asyncio.ensure_future(keep(one, ledgers.cluster, ledgers.clock))
    async with connect(kubeconfig=sandbox, manager="chaosctl-watchdog") as watchdog:
        await watchdog.patch(TARGET, [Op(op="replace", path=IMAGE, value="model:1")])

    ended = await asyncio.wait_for(watching, 60)
    outcomes = await restore(WHERE, "e", ledgers)

    assert (ended.standing, ended.by) == ("before", "chaosctl-watchdog")
    assert [(undone.outcome, undone.by) for undone in outcomes] == [
        (Outcome.ALREADY_BACK, "chaosctl-watchdog")
    ]
    assert await settle(WHERE, ledgers, WITHIN)
    assert await facts(ledgers.cluster) == before


async def test_a_foreign_value_during_the_hold_is_left_alone(sandbox, ledgers):
    scale = await change(ledgers.cluster, {REPLICAS: 1})
    one = await line(ledgers, scale)
    await injected(ledgers, one)
    async with connect(kubeconfig=sandbox, manager="team") as team:
        await team.patch(TARGET, [Op(op="replace", path=REPLICAS, value=5)])

    ended = await asyncio.wait_for(keep(one, ledgers.cluster, ledgers.clock), 60)
    outcomes = await restore(WHERE, "e", ledgers)

    assert (ended.standing, ended.path, ended.by) == ("foreign", REPLICAS, "team")
    assert [(undone.outcome, undone.by) for undone in outcomes] == [(Outcome.SUPERSEDED, "team")]
    assert look(await ledgers.cluster.get(TARGET), REPLICAS) == 5


async def test_an_object_of_ours_that_somebody_deletes_ends_the_hold(sandbox, ledgers):
    one = await line(ledgers, created())
    await injected(ledgers, one)
    watching = asyncio.ensure_future(keep(one, ledgers.cluster, ledgers.clock))
    async with connect(kubeconfig=sandbox, manager="team") as team:
        await team.delete(created().ref, (await team.get(created().ref))["metadata"]["uid"])

    ended = await asyncio.wait_for(watching, 60)

    assert (ended.standing, ended.path, ended.gone) == ("foreign", str(created().ref), True)
    assert [undone.outcome for undone in await restore(WHERE, "e", ledgers)] == [Outcome.ALREADY_BACK]


async def test_values_are_written_down_as_the_server_stores_them(ledgers):
    path = "/spec/template/spec/containers/0/resources"
    cpu = await change(ledgers.cluster, {path: {"limits": {"cpu": "0.5"}}})
    before = await facts(ledgers.cluster)
    one = await line(ledgers, cpu)
    assert isinstance(one.plan[0], Patch)
    assert look(one.plan[0].edits[0].after, "/limits/cpu") == "500m"

    await injected(ledgers, one)
    outcomes = await restore(WHERE, "e", ledgers)

    assert [undone.outcome for undone in outcomes] == [Outcome.UNDONE]
    assert await settle(WHERE, ledgers, WITHIN)
    assert await facts(ledgers.cluster) == before


async def test_a_guardian_alone_puts_everything_back_after_the_deadline(ledgers):
    before = await facts(ledgers.cluster)
    guardian = Guardian(
        "g", ledgers, every=timedelta(seconds=0.05), ledger_ttl=timedelta(0), unread_ttl=timedelta(0)
    )
    standing = asyncio.ensure_future(guardian.stand())
    scale = await change(ledgers.cluster, {REPLICAS: 1})
    await injected(ledgers, await line(ledgers, scale, hold=timedelta(seconds=3)), guarded=True)
    assert (await ledgers.read(WHERE)).line("e").state is LineState.APPLIED

    await until(lambda: _closed_or_gone(ledgers))
    assert await facts(ledgers.cluster) == before
    await until(lambda: _gone(ledgers))
    standing.cancel()


async def _closed_or_gone(ledgers):
    ledger = await ledgers.read(WHERE)
    return ledger is None or not ledger.is_open


async def _gone(ledgers):
    return await ledgers.read(WHERE) is None


async def test_nothing_comes_back_to_a_banished_node(ledgers):
    pods = await ledgers.cluster.pods(TARGET)
    node = look(pods[0], "/spec/nodeName")
    one = await line(ledgers, Banish(owner=TARGET, nodes=(str(node),)))
    await injected(ledgers, one)
    gone = {pod["metadata"]["uid"] for pod in pods if look(pod, "/spec/nodeName") == node}

    keeping = asyncio.ensure_future(keep(one, ledgers.cluster, ledgers.clock))

    async def moved():
        found = await ledgers.cluster.pods(TARGET)
        return not gone & {pod["metadata"]["uid"] for pod in found}

    await until(moved)
    keeping.cancel()
    assert [undone.outcome for undone in await restore(WHERE, "e", ledgers)] == [Outcome.NOTHING_TO_UNDO]


BUDGET = Ref(api_version="policy/v1", kind="PodDisruptionBudget", namespace="models", name="ranker")


async def budgeted(cluster, **spec):
    """A budget for the target's pods, once it was counted."""
    body = {"spec": {"selector": {"matchLabels": {"app": "ranker"}}, **spec}}
    await cluster.create(BUDGET, body)

    async def counted():
        return look(await cluster.get(BUDGET), "/status/currentHealthy") == 3

    await until(counted)


async def of(cluster, owner):
    return {pod["metadata"]["uid"] for pod in await cluster.pods(owner)}


async def test_a_drain_takes_every_pod_of_the_target_and_nobody_elses(ledgers):
    cluster = ledgers.cluster
    bystander = TARGET.model_copy(update={"name": "bystander"})
    await cluster.create(bystander, deployment("bystander"))
    await until(lambda: has_pods(cluster, bystander))
    before, others = await of(cluster, TARGET), await of(cluster, bystander)
    nodes = tuple(f"sandbox-node-{number}" for number in (1, 2, 3))
    one = await line(ledgers, Evict(owner=TARGET, nodes=nodes))

    await injected(ledgers, one)
    keeping = asyncio.ensure_future(keep(one, cluster, ledgers.clock))
    await until(lambda: gone(cluster, before))
    keeping.cancel()
    assert await of(cluster, bystander) == others
    assert [undone.outcome for undone in await restore(WHERE, "e", ledgers)] == [Outcome.NOTHING_TO_UNDO]


async def has_pods(cluster, owner):
    return len(await cluster.pods(owner)) == 3


async def gone(cluster, uids):
    return not uids & await of(cluster, TARGET)


async def test_a_budget_that_allows_nothing_is_named_and_nothing_is_deleted(ledgers):
    await budgeted(ledgers.cluster, maxUnavailable=0)
    pod = (await ledgers.cluster.pods(TARGET))[0]
    ref = Ref(kind="Pod", namespace="models", name=pod["metadata"]["name"])

    with pytest.raises(Held, match="disruption budget ranker needs 3 healthy pods and has 3"):
        await ledgers.cluster.evict(ref, pod["metadata"]["uid"])

    assert look(await ledgers.cluster.get(ref), "/metadata/deletionTimestamp") is None


async def test_only_the_pod_that_was_meant_is_evicted(ledgers):
    pod = (await ledgers.cluster.pods(TARGET))[0]
    ref = Ref(kind="Pod", namespace="models", name=pod["metadata"]["name"])

    with pytest.raises(Conflict):
        await ledgers.cluster.evict(ref, "another")


async def test_many_writers_of_one_ledger_lose_nothing(ledgers):
    names = [f"e{number}" for number in range(12)]
    lines = [Line(entry=name, plan=(), deadline=ledgers.clock.now() + WITHIN) for name in names]

    await asyncio.gather(*(ledgers.enter(WHERE, "r1", one) for one in lines))

    assert {one.entry for one in (await ledgers.read(WHERE)).lines} == set(names)
