"""Why: a missing permission must be found before the change that it would have undone."""

import asyncio

from cluster.scenes import TARGET, created, two_steps, virtually, world

from chaosctl.cluster.rights import Right, missing, to_do, to_undo
from chaosctl.model import Banish, Delete, Evict, Ref, Switch
from chaosctl.testing import FakeCluster

POD = Ref(kind="Pod", namespace="models", name="p")


def words(rights):
    """Verb and kind, without name and namespace."""
    return [" ".join(str(right).split(" ")[:2]) for right in rights]


@virtually
async def test_a_release_needs_its_residue_removed():
    cluster, _ = world()
    plan = (await two_steps(cluster)).plan

    assert words(to_do(plan)) == ["get ConfigMap", "create ConfigMap", "get Deployment", "patch Deployment"]
    undoing = words(to_undo(plan))
    assert {"delete ConfigMap", "patch Deployment", "list ReplicaSet", "delete ReplicaSet"} <= set(undoing)


def test_pods_that_are_killed_need_no_undo():
    plan = (Delete(ref=POD, uid="u"), Banish(owner=TARGET, nodes=("a",)))

    assert words(to_do(plan)) == ["delete Pod", "get Deployment", "list ReplicaSet", "list Pod"]
    assert to_undo(plan) == ()


def test_pods_that_are_asked_to_leave_are_never_deleted():
    plan = (Evict(owner=TARGET, nodes=("a",)),)

    assert words(to_do(plan)) == ["get Deployment", "list ReplicaSet", "list Pod", "create Pod/eviction"]
    assert to_undo(plan) == ()


def test_proxies_are_spoken_to_through_the_api_server():
    plan = (Switch(proxies=TARGET, port=9901, fault={}),)

    assert {"list Pod", "get Pod/proxy", "create Pod/proxy"} <= set(words(to_do(plan)))
    assert {"list EndpointSlice", "create Pod/proxy"} <= set(words(to_undo(plan)))


@virtually
async def test_what_is_missing_is_named_so_that_a_role_can_be_written():
    cluster, _ = world()
    cluster.denied = {"create ConfigMap"}

    (lacking,) = await missing(to_do((created(),)), cluster)

    assert str(lacking) == "create ConfigMap made-by-us in models"


def test_a_thousand_pods_are_one_question():
    plan = tuple(Delete(ref=POD.model_copy(update={"name": f"p{n}"}), uid="u") for n in range(1000))

    assert [str(right) for right in to_do(plan)] == ["delete Pod * in models"]


@virtually
async def test_a_server_that_makes_every_question_wait_does_not_make_them_wait_for_each_other():
    class Slow(FakeCluster):
        async def allowed(self, *right):
            await asyncio.sleep(1)
            return await super().allowed(*right)

    cluster = Slow()
    cluster.denied.add("patch Deployment")
    rights = [Right("patch", TARGET.model_copy(update={"name": f"m{number}"})) for number in range(16)]

    assert await asyncio.wait_for(missing(rights, cluster), 4) == tuple(rights)
