"""Why: nothing that a playbook says may lead out of its namespace, and nobody acts who no longer leads."""

import asyncio

import pytest

from chaosctl.cluster.lease import LEASE
from chaosctl.controller.reach import Reach
from chaosctl.errors import Forbidden, Throttled
from chaosctl.model import Op, Ref
from chaosctl.testing import EPOCH, FakeCluster, config_map, in_virtual_time, lease, namespace

HERE = Ref(kind="ConfigMap", namespace="models", name="here")
OP = [Op(op="add", path="/data/x", value="1")]


def config(name, space):
    return Ref(kind="ConfigMap", namespace=space, name=name)


def reach(cluster, leads=lambda: True):
    return Reach(cluster, leads, "models", frozenset({LEASE}))


def world():
    other = config_map("there")
    other["metadata"]["namespace"] = "payments"
    held = lease("chaosctl-guardian", EPOCH)
    return FakeCluster(namespace(), namespace("payments"), config_map("here"), other, held)


def away(call):
    async def asked():
        with pytest.raises(Forbidden, match="reaches nothing outside"):
            await call(reach(world()))

    in_virtual_time(asked())


@pytest.mark.parametrize(
    "ref",
    [
        config("there", "payments"),
        config("", ""),  # everywhere
        Ref(kind="Secret", name="x"),
        Ref(kind="Namespace", name="payments"),
        Ref(kind="Pod", namespace="kube-system", name="x"),
    ],
)
def test_what_lies_outside_can_neither_be_read_nor_written(ref):
    away(lambda of: of.get(ref))
    away(lambda of: of.find(ref))
    away(lambda of: of.pods(ref))
    away(lambda of: of.ask(ref, 1, "/"))
    away(lambda of: of.patch(ref, OP))
    away(lambda of: of.create(ref, {}))
    away(lambda of: of.delete(ref, "uid"))
    away(lambda of: of.tell(ref, 1, "/", {}))
    away(lambda of: of.allowed("get", ref))


def test_the_guardians_lease_and_its_own_namespace_are_only_read():
    for ref in (LEASE, Ref(kind="Namespace", name="models")):
        assert in_virtual_time(reach(world()).get(ref))
        away(lambda of, ref=ref: of.patch(ref, OP))


def test_what_lies_inside_and_nodes_are_within_reach():
    async def asked():
        near = reach(world())
        await near.patch(HERE, OP)
        return (await near.get(HERE))["data"], len(await near.find(Ref(kind="Node", name="")))

    assert in_virtual_time(asked()) == ({"x": "1"}, 3)


def test_whoever_does_not_lead_changes_nothing_and_goes_on_when_they_lead_again():
    async def asked():
        cluster = world()
        held = [True]
        late = reach(cluster, lambda: held[0])
        await late.patch(HERE, OP)
        held[0] = False
        calls = [
            asyncio.ensure_future(call)
            for call in (late.get(HERE), late.patch(HERE, OP), late.create(config("new", "models"), {}))
        ]
        await asyncio.sleep(3600)
        unanswered, written = [not call.done() for call in calls], list(cluster.writes)
        held[0] = True
        await asyncio.gather(*calls)
        return unanswered, written, cluster.writes[1:]

    assert in_virtual_time(asked()) == ([True] * 3, [("patch", HERE)], [("create", config("new", "models"))])


def test_what_a_busy_server_did_not_do_is_asked_again_only_while_we_lead():
    class Busy(FakeCluster):
        asked = 0

        async def patch(self, ref, ops, **options):
            self.asked += 1
            if self.asked == 1:
                raise Throttled("429", 3.0)
            return await super().patch(ref, ops, **options)

    async def asked():
        loop, cluster = asyncio.get_running_loop(), Busy(config_map("here"))
        writing = asyncio.ensure_future(reach(cluster, lambda: not 2 < loop.time() < 60).patch(HERE, OP))
        await asyncio.sleep(50)
        assert (cluster.asked, writing.done()) == (1, False)
        await writing
        return cluster.asked, loop.time() >= 60

    assert in_virtual_time(asked()) == (2, True)
