"""Why: whatever fails, stops, sleeps or dies, and whenever, a whole run leaves the cluster as it was.

A run with three overlapping entries, its performer and its guardian, in memory and in virtual time.
"""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import reduce
from itertools import count
from random import Random

import pytest

from chaosctl.catalog import installed
from chaosctl.changes import look
from chaosctl.cluster.guardian import Guardian
from chaosctl.cluster.ledger import ledger_of
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.cluster.owner import myself
from chaosctl.engine import events
from chaosctl.engine.decide import WRITES, lane
from chaosctl.engine.evolve import evolve
from chaosctl.engine.state import State
from chaosctl.engine.tables import OVER, Phase
from chaosctl.engine.verdict import Result, RevertStatus
from chaosctl.model import Op
from chaosctl.operations.perform import Performer, World
from chaosctl.runner import run
from chaosctl.spec import Bounds, Check, Entry, KOfN, Role, Script, Target
from chaosctl.testing import (
    Died,
    FakeAnswers,
    FakeClock,
    FakeCluster,
    FakeHttp,
    Fate,
    MemoryJournal,
    Shaky,
    deployment,
    deployment_ref,
    in_virtual_time,
    namespace,
)

KEY = b"k" * 32
TARGET = deployment_ref("ranker")
WHERE = ledger_of(TARGET)
IMAGE = "/spec/template/spec/containers/0/image"
READY = {"kind": "ready-replicas"}


def seconds(number):
    return timedelta(seconds=number)


def check(name, role, n=1, **bounds):
    return Check(name=name, role=role, probe=READY, holds=Bounds(**bounds), decision=KOfN(k=1, n=n))


def entry(name, at, **fault):
    effect = check("bites", Role.EFFECT, min=0).model_copy(update={"name": f"{name}: bites"})
    return Entry(id=name, at=seconds(at), hold=seconds(5), fault=fault, effect=effect)


SCRIPT = Script(
    playbook="simulated",
    target=Target(workload=TARGET),
    entries=(
        entry("kill", 0, kind="pod-kill"),
        entry("scale", 2, kind="scale-down", replicas=1),
        entry("release", 3, kind="release", image="model:bad"),
    ),
    checks=(
        check("all ready", Role.STEADY, n=3, min=3),
        check("some ready", Role.EXPECT, n=3, min=0),
        check("not blind", Role.ABORT, min=0).model_copy(update={"lasting": seconds(60)}),
    ),
    stable_for=seconds(0),
)


@asynccontextmanager
async def silent(script, target):  # noqa: ARG001 - the shape of a player
    yield FakeAnswers()


@dataclass
class Scene:
    """One simulated run: what goes wrong, and what was left behind."""

    seed: int = 1
    troubles: int = 0
    dies_at: int | None = None
    sleeps_at: int | None = None
    stops_at: float | None = None
    afterwards: str = "guardian"
    meanwhile: object = None
    script: Script = SCRIPT
    wrap: object = None
    verdict: object = None
    lines: list = field(default_factory=list)

    def play(self):
        in_virtual_time(self._play())
        return self

    async def _play(self):
        self.cluster = FakeCluster(namespace(), deployment("ranker"))
        await asyncio.sleep(10)
        self.before = self.cluster.facts()
        guard = asyncio.ensure_future(self._guard())
        self.fate = Fate(Random(self.seed), self.troubles, self.dies_at, self.sleeps_at)
        self.journal = MemoryJournal(self.fate, self.lines)
        try:
            await self._first_process()
        except Died:
            await self._second_process()
        await asyncio.sleep(200)
        guard.cancel()
        self.after = self.cluster.facts()

    def world(self, fate):
        cluster = Shaky(self.cluster, fate)
        ledgers = Ledgers(cluster, FakeClock(), KEY)
        return World(installed(), cluster, FakeClock(), FakeHttp(), ledgers, silent)

    async def go(self, state, first, world, inbox):
        self.journal.append(first)
        performer = Performer(world, guarded=False)
        perform = self.wrap(performer) if self.wrap else performer
        self.verdict = await run(evolve(state, first), self.journal, perform, inbox, FakeClock())

    async def _first_process(self):
        inbox, running, now = asyncio.Queue(), asyncio.get_running_loop(), FakeClock().now()
        if self.stops_at is not None:
            stop = events.Stopped(at=now + seconds(self.stops_at), why="a person")
            running.call_later(self.stops_at, inbox.put_nowait, stop)
        if self.meanwhile:
            running.call_later(8, lambda: asyncio.ensure_future(self.meanwhile(self.cluster)))
        near = Ledgers(self.cluster, FakeClock(), KEY)
        await near.claim(WHERE, "r1", myself(), now + seconds(100))
        started = events.Started(at=now, run="r1", script=self.script)
        await self.go(State(), started, self.world(self.fate), inbox)

    async def _second_process(self):
        if self.afterwards != "resume" or not self.lines:
            return
        self.journal.fate = fate = Fate(Random(self.seed + 1), 2 if self.troubles else 0)
        state = self.state
        if state.phase is not Phase.DONE:
            resumed = events.Resumed(at=FakeClock().now())
            await self.go(state, resumed, self.world(fate), asyncio.Queue())

    async def _guard(self):
        if self.afterwards == "guardian":
            await Guardian("g", Ledgers(self.cluster, FakeClock(), KEY), every=seconds(2)).stand()

    @property
    def events(self):
        return [events.parse(json.loads(line)) for line in self.lines]

    @property
    def state(self):
        return reduce(evolve, self.events, State())

    def kinds(self, name):
        return [event.type for event in self.events if getattr(event, "entry", None) == name]


def as_before(scene):
    assert scene.before == scene.after, (scene.seed, scene.dies_at, scene.sleeps_at, scene.stops_at)
    return True


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


def test_a_run_without_trouble_passes_and_leaves_nothing():
    scene = Scene(afterwards="nobody").play()

    assert scene.verdict == (Result.PASSED, RevertStatus.CLEAN, ())
    assert scene.kinds("scale") == ["planned", "applying", "applied", "reverting", "reverted"]
    assert scene.before["pods"] == scene.after["pods"]


@pytest.mark.parametrize("seed", range(4))
def test_death_at_any_step_is_repaired_by_the_guardian_alone(seed):
    for scene in deaths(seed, 13, seed=seed, troubles=seed % 2 * 3):
        assert as_before(scene)


@pytest.mark.parametrize("seed", range(4))
def test_death_at_any_step_is_repaired_by_starting_again_on_the_same_journal(seed):
    for scene in deaths(seed, 17, seed=seed, afterwards="resume"):
        if scene.lines:
            assert scene.state.phase is Phase.DONE
            assert {life.stage for life in scene.state.lives.values()} <= {"pending", *OVER}
            assert scene.verdict is None or scene.verdict.revert is RevertStatus.CLEAN
        assert look(scene.cluster.objects[TARGET], "/spec/replicas") == 3
        assert look(scene.cluster.objects[TARGET], IMAGE) == "model:1"


@pytest.mark.parametrize("first", range(1, 5))
def test_a_call_that_takes_longer_than_the_deadline_changes_nothing_for_good(first):
    for scene in sleeps(first, 13):
        assert as_before(scene)


@pytest.mark.parametrize("first", range(4))
def test_troubles_and_a_stop_at_any_time_leave_nothing(first):
    for seed in range(first, 60, 4):
        scene = Scene(seed=seed, troubles=6, stops_at=seed * 0.3).play()

        assert as_before(scene)
        assert scene.verdict.revert is RevertStatus.CLEAN


def test_a_foreign_change_during_the_hold_is_left_alone_and_said():
    async def hotfix(cluster):
        await cluster.patch(TARGET, [Op(op="replace", path=IMAGE, value="model:hotfix")], manager="kubectl")

    scene = Scene(meanwhile=hotfix).play()

    assert look(scene.cluster.objects[TARGET], IMAGE) == "model:hotfix"
    assert look(scene.cluster.objects[TARGET], "/spec/replicas") == 3
    assert scene.verdict.revert is RevertStatus.SUPERSEDED
    assert scene.kinds("release")[-1] == "superseded"


def test_at_most_one_activity_goes_on_in_a_lane_and_a_write_is_never_cancelled():
    going, finished, broken = {}, [], []

    def counted(performer):
        async def perform(activity, state):
            name = lane(activity)
            going[name] = going.get(name, 0) + 1
            broken.extend([name] * (going[name] > 1))
            try:
                event = await performer(activity, state)
            except asyncio.CancelledError:
                broken.extend([activity] * isinstance(activity, WRITES))
                raise
            finally:
                going[name] -= 1
            finished.append((activity, event))
            return event

        return perform

    scene = Scene(seed=5, troubles=6, stops_at=11, wrap=counted).play()

    assert not broken
    written = [event for event in scene.events if event.type in ("applied", "reverted", "apply-failed")]
    assert [event for activity, event in finished if isinstance(activity, WRITES)] <= written


def test_every_write_comes_after_the_journal_and_the_ledger():
    scene = Scene(script=SCRIPT.model_copy(update={"entries": SCRIPT.entries[1:2]})).play()

    kinds = [ref.kind for _, ref in scene.cluster.writes if ref.kind in ("ConfigMap", "Deployment")]
    assert kinds[0] == "ConfigMap"
    assert kinds.index("Deployment") >= 3  # claimed, planned, applying
    assert kinds[-1] == "ConfigMap"
