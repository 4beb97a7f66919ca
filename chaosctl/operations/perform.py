"""Why: the engine says what should be going on; here it is done, on a cluster that may be real or not."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Never

from chaosctl.catalog import Catalog
from chaosctl.changes import Outcome, Standing
from chaosctl.cluster.admission import admitted
from chaosctl.cluster.inject import inject
from chaosctl.cluster.keep import Ended, keep
from chaosctl.cluster.lease import LEASE
from chaosctl.cluster.ledger import Line, Undone, ledger_of
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.cluster.restore import Memory, restore
from chaosctl.engine import events
from chaosctl.engine.decide import Activity, Apply, Keep, Listen, Measure, Play, Prepare, Revert
from chaosctl.engine.events import AnyEvent
from chaosctl.engine.judge import LONG_AGO
from chaosctl.engine.state import State, probe_key
from chaosctl.errors import CannotPlan, Illegal, NoData
from chaosctl.model import Reading, Ref, Stream
from chaosctl.operations.notices import Notices, reactor
from chaosctl.ports import Answers, Clock, Cluster, Http, Stage
from chaosctl.spec import Aim, Check, Script, Target, View
from chaosctl.targets import look

REACTORS = {"watchdog": "chaosctl-watchdog"}  # target.rollback -> the field manager that is under test


@dataclass(frozen=True)
class World:
    """The outside, as handed to one run. `options` are those by which a command line reaches this cluster.

    `guardians` is the Lease that they hold.
    """

    catalog: Catalog
    cluster: Cluster
    clock: Clock
    http: Http
    ledgers: Ledgers
    play: Callable[[Script, Target], AbstractAsyncContextManager[Stage]]
    options: str = ""
    guardians: Ref = LEASE


@dataclass
class Performer:
    """Does what the engine wants. `guarded`: a guardian must promise to undo before anything changes."""

    world: World
    guarded: bool = True
    stage: Stage | None = None
    notices: Notices = field(default_factory=Notices)

    async def __call__(self, activity: Activity, state: State) -> AnyEvent:
        match activity:
            case Prepare():
                return await self._prepare(activity.entry, state)
            case Apply():
                return await self._apply(activity.entry, state)
            case Keep():
                return await self._keep(activity.entry, state)
            case Measure():
                return await self._measure(state.check(activity.check), state)
            case Revert():
                return await self._revert(activity.entry, state)
            case Play():
                return await self._play(state.plot)
            case Listen():
                return await self._listen(state)

    async def _prepare(self, name: str, state: State) -> events.Planned:
        entry = state.plot.entry(name)
        fault = self.world.catalog.fault(entry.fault)
        view = await look(state.plot.target, self.world.cluster)
        aim = Aim(state.run, name, Random(f"{state.plot.seed} {name}"))  # noqa: S311 - repeatable, not secret
        plan = await admitted(await fault.plan(view, self.world.cluster, aim), self.world.cluster)
        effect = entry.effect or fault.effect(plan, view)
        if effect and not entry.effect:
            effect = effect.model_copy(update={"name": f"{name}: {effect.name}"})
        return events.Planned(
            at=self.world.clock.now(), entry=name, plan=plan, effect=effect, reaction=fault.reaction
        )

    async def _apply(self, name: str, state: State) -> events.Applied:
        life = state.lives[name]
        ready_by = (life.applying_at or self.world.clock.now()) + state.plot.set_up
        await inject(
            ledger_of(state.plot.target.workload),
            state.run,
            _line(name, state),
            self.world.ledgers,
            guarded=self.guarded,
            ready_by=ready_by,
        )
        for step in life.plan:
            if isinstance(step, Stream):
                self._stage().begin(name, step, life.deadline)
        return events.Applied(at=self.world.clock.now(), entry=name)

    async def _keep(self, name: str, state: State) -> events.Restored | events.EffectLost:
        ended = await keep(_line(name, state), self.world.cluster, self.world.clock)
        if state.lives[name].reaction and ended.standing is Standing.BEFORE and not ended.by:
            since = state.lives[name].applied_at or state.since
            by = await reactor(state.plot.target, since, self.world.cluster, self.world.clock)
            ended = ended.model_copy(update={"by": by})
        now = self.world.clock.now()
        if state.lives[name].reaction and _is_reaction(ended, state.plot.target):
            return events.Restored(at=now, entry=name, by=ended.by or "somebody")
        return events.EffectLost(at=now, entry=name, why=_lost(ended))

    async def _measure(self, check: Check, state: State) -> events.Measured:
        clock = self.world.clock
        end = clock.now()
        try:
            reading = await self._read(check, state)
        except NoData as error:
            return events.Measured(at=clock.now(), check=check.name, reading=None, why=str(error))
        return events.Measured(at=max(end, clock.now()), check=check.name, reading=reading)

    async def _read(self, check: Check, state: State) -> Reading:
        if check.probe is None:
            raise Illegal(f"{check.name} reads no probe")
        end = self.world.clock.now()
        start = _since(state, check, end)
        answers = self.stage.answers if self.stage else None
        added = self.stage.of(str(check.probe.get("stream", ""))) if self.stage else None
        for seen_by in (answers, added):
            if seen_by is not None:
                await seen_by.settled(end)
        seen = state.steady.get(probe_key(check.probe), ())
        view = View(
            state.plot.target,
            self.world.cluster,
            self.world.http,
            answers,
            start,
            end,
            seen[-1] if seen else None,
            self.stage.of if self.stage else _nothing,
        )
        return await self.world.catalog.probe(check.probe).read(view)

    async def _revert(self, name: str, state: State) -> events.Reverted | events.Superseded:
        if self.stage is not None:
            await self.stage.end(name)
        where, memory = ledger_of(state.plot.target.workload), Memory(state.run, _line(name, state))
        outcomes = await restore(where, name, self.world.ledgers, memory)
        found = tuple(undone.outcome for undone in outcomes)
        now = self.world.clock.now()
        if Outcome.SUPERSEDED in found:
            return events.Superseded(at=now, entry=name, outcomes=found)
        return events.Reverted(at=now, entry=name, outcomes=found, by=_by(outcomes))

    async def _play(self, script: Script) -> Never:
        """Cancelled when the run is over; ends by itself only with an error."""
        async with self.world.play(script, script.target) as self.stage:
            await asyncio.Event().wait()
        raise Illegal("the workload ended without an error")

    def _stage(self) -> Stage:
        if self.stage is None:
            raise CannotPlan("no traffic is being sent that more could be added to")
        return self.stage

    async def _listen(self, state: State) -> events.Noticed:
        since = state.opened_at or state.since
        return await self.notices.next(state.plot.target, since, self.world.cluster, self.world.clock)


def _nothing(_name: str) -> Answers | None:
    return None


def _since(state: State, check: Check, end: datetime) -> datetime:
    """From where a reading goes on: where the last one ended, or where somebody looks again after a gap."""
    until = state.judge(check).until
    start = end - check.every if until == LONG_AGO else until
    return min(max([start, *state.resumed_at[-1:]]), end - timedelta(milliseconds=1))


def _line(name: str, state: State) -> Line:
    life = state.lives[name]
    return Line(entry=name, plan=life.plan, deadline=life.deadline)


def _is_reaction(ended: Ended, target: Target) -> bool:
    expected = REACTORS.get(target.rollback)
    return ended.standing is Standing.BEFORE and (expected is None or ended.by == expected)


def _lost(ended: Ended) -> str:
    by = ended.by or "somebody"
    if ended.standing is Standing.BEFORE:
        return f"put back early by {by}"
    if ended.gone:
        return f"{ended.path} was deleted by {by}"
    return f"{ended.path} was changed by {by}"


def _by(outcomes: tuple[Undone, ...]) -> str:
    """Whoever put it back: ourselves, where any of it was left to us."""
    ours = [undone.by for undone in outcomes if undone.outcome is Outcome.UNDONE]
    return next((name for name in (*ours, *(undone.by for undone in outcomes)) if name), "")
