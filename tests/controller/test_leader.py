"""Why: two leaders would break one target twice. At no moment may both think that they may act."""

import asyncio

import pytest

from chaosctl.cluster.lease import lease, renew
from chaosctl.controller.leader import LASTING, NAME, Leader
from chaosctl.errors import Lost
from chaosctl.testing import FakeClock, FakeCluster, in_virtual_time, namespace

WHERE = lease(NAME)
TAKEN_OVER_WITHIN = 15  # seconds


SECOND = LASTING / LASTING.total_seconds()


def one(name, cluster, error=0.0):
    """A replica whose idea of the API server's time is `error` seconds off."""

    class Off(FakeClock):
        def now(self):
            return super().now() + error * SECOND

    return Leader(name, WHERE, cluster, Off(), boot=asyncio.get_running_loop().time)


async def life(leader):
    """Lead whenever possible, as a process does that starts again."""
    while True:
        await leader.elected()
        await leader.deposed()


def watched(seconds, *lives):
    """Let replicas live, and note at every tenth of a second who leads."""

    async def living():
        cluster = FakeCluster(namespace("chaosctl-system"))
        made = [one(name, cluster, error) for name, error, _ in lives]
        seen = []
        tasks = [asyncio.ensure_future(life(leader)) for leader in made]
        acts = [
            act(cluster, leader, task) for (_, _, act), leader, task in zip(lives, made, tasks, strict=True)
        ]
        beside = [asyncio.ensure_future(act) for act in acts]
        for _ in range(seconds * 10):
            await asyncio.sleep(0.1)
            seen.append(tuple(leader.name for leader in made if leader.leads))
        for task in (*tasks, *beside):
            task.cancel()
        return seen

    return in_virtual_time(living())


async def nothing(cluster, leader, task): ...


def dies(after):
    async def act(cluster, leader, task):  # noqa: ARG001 - the shape of an act
        await asyncio.sleep(after)
        task.cancel()

    return act


def cut_off(after):
    """From then on the API server does not answer this replica."""

    async def act(cluster, leader, task):  # noqa: ARG001 - the shape of an act
        await asyncio.sleep(after)

        class Away:
            def __getattr__(self, name):
                async def call(*_, **__):
                    await asyncio.sleep(3)
                    raise Lost("no answer")

                return call

        leader.cluster = Away()

    return act


def leaders(seen):
    """Who led, one after the other."""
    names = [one[0] for one in seen if one]
    return [name for index, name in enumerate(names) if index == 0 or names[index - 1] != name]


@pytest.mark.parametrize("errors", [(0, 0), (-0.9, 0.9), (0.9, -0.9)])
@pytest.mark.parametrize("act", [dies(20.5), cut_off(20.5), dies(21.9), cut_off(19.1)])
def test_at_no_moment_do_two_lead_and_the_second_takes_over_soon(act, errors):
    seen = watched(60, ("a", errors[0], act), ("b", errors[1], nothing))

    assert max(map(len, seen)) == 1
    assert leaders(seen) == ["a", "b"]
    without = [index for index, names in enumerate(seen) if not names and index > 100]
    assert len(without) / 10 <= TAKEN_OVER_WITHIN


def test_whoever_stands_by_does_not_take_the_lease_from_a_leader_that_renews_it():
    assert leaders(watched(120, ("a", 0, nothing), ("b", 0, nothing))) == ["a"]


def test_a_leader_that_lets_go_is_followed_at_once():
    async def act(cluster, leader, task):  # noqa: ARG001 - the shape of an act
        await asyncio.sleep(20)
        task.cancel()
        leader.stop()
        await leader.let_go()

    seen = watched(60, ("a", 0, act), ("b", 0, nothing))
    without = [index for index, names in enumerate(seen) if not names and index > 100]

    assert leaders(seen) == ["a", "b"]
    assert len(without) / 10 <= 1.5


def away(cluster, seconds, sleeps=3):
    """The API server answers nobody for a while; what asks waits for some time."""

    class Away:
        def __init__(self):
            self.since = asyncio.get_running_loop().time()

        def __getattr__(self, name):
            async def call(*arguments, **named):
                if asyncio.get_running_loop().time() - self.since < seconds:
                    await asyncio.sleep(sleeps)
                    raise Lost("no answer")
                return await getattr(cluster, name)(*arguments, **named)

            return call

    return Away()


@pytest.mark.parametrize("seconds", [5, 12, 20, 45, 300])
@pytest.mark.parametrize("errors", [(0, 0), (-0.9, 0.9), (0.9, -0.9)])
def test_an_api_server_that_was_away_for_everybody_makes_nobody_else_the_leader(seconds, errors):
    async def act(cluster, leader, task):  # noqa: ARG001 - the shape of an act
        await asyncio.sleep(20.3)
        leader.cluster = away(cluster, seconds)

    seen = watched(seconds + 60, ("a", errors[0], act), ("b", errors[1], act))

    assert leaders(seen) == ["a"]
    assert seen[-1] == ("a",)
    if seconds > 12:
        assert () in seen[300:]  # meanwhile it did nothing


def test_one_that_slept_and_was_not_followed_does_nothing_until_it_has_renewed_its_lease():
    async def living():
        cluster = FakeCluster(namespace("chaosctl-system"))
        leader = one("a", cluster)
        slept = [0.0]
        leader.boot = lambda: asyncio.get_running_loop().time() + slept[0]
        await leader.elected()
        leading = asyncio.ensure_future(leader.deposed())
        await asyncio.sleep(5)
        slept[0] = 30.0  # its process was stopped
        awake = leader.leads
        await asyncio.sleep(3)
        return awake, leader.leads, leading.done() or leading.cancel()

    assert in_virtual_time(living()) == (False, True, True)


def test_one_that_slept_and_was_followed_never_leads_again_though_its_follower_is_dead():
    async def living():
        cluster = FakeCluster(namespace("chaosctl-system"))
        leader = one("a", cluster)
        await leader.elected()
        await asyncio.sleep(60)
        await renew("b", FakeClock().now(), cluster, WHERE, LASTING)
        await asyncio.sleep(60)
        await leader.deposed()
        return leader.leads

    assert in_virtual_time(living()) is False


def test_a_late_write_of_ones_own_is_not_taken_for_somebody_elses():
    async def living():
        cluster = FakeCluster(namespace("chaosctl-system"))
        leader = one("a", cluster)
        await leader.elected()
        write = cluster.patch

        async def late(ref, ops, **more):
            cluster.patch = write
            cluster.put(cluster.objects[WHERE])  # an earlier one lands in between
            return await write(ref, ops, **more)

        cluster.patch = late
        leading = asyncio.ensure_future(leader.deposed())
        await asyncio.sleep(10)
        return leader.leads, leading.done() or leading.cancel()

    assert in_virtual_time(living()) == (True, True)


def test_a_lease_that_somebody_else_holds_ends_the_leading_at_once():
    async def living():
        cluster = FakeCluster(namespace("chaosctl-system"))
        leader = one("a", cluster)
        await leader.elected()
        body = cluster.objects[WHERE]
        body["spec"]["holderIdentity"] = "b"
        cluster.put(body)
        await leader.deposed()
        return leader.leads, await renew("b", FakeClock().now(), cluster, WHERE, LASTING)

    assert in_virtual_time(living()) == (False, True)
