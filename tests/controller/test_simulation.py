"""Why: whenever a process dies that runs a drill, the next one brings it to an end, with a verdict.

Whole runs, from the guards to the verdict, in memory and in virtual time, as a controller makes its attempts.
The first process dies or is cancelled; then comes the second. There is no guardian to help.
"""

import asyncio
from dataclasses import dataclass, field
from itertools import count
from random import Random
from types import SimpleNamespace

import pytest
from runner.test_simulation import SCRIPT, WHERE, silent

from chaosctl.catalog import installed
from chaosctl.cluster.lease import renew
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.controller.attempts import Attempts, Stop
from chaosctl.controller.desk import Desk
from chaosctl.engine.tables import OVER, Phase, Stage
from chaosctl.engine.verdict import Result, RevertStatus
from chaosctl.errors import Fenced
from chaosctl.operations.conduct import Origin, replayed
from chaosctl.operations.perform import World
from chaosctl.operations.viewing import Silent
from chaosctl.testing import (
    Died,
    FakeClock,
    FakeCluster,
    FakeHttp,
    Fate,
    Shaky,
    deployment,
    in_virtual_time,
    namespace,
)

KEY = b"k" * 32
LASTING = (Stage.APPLIED,)


@dataclass
class Journal:
    """One writer's; it is fenced when another one comes."""

    store: "Store"
    epoch: int

    def append(self, event):
        self.store.fate.step()
        if self.epoch != self.store.epoch:
            raise Fenced("another process goes on with it")
        self.store.lines.append(event.model_dump(mode="json"))
        self.store.fate.step()

    def __enter__(self):
        return self

    def __exit__(self, *error): ...


@dataclass
class Store:
    """The journal of one run, as all processes see it."""

    lines: list = field(default_factory=list)
    epoch: int = 0
    fate: Fate = field(default_factory=lambda: Fate(Random(0)))
    verdict: str = ""

    def journal(self, run):  # noqa: ARG002 - there is but one
        self.epoch += 1
        return Journal(self, self.epoch)

    def new_journal(self, run):
        assert not self.lines
        return self.journal(run)

    def events(self, run):  # noqa: ARG002 - there is but one
        return list(self.lines)

    def runs(self):
        return []

    def known(self, run):  # noqa: ARG002 - there is but one
        return bool(self.lines)

    def conclude(self, run, verdict):  # noqa: ARG002 - there is but one
        self.verdict = verdict


@dataclass
class Scene:
    """A run, the process that dies, and the one that goes on."""

    dies_at: int | None = None
    cancelled_at: float | None = None
    troubles: int = 0
    seed: int = 1

    def play(self):
        in_virtual_time(self._play())
        return self

    async def _play(self):
        self.cluster = FakeCluster(namespace(), deployment("ranker"))
        await asyncio.sleep(10)
        self.before = self.cluster.facts()
        self.store = Store()
        guard = asyncio.ensure_future(self._ready())
        self.fate = Fate(Random(self.seed), self.troubles, self.dies_at)
        self.outcome = await self._first()
        self.left = self.cluster.facts(), self.state if self.store.lines else None
        if self.outcome is None:
            self.outcome = await self._attempted(Fate(Random(self.seed + 1), self.troubles))
        await asyncio.sleep(60)
        guard.cancel()
        self.after = self.cluster.facts()

    async def _ready(self):
        """A guardian that says it is ready, and never undoes anything."""
        ledgers = Ledgers(self.cluster, FakeClock(), KEY)
        while True:
            await renew("g", FakeClock().now(), self.cluster)
            ledger = await ledgers.read(WHERE)
            for line in ledger.open_lines if ledger else ():
                await ledgers.mark_ready(WHERE, line.entry, "g")
            await asyncio.sleep(1)

    async def _first(self):
        """Its outcome; None where it did not come to one."""
        running = asyncio.ensure_future(self._attempted(self.fate))
        if self.cancelled_at is not None:
            asyncio.get_running_loop().call_later(self.cancelled_at, running.cancel)
        try:
            return await running
        except (Died, asyncio.CancelledError):
            return None

    async def _attempted(self, fate):
        self.store.fate = fate
        cluster = Shaky(self.cluster, fate)
        ledgers = Ledgers(cluster, FakeClock(), KEY)
        world = World(installed(), cluster, FakeClock(), FakeHttp(), ledgers, silent)
        office = SimpleNamespace(store=self.store, world=world, world_of=lambda _: world)
        await Desk(office).finish_what_ended()
        attempts = Attempts(office, "models", Origin("models/x", "u"), Stop(), lambda _: None)
        return await attempts.through("r1", SCRIPT, Silent())

    @property
    def state(self):
        return replayed("r1", self.store)

    @property
    def phase_at_death(self):
        """Where the run was when it was taken over."""
        kinds = [line["type"] for line in self.store.lines]
        before = kinds[: kinds.index("resumed")] if "resumed" in kinds else []
        return "recovering" if "closed" in before else "active" if "opened" in before else "steady"


def ended_well(scene):
    """Done, with a verdict, the target as before and free."""
    assert scene.state.phase is Phase.DONE, scene.dies_at
    assert scene.before == scene.after, scene.dies_at
    assert {life.stage for life in scene.state.lives.values()} <= {"pending", *OVER}
    assert scene.outcome.verdict.revert is RevertStatus.CLEAN
    assert scene.store.verdict == scene.outcome.verdict.result
    return True


def deaths(first, stride, **scene):
    """Runs that die at one step after the other, until one has no such step."""
    for dies_at in count(first, stride):
        yield (played := Scene(dies_at=dies_at, **scene).play())
        if not played.fate.dead:
            return


@pytest.mark.parametrize("first", range(3))
def test_a_run_that_died_at_any_step_is_brought_to_its_end_with_a_verdict(first):
    for scene in deaths(first, 31):
        assert ended_well(scene)


@pytest.mark.parametrize("seed", range(2))
def test_also_where_the_network_is_bad_for_both(seed):
    for scene in deaths(seed, 41, seed=seed, troubles=4):
        assert scene.state.phase is Phase.DONE
        assert scene.before == scene.after


def test_what_becomes_of_it_depends_on_where_it_was():
    found = {}
    for scene in deaths(1, 19):
        if "resumed" in [line["type"] for line in scene.store.lines]:
            found.setdefault(scene.phase_at_death, set()).add(scene.outcome.verdict.result)

    assert found == {
        "steady": {Result.PASSED},
        "active": {Result.ABORTED},
        "recovering": {Result.PASSED},
    }


@pytest.mark.parametrize("cancelled_at", [0.5, 3, 6, 9, 10, 11, 14, 18])
def test_a_run_that_is_cancelled_undoes_nothing_and_is_gone_on_with(cancelled_at):
    scene = Scene(cancelled_at=cancelled_at).play()
    facts, state = scene.left
    stands = state and any(life.stage in LASTING for life in state.lives.values())

    assert ended_well(scene)
    assert not stands or facts != scene.before
