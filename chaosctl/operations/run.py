"""Why: a run is more than its loop: it may be refused, claims a target, can be stopped, always undoes."""

import asyncio
import secrets
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from chaosctl.changes import look as value_at
from chaosctl.cluster.by_hand import by_hand
from chaosctl.cluster.ledger import ledger_of
from chaosctl.cluster.owner import myself
from chaosctl.cluster.restore import restore
from chaosctl.engine import events
from chaosctl.engine.events import AnyEvent
from chaosctl.engine.evolve import evolve
from chaosctl.engine.state import State
from chaosctl.engine.verdict import Result, RevertStatus, Verdict, verdict, worst
from chaosctl.errors import Busy, ChaosError, ClusterError, StoreError
from chaosctl.model import Json, Model, Ref
from chaosctl.operations.connect import connected
from chaosctl.operations.home import Home, home
from chaosctl.operations.manifests import VERSION
from chaosctl.operations.order import Order, ReportKind
from chaosctl.operations.papers import documented, report
from chaosctl.operations.perform import Performer, World
from chaosctl.operations.plan import Look, inspect
from chaosctl.operations.stopping import watch_for_stop
from chaosctl.operations.viewing import Outcome, Viewer
from chaosctl.ports import Journal
from chaosctl.runner import run as loop
from chaosctl.spec import Script
from chaosctl.store import Store

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another
NAME_LENGTH = 6
MARGIN = timedelta(minutes=1)
RESTORE_TRIES = 5
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


async def run_all(order: Order, viewer: Viewer) -> Done:
    """Run every script of an order, until one is stopped by a person. Raises Invalid, ClusterError."""
    outcomes: list[Outcome] = []
    with Store(home().store) as store:
        async with connected(order.access, viewer.say) as world:
            for script in order.scripts:
                outcomes.append(await run_one(script, world, store, viewer, guarded=order.guarded))
                if outcomes[-1].state.stops:
                    break
    return Done(order.drill, tuple(outcomes))


async def run_one(script: Script, world: World, store: Store, viewer: Viewer, *, guarded: bool) -> Outcome:
    """One run, from the guards to the post-mortem."""
    name = _name(store)
    seen = await inspect(script, world, name, guarded=guarded)
    outcome = await _unless_refused(name, seen, world, store, viewer, guarded=guarded)
    outcome = _written(outcome, store, home())
    viewer.ended(outcome)
    return outcome


async def _unless_refused(  # noqa: PLR0913 - a run and its world
    name: str, seen: Look, world: World, store: Store, viewer: Viewer, *, guarded: bool
) -> Outcome:
    where = ledger_of(seen.script.target.workload)
    reasons = seen.refusals
    if not reasons:
        try:
            await world.ledgers.claim(where, name, myself(), world.clock.now() + _longest(seen.script))
        except Busy as error:
            reasons = (str(error),)
    with store.journal(name) as journal:
        watched = Observed(journal, viewer)
        if reasons:
            watched.append(_refused(name, seen.script, reasons, world))
            return Outcome(name, watched.state, verdict(watched.state))
        return await _claimed(name, seen, world, watched, guarded=guarded)


async def _claimed(name: str, seen: Look, world: World, journal: Observed, *, guarded: bool) -> Outcome:
    """Run while we hold the target. However it ends, nothing that the ledger knows stays open."""
    where = ledger_of(seen.script.target.workload)
    try:
        found = await _conduct(name, seen, world, journal, guarded=guarded)
    except StoreError as error:
        return await _without_journal(name, error, where, world, journal.state)
    except BaseException:
        await asyncio.shield(_restored(where, world))
        raise
    finally:
        await _let_go(where, name, world)
    return Outcome(name, journal.state, found, repair=await _left(where, world, found))


async def _conduct(name: str, seen: Look, world: World, journal: Observed, *, guarded: bool) -> Verdict:
    inbox: Inbox = asyncio.Queue()

    def stop(why: str) -> None:
        inbox.put_nowait(events.Stopped(at=world.clock.now(), why=why))

    script = seen.script
    journal.append(
        events.Started(
            at=world.clock.now(),
            run=name,
            script=script,
            version=VERSION,
            images=await _images(script, world),
            process=myself().model_dump_json(),
        )
    )
    watching = asyncio.ensure_future(
        watch_for_stop(home().run(name), script.target.namespace, world.cluster, stop)
    )
    try:
        with _signals(stop):
            return await loop(journal.state, journal, Performer(world, guarded), inbox, world.clock)
    finally:
        watching.cancel()


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
        await _let_go(ledger_of(state.plot.target.workload), name, world)
    return _written(Outcome(name, watched.state, found), store, home())


def _refused(name: str, script: Script, reasons: tuple[str, ...], world: World) -> events.Refused:
    return events.Refused(at=world.clock.now(), run=name, script=script, version=VERSION, reasons=reasons)


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


@contextmanager
def _signals(stop: Callable[[str], None]) -> Iterator[None]:
    """SIGINT and SIGTERM stop a run safely instead of ending the process."""
    running = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        running.add_signal_handler(number, stop, f"interrupted ({number.name})")
    try:
        yield
    finally:
        for number in numbers:
            running.remove_signal_handler(number)


async def _without_journal(name: str, error: StoreError, where: Ref, world: World, state: State) -> Outcome:
    """The store failed: undo from the ledger alone. What could not be written can be recovered later."""
    log.error("the journal cannot be written, so the run ends", run=name, error=str(error))
    clean = await asyncio.shield(_restored(where, world))
    status = RevertStatus.CLEAN if clean else RevertStatus.INCOMPLETE
    found = Verdict(Result.ABORTED, status, (f"the journal could not be written: {error}",))
    return Outcome(name, state, found, repair=await _left(where, world, found))


async def _restored(where: Ref, world: World) -> bool:
    """Undo every open line; whether nothing is left."""
    for attempt in range(RESTORE_TRIES):
        with suppress(ChaosError):
            ledger = await world.ledgers.read(where)
            for line in reversed(ledger.open_lines if ledger else []):
                await restore(where, line.entry, world.ledgers)
            return True
        await asyncio.sleep(attempt)
    return False


async def _let_go(where: Ref, name: str, world: World) -> None:
    try:
        await world.ledgers.release(where, name)
        await world.ledgers.journalled(where, name)
    except ClusterError as error:
        log.warning("the ledger could not be let go; the guardian will", run=name, error=str(error))


async def _left(where: Ref, world: World, found: Verdict) -> str:
    """The commands that a person needs where something is left."""
    if found.revert is not RevertStatus.INCOMPLETE:
        return ""
    try:
        ledger = await world.ledgers.read(where)
    except ClusterError as error:
        return f"# the ledger cannot be read ({error}); when the cluster answers again:\nchaosctl recover"
    lines = ledger.open_lines if ledger else []
    return "\n".join(["chaosctl recover", "# or by hand:", *(by_hand(line) for line in reversed(lines))])


def _written(outcome: Outcome, store: Store, place: Home) -> Outcome:
    """The outcome with its post-mortem; a post-mortem that cannot be written does not change a verdict."""
    try:
        store.conclude(outcome.run, outcome.verdict.result)
        return documented(outcome, store, place.run(outcome.run))
    except (OSError, StoreError) as error:
        text = (
            f"the post-mortem could not be written ({error}); later: chaosctl postmortem render {outcome.run}"
        )
        return outcome._replace(note=text)
