"""Why: the hour in which a watchdog is needed is the hour in which everything else fails too."""

import asyncio
from datetime import datetime
from random import Random

import pytest
from watchdog.scene import GOOD, MODEL, WRONG, Scene, Troubled, watched

from chaosctl.changes import look
from chaosctl.errors import Forbidden, Lost, StoreError
from chaosctl.model import Op
from chaosctl.testing import (
    FakeClock,
    FakeCluster,
    Fate,
    MemoryJournal,
    Shaky,
    deployment_ref,
    in_virtual_time,
)
from chaosctl.watchdog import LEASE


class LosesReplies(FakeCluster):
    """Takes the rollback, and answers nothing; or does not take it."""

    def __init__(self, *bodies, arrives):
        super().__init__(*bodies)
        self.arrives = arrives
        self.lost = 0

    async def patch(self, ref, ops, *, dry_run=False, manager="chaosctl"):
        if ref != MODEL or manager == "kubectl" or self.lost:
            return await super().patch(ref, ops, dry_run=dry_run, manager=manager)
        self.lost += 1
        if self.arrives:
            await super().patch(ref, ops, manager=manager)
        raise Lost("no answer")


class Busy(FakeCluster):
    """Somebody writes the Deployment's labels just before each of the first writes of its template."""

    meddling = 0

    async def patch(self, ref, ops, *, dry_run=False, manager="chaosctl"):
        if ref == MODEL and manager != "kubectl" and self.meddling:
            self.meddling -= 1
            touch = Op(op="add", path="/metadata/labels/touched", value=str(self.meddling))
            await super().patch(ref, (touch,), manager="somebody")
        return await super().patch(ref, ops, dry_run=dry_run, manager=manager)


class TakesNoEvents(FakeCluster):
    async def create(self, ref, body, *, dry_run=False, manager="chaosctl"):
        if ref.kind == "Event":
            raise Forbidden("events are not for you")
        return await super().create(ref, body, dry_run=dry_run, manager=manager)


class FullJournal(MemoryJournal):
    def append(self, event):
        raise StoreError(f"no space left for {event}")


async def bad_release(scene, within=60.0):
    await scene.certified()
    await scene.release("model:wrong", WRONG)
    return await scene.until(lambda: scene.image() == "model:stable", within)


@pytest.mark.parametrize("arrives", [True, False])
def test_a_rollback_whose_answer_was_lost_happens_and_is_told_once(arrives):
    async def story():
        scene = Scene(LosesReplies(watched(), arrives=arrives))
        async with scene.watching():
            await bad_release(scene)
            await scene.until(lambda: scene.said("RollbackFinished"))
        return scene

    scene = in_virtual_time(story())

    assert scene.types()[:4] == ["certified", "failing", "rollback-started", "rollback-finished"]
    assert len(scene.said("RollbackStarted")) == 1


def test_a_rollback_gets_through_though_others_write_the_object_too():
    async def story():
        scene = Scene(Busy(watched()))
        scene.cluster.meddling = 2
        async with scene.watching():
            await bad_release(scene)
        return scene

    assert in_virtual_time(story()).said("RollbackRefused") == []


def test_a_cluster_that_never_takes_the_rollback_is_told_of_once():
    async def story():
        scene = Scene(Busy(watched()))
        scene.cluster.meddling = 10_000
        async with scene.watching():
            await scene.certified()
            await scene.release("model:wrong", WRONG)
            await asyncio.sleep(60)
        return scene

    [refused] = in_virtual_time(story()).said("RollbackRefused")
    assert "does not take the certified template" in refused["message"]


@pytest.mark.parametrize("seed", range(5))
def test_a_cluster_that_is_slow_and_often_fails_does_not_stop_it(seed):
    async def story():
        cluster = FakeCluster(watched())
        scene = Scene(cluster, via=Shaky(cluster, Fate(Random(seed), troubles=40)))
        async with scene.watching():
            await scene.until(lambda: scene.trusts("stable"), within=600)
            await scene.release("model:wrong", WRONG)
            await scene.until(lambda: scene.image() == "model:stable", within=600)

    in_virtual_time(story())


def test_a_journal_that_cannot_be_written_does_not_stop_it():
    async def story():
        scene = Scene(journal=FullJournal())
        async with scene.watching():
            await asyncio.sleep(30)
            await scene.release("model:wrong", WRONG)
            await scene.until(lambda: scene.image() == "model:stable", within=10)

    in_virtual_time(story())


def test_a_cluster_that_takes_no_events_does_not_stop_it():
    async def story():
        scene = Scene(TakesNoEvents(watched()))
        scene.write_rules("limit: {rollbacks: 1}")
        async with scene.watching():
            await scene.until(lambda: scene.events("misconfigured"))
            scene.write_rules("limits: {rollbacks: 1}")
            await bad_release(scene)
            await scene.until(lambda: scene.events("rollback-finished"))

    in_virtual_time(story())


def test_a_deployment_that_is_deleted_does_not_keep_it_from_watching_another():
    async def story():
        scene = Scene(FakeCluster(watched(), watched("other")))
        async with scene.watching():
            await scene.until(lambda: len(scene.events("certified")) == 2)
            await scene.release("model:wrong", WRONG)
            await scene.cluster.delete(MODEL, look(await scene.cluster.get(MODEL), "/metadata/uid"))
            await scene.until(lambda: scene.open_streams == 1)
            other = deployment_ref("other")
            await scene.release("model:bad", WRONG, ref=other)
            await scene.until(lambda: scene.image(other) == "model:stable", within=10)

    in_virtual_time(story())


def test_without_the_label_nobody_is_watched_and_nobody_hears_its_traffic():
    async def story():
        async with Scene().watching() as scene:
            await scene.certified()
            await scene.set("/metadata/labels", {"chaosctl.dev/watchdog": "disabled"})
            await scene.until(lambda: scene.open_streams == 0, within=3)
            await scene.release("model:wrong", WRONG)
            await asyncio.sleep(60)
            unwatched = scene.image()
            await scene.set("/metadata/labels", {"chaosctl.dev/watchdog": "enabled"})
            await scene.until(lambda: scene.image() == "model:stable", within=10)
            return unwatched

    assert in_virtual_time(story()) == "model:wrong"


def test_only_the_given_namespaces_are_watched():
    async def story():
        async with Scene(namespaces=("elsewhere",)).watching() as scene:
            await asyncio.sleep(10)
            return scene.streams

    assert in_virtual_time(story()) == []


def test_rules_that_cannot_be_read_are_told_of_once_and_then_it_does_not_act_until_they_can():
    async def story():
        scene = Scene()
        async with scene.watching():
            await scene.certified()
            scene.write_rules("limit: {rollbacks: 1}")
            await scene.until(lambda: scene.said("WatchdogMisconfigured"))
            await scene.release("model:wrong", WRONG)
            await asyncio.sleep(60)
            idle = scene.image(), scene.open_streams
            scene.write_rules("limits: {rollbacks: 1}")
            await scene.until(lambda: scene.image() == "model:stable", within=10)
            return scene, idle

    scene, idle = in_virtual_time(story())

    assert idle == ("model:wrong", 0)
    [complaint] = scene.said("WatchdogMisconfigured")
    assert "limits" in complaint["message"]


def test_rules_that_change_are_followed_at_once():
    async def story():
        scene = Scene()
        async with scene.watching():
            await scene.certified()
            scene.write_rules(
                "{service: front, port: 8080, objectives: {errors: {max: 50%}, agreement: null}}"
            )
            await scene.until(lambda: len(scene.streams) == 2, within=3)
            await scene.release("model:wrong", WRONG)
            await scene.until(lambda: scene.trusts("wrong"))
            return scene

    scene = in_virtual_time(story())

    assert [(target.service, target.port) for target in scene.streams] == [("model", None), ("front", 8080)]


def test_a_stream_that_cannot_be_opened_is_tried_again():
    async def story():
        scene = Scene()
        scene.closed = 3
        async with scene.watching():
            await scene.certified()

    in_virtual_time(story())


def test_answers_that_never_settle_certify_nothing_and_do_not_hide_a_crash():
    async def story():
        cluster = Troubled(watched())
        scene = Scene(cluster)
        async with scene.watching():
            await scene.certified()
            scene.hanging = True
            cluster.waiting["model:next"] = "CrashLoopBackOff"
            await scene.release("model:next", GOOD)
            await scene.until(lambda: scene.image() == "model:stable", within=15)
            await scene.release("model:better", GOOD)
            await asyncio.sleep(60)
            return scene

    assert not in_virtual_time(story()).trusts("better")


def test_its_lease_tells_whether_it_lives():
    async def story():
        scene = Scene(instance="host-1")
        async with scene.watching():
            await asyncio.sleep(60)
            alive = renewed(scene)
            assert (FakeClock().now() - alive).total_seconds() <= 5
        await asyncio.sleep(60)
        return scene, alive

    scene, alive = in_virtual_time(story())

    assert renewed(scene) == alive
    assert look(scene.cluster.objects[LEASE], "/spec/holderIdentity") == "host-1"


def renewed(scene):
    return datetime.fromisoformat(look(scene.cluster.objects[LEASE], "/spec/renewTime"))
