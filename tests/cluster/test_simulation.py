"""Why: whatever fails, sleeps or dies in an injection and its undo, the cluster is as before."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from itertools import count
from random import Random

import pytest
from cluster.scenes import IMAGE, KEY, NAME, REPLICAS, TEAM, WHERE, created, guardian, world

from chaosctl.changes import look, patch
from chaosctl.cluster.inject import inject
from chaosctl.cluster.ledger import Line
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.cluster.owner import myself
from chaosctl.cluster.restore import restore
from chaosctl.errors import ChaosError
from chaosctl.model import Op
from chaosctl.testing import Died, FakeClock, Fate, Shaky, deployment_ref, in_virtual_time

TARGET = deployment_ref("ranker")
HOLD = timedelta(seconds=20)
TRIES = 8


class Scene:
    """One process that injects, holds and restores, and a guardian."""

    def __init__(self, **fate):
        seed = fate.pop("seed", 1)
        self.meanwhile = fate.pop("meanwhile", None)
        self.guarded = fate.pop("guarded", True)
        self.fate = Fate(Random(seed), **fate)
        self.failures = []

    def play(self):
        in_virtual_time(self._play())
        return self

    async def _play(self):
        self.cluster, self.near = world()
        await asyncio.sleep(5)
        self.before = self.cluster.facts()
        guard = asyncio.ensure_future(guardian(self.near, every=timedelta(seconds=2)).stand())
        far = Ledgers(Shaky(self.cluster, self.fate), FakeClock(), KEY)
        with suppress(Died):
            await self._run(far)
        await asyncio.sleep(90)
        guard.cancel()
        self.after = self.cluster.facts()
        self.ledger = await self.near.read(WHERE)

    async def _run(self, far):
        try:
            now = far.clock.now()
            await far.claim(WHERE, "r1", myself(), now + timedelta(seconds=60))
            line = Line(entry="e", plan=await self._plan(far.cluster), deadline=now + HOLD)
            await inject(WHERE, "r1", line, far, guarded=self.guarded, ready_by=now + HOLD)
        except ChaosError as error:
            self.failures.append(error)
        if self.meanwhile:
            await self.meanwhile(self.cluster)
        await asyncio.sleep(3)
        for _ in range(TRIES):
            try:
                self.outcomes = await restore(WHERE, "e", far)
                await far.release(WHERE, "r1")
            except ChaosError as error:
                self.failures.append(error)
                await asyncio.sleep(0.5)
            else:
                return

    async def _plan(self, cluster):
        seen = await cluster.get(TARGET)
        release = patch(TARGET, seen, {IMAGE: "model:bad"}, [NAME])
        scale = patch(TARGET, seen, {REPLICAS: 1, TEAM: None})
        return (created(), release, scale)


def deaths(first, stride, **scene):
    """Runs that die at one step after the other, until one has no such step."""
    for dies_at in count(first, stride):
        yield (played := Scene(dies_at=dies_at, **scene).play())
        if not played.fate.dead:
            return


def sleeps(first, stride):
    """Runs in which one call after the other takes very long, until one has no such call."""
    for sleeps_at in count(first, stride):
        yield (played := Scene(sleeps_at=sleeps_at).play())
        if played.fate.waits < sleeps_at:
            return


def as_before(scene):
    assert scene.before == scene.after
    assert scene.ledger is None or not scene.ledger.is_open
    return True


def test_a_run_without_trouble_leaves_nothing():
    scene = Scene().play()

    assert scene.failures == []
    assert {undone.outcome for undone in scene.outcomes} == {"undone"}
    assert as_before(scene)


@pytest.mark.parametrize("seed", range(3))
def test_a_death_at_any_step_is_repaired_by_the_guardian_alone(seed):
    for scene in deaths(seed, 1 + bool(seed), seed=seed, troubles=seed * 2):
        assert as_before(scene)


@pytest.mark.parametrize("first", range(1, 4))
def test_a_call_that_takes_longer_than_the_deadline_changes_nothing_for_good(first):
    for scene in sleeps(first, 3):
        assert as_before(scene)


@pytest.mark.parametrize("seed", range(0, 120, 30))
def test_troubles_leave_nothing(seed):
    for number in range(seed, seed + 30):
        assert as_before(Scene(seed=number, troubles=6).play())


def test_a_foreign_value_is_never_overwritten_wherever_the_process_dies():
    async def hotfix(cluster):
        await cluster.patch(TARGET, [Op(op="replace", path=IMAGE, value="model:fix")], manager="kubectl")

    for scene in deaths(60, 3, meanwhile=hotfix):
        after = scene.cluster.objects[TARGET]
        happened = not scene.fate.dead or look(after, IMAGE) == "model:fix"
        assert look(after, REPLICAS) == 3
        assert look(after, TEAM) == "ml"
        assert happened or scene.before == scene.after
