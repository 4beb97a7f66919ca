"""Why: a run is more than its loop: it may be refused, claims a target, can be stopped, always undoes."""

import asyncio
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from chaosctl.changes import look as value_at
from chaosctl.cluster.ledger import ledger_of
from chaosctl.cluster.owner import myself
from chaosctl.engine import events
from chaosctl.engine.events import AnyEvent
from chaosctl.engine.evolve import evolve
from chaosctl.engine.state import State
from chaosctl.engine.tables import Phase
from chaosctl.engine.verdict import Result, RevertStatus, Verdict, verdict, worst
from chaosctl.errors import Busy, Conflict, Fenced, Lost, StoreError
from chaosctl.model import Json, Model, Ref
from chaosctl.operations.aftermath import let_go, pause, repair, restored
from chaosctl.operations.connect import connected
from chaosctl.operations.home import Home, home
from chaosctl.operations.interrupts import interrupts
from chaosctl.operations.manifests import VERSION
from chaosctl.operations.order import Order, ReportKind
from chaosctl.operations.papers import documented, report
from chaosctl.operations.perform import Performer, World
from chaosctl.operations.plan import inspect
from chaosctl.operations.stopping import watch_for_stop
from chaosctl.operations.viewing import Outcome, Viewer
from chaosctl.ports import Journal
from chaosctl.runner import run as loop
from chaosctl.spec import Script
from chaosctl.store import Store
from chaosctl.store.journal import RunJournal

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another
NAME_LENGTH = 6
MARGIN = timedelta(minutes=1)
CLAIM_TRIES = 4
UNFINISHED = (
    "its journal and post-mortem are finished, as soon as the store can be written, by: chaosctl recover {}"
)
log = structlog.get_logger(__name__)

Inbox = asyncio.Queue[AnyEvent]


@dataclass(frozen=True)
class Done:
    """All the runs of an order."""

    drill: str
    outcomes: tuple[Outcome, ...]

    @property
    def exit_code(self) -> int:
        return worst([outcome.verdict.exit_code for outcome in self.outcomes])

    def report(self, kind: ReportKind) -> str:
        return report(kind, self.drill, self.outcomes)


@dataclass
class Observed:
    """A journal that shows what was written to it; the state is the fold of it."""

    journal: Journal
    viewer: Viewer
    state: State = field(default_factory=State)

    def append(self, event: Model) -> None:
        self.journal.append(event)
        known: AnyEvent = event  # type: ignore[assignment]  # the runner appends nothing else
        self.state = evolve(self.state, known)
        self.viewer.happened(self.state, known)


@dataclass(frozen=True)
class Part:
    """One run of an order: its name, what it does, where, and what people tell it."""

    name: str
    script: Script
    world: World
    guarded: bool
    inbox: Inbox = field(default_factory=asyncio.Queue)

    @property
    def where(self) -> Ref:
        """Where its ledger lies."""
        return ledger_of(self.script.target.workload)

    def stop(self, why: str) -> None:
        self.inbox.put_nowait(events.Stopped(at=self.world.clock.now(), why=why))


async def run_all(order: Order, viewer: Viewer) -> Done:
    """Run every script of an order, until one is stopped by a person. Raises Invalid, ClusterError."""
    outcomes: list[Outcome] = []
    with Store(home().store) as store:
        async with connected(order.access, viewer.say) as world:
            for script in order.scripts:
                outcomes.append(await run_one(script, world, store, viewer, guarded=order.guarded))
                if outcomes[-1].state.stops or outcomes[-1].interrupted:
                    break
    return Done(order.drill, tuple(outcomes))


async def run_one(script: Script, world: World, store: Store, viewer: Viewer, *, guarded: bool) -> Outcome:
    """One run, from the guards to the post-mortem."""
    name = _name(store)
    seen = await inspect(script, world, name, guarded=guarded)
    part = Part(name, seen.script, world, guarded)
    with interrupts(part.stop):
        try:
            outcome = await _unless_refused(part, seen.refusals, store, viewer)
            outcome = _written(outcome, store, home())
        except Fenced as error:
            outcome = fenced(part.name, error)
    viewer.ended(outcome)
    return outcome._replace(interrupted=outcome.interrupted or not part.inbox.empty())


async def _unless_refused(part: Part, reasons: tuple[str, ...], store: Store, viewer: Viewer) -> Outcome:
    journal = store.journal(part.name)  # before anything is claimed: a store that fails must cost nothing
    watched = Observed(journal, viewer)
    if not reasons:
        try:
            await _claim(part)
        except Busy as error:
            reasons = (str(error),)
    if not reasons:
        return await _claimed(part, journal, watched)
    watched.append(_refused(part, reasons))
    return Outcome(part.name, watched.state, verdict(watched.state))


async def _claim(part: Part) -> None:
    """Hold the target. An answer may be lost, so it is asked for again. Raises Busy, ClusterError."""
    ledgers, until = part.world.ledgers, part.world.clock.now() + _longest(part.script)
    for attempt in range(CLAIM_TRIES):
        try:
            await ledgers.claim(part.where, part.name, myself(), until)
        except (Lost, Conflict):
            if attempt + 1 == CLAIM_TRIES:
                await let_go(part.where, part.name, part.world, journalled=True)
                raise
            await pause(attempt)
        else:
            return


async def _claimed(part: Part, journal: RunJournal, watched: Observed) -> Outcome:
    """Run while we hold the target. However it ends, nothing that the ledger knows stays open."""
    journalled = True
    try:
        with journal:
            found = await _conduct(part, watched)
    except Fenced:
        raise  # whoever took the journal over answers for the run: nothing in the cluster is ours any more
    except StoreError as error:
        journalled, found = False, await _without_journal(part, error)
    except BaseException:
        await asyncio.shield(_abandoned(part))
        raise
    tidy = await let_go(part.where, part.name, part.world, journalled=journalled)
    if not (tidy or part.guarded):
        found = found._replace(revert=RevertStatus.INCOMPLETE)
    left = found.revert is RevertStatus.INCOMPLETE
    commands = await repair(part.where, part.world) if left else ""
    note = "" if journalled else UNFINISHED.format(part.world.options).rstrip()
    return Outcome(part.name, watched.state, found, repair=commands, note=note)


async def _conduct(part: Part, journal: Observed) -> Verdict:
    world, script = part.world, part.script
    journal.append(
        events.Started(
            at=world.clock.now(),
            run=part.name,
            script=script,
            version=VERSION,
            images=await _images(script, world),
            process=myself().model_dump_json(),
        )
    )
    watching = asyncio.ensure_future(
        watch_for_stop(home().run(part.name), script.target.namespace, world.cluster, part.stop)
    )
    try:
        return await loop(journal.state, journal, Performer(world, part.guarded), part.inbox, world.clock)
    finally:
        watching.cancel()


def fenced(run: str, error: Fenced) -> Outcome:
    """How a run ends for a writer whose successor answers for it: with a note, and nothing else."""
    found = Verdict(Result.INCONCLUSIVE, RevertStatus.CLEAN, (str(error),))
    return Outcome(
        run, State(), found, note=f"nothing was undone here: chaosctl runs watch {run}", interrupted=True
    )


async def _without_journal(part: Part, error: StoreError) -> Verdict:
    """The store failed: undo from the ledger alone. What could not be written can be recovered later."""
    log.error("the journal cannot be written, so the run ends", run=part.name, error=str(error))
    clean = await restored(part.where, part.world)
    status = RevertStatus.CLEAN if clean else RevertStatus.INCOMPLETE
    return Verdict(Result.ABORTED, status, (f"the journal could not be written: {error}",))


async def _abandoned(part: Part) -> None:
    """Leave nothing, though the run ends by a mistake of ours."""
    await restored(part.where, part.world)
    await let_go(part.where, part.name, part.world, journalled=False)


async def resume(name: str, world: World, store: Store, viewer: Viewer) -> Outcome:
    """Bring the journal of a dead run to its end; its ledger has been reverted, or is now."""
    state = State()
    for body in store.events(name):
        state = evolve(state, events.parse.validate_python(body))
    with store.journal(name) as journal:
        watched = Observed(journal, viewer, state)
        watched.append(
            events.Resumed(at=max(state.at, world.clock.now()), process=myself().model_dump_json())
        )
        inbox: Inbox = asyncio.Queue()
        inbox.put_nowait(events.Stopped(at=world.clock.now(), why="its process had died"))
        found = await loop(watched.state, watched, Performer(world, guarded=False), inbox, world.clock)
    await let_go(ledger_of(state.plot.target.workload), name, world, journalled=True)
    return _written(Outcome(name, watched.state, found), store, home())


def _refused(part: Part, reasons: tuple[str, ...]) -> events.Refused:
    now = part.world.clock.now()
    return events.Refused(at=now, run=part.name, script=part.script, version=VERSION, reasons=reasons)


def _name(store: Store) -> str:
    taken = {summary.id for summary in store.runs()}
    while (name := "".join(secrets.choice(LETTERS) for _ in range(NAME_LENGTH))) in taken:
        pass
    return name


def _longest(script: Script) -> timedelta:
    """No run of this script holds its target for longer."""
    ends = [entry.at + script.set_up + entry.hold for entry in script.entries]
    return script.steady_within + max(ends) + script.recover_within + MARGIN


async def _images(script: Script, world: World) -> tuple[str, ...]:
    """What runs in the target's pods, by digest."""
    pods = await world.cluster.pods(script.target.workload)
    return tuple(sorted({image for pod in pods for image in _of_pod(pod)}))


def _of_pod(pod: Json) -> Iterator[str]:
    statuses = value_at(pod, "/status/containerStatuses")
    for status in statuses if isinstance(statuses, list) else []:
        yield f"{value_at(status, '/image')} {value_at(status, '/imageID') or ''}".strip()


def _written(outcome: Outcome, store: Store, place: Home) -> Outcome:
    """The outcome with its post-mortem; a post-mortem that cannot be written does not change a verdict."""
    if outcome.state.phase is Phase.NEW:
        return outcome  # not even its start could be journalled: there is nothing to tell, now or later
    try:
        store.conclude(outcome.run, outcome.verdict.result)
        return documented(outcome, store, place.run(outcome.run))
    except (OSError, StoreError) as error:
        later = f"later: chaosctl postmortem render {outcome.run}"
        return outcome._replace(
            note=outcome.note or f"the post-mortem could not be written ({error}); {later}"
        )
