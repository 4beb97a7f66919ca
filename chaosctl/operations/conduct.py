"""Why: a run is more than its loop: it may be refused, claims a target, can be stopped, always undoes.

There is one mechanism, for a person's command and for a controller. What differs is told by the Part: who
asked for it, and whether somebody tends it.
"""

import asyncio
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import reduce
from typing import NamedTuple

import structlog

from chaosctl.changes import look as value_at
from chaosctl.cluster.job_guardian import WITHIN, JobGuardian, Unguarded
from chaosctl.cluster.ledger import ledger_of
from chaosctl.cluster.owner import myself
from chaosctl.engine import events
from chaosctl.engine.events import AnyEvent
from chaosctl.engine.evolve import evolve
from chaosctl.engine.guards import Guarding
from chaosctl.engine.state import State
from chaosctl.engine.tables import Phase
from chaosctl.engine.verdict import Result, RevertStatus, Verdict, verdict
from chaosctl.errors import Busy, Conflict, Fenced, Lost, StoreError
from chaosctl.model import Json, Model, Ref
from chaosctl.operations.aftermath import let_go, pause, repair, restored
from chaosctl.operations.home import home
from chaosctl.operations.manifests import VERSION
from chaosctl.operations.perform import Performer, World
from chaosctl.operations.plan import inspect
from chaosctl.operations.stopping import watch_for_stop
from chaosctl.operations.viewing import Outcome, Viewer
from chaosctl.ports import Journal
from chaosctl.runner import run as loop
from chaosctl.spec import Script
from chaosctl.store import Store
from chaosctl.store.journal import RunJournal

MARGIN = timedelta(minutes=1)
CLAIM_TRIES = 4
UNFINISHED = (
    "its journal and post-mortem are finished, as soon as the store can be written, by: chaosctl recover {}"
)
log = structlog.get_logger(__name__)

Inbox = asyncio.Queue[AnyEvent]


class Origin(NamedTuple):
    """The Run object that asked for a run, as NAMESPACE/NAME, and its UID; empty where a person did."""

    name: str = ""
    uid: str = ""


A_PERSON = Origin()


@dataclass(frozen=True)
class Part:
    """One run: its name, what it does, where, for whom, and what people tell it.

    `guarded`: a guardian must promise to undo before anything changes; `guardian`: this one, which the run
    brings along. `tended`: somebody waits until a held
    target is free, and goes on with the journal when this process ends; so nothing is undone then.
    """

    name: str
    script: Script
    world: World
    guarded: bool = True
    guardian: JobGuardian | None = None
    origin: Origin = A_PERSON
    tended: bool = False
    warnings: tuple[str, ...] = ()
    inbox: Inbox = field(default_factory=asyncio.Queue)

    @property
    def where(self) -> Ref:
        """Where its ledger lies."""
        return ledger_of(self.script.target.workload)

    def stop(self, why: str) -> None:
        self.inbox.put_nowait(events.Stopped(at=self.world.clock.now(), why=why))


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


def replayed(run: str, store: Store) -> State:
    """What a journal adds up to. Raises StoreError; Unreadable where another version wrote it."""
    return reduce(evolve, map(events.parse, store.events(run)), State())


async def conduct(part: Part, refusals: tuple[str, ...], store: Store, viewer: Viewer) -> Outcome:
    """A run, from its claim to its verdict, unless guards refuse it. Raises Busy where it is tended."""
    journal = store.new_journal(part.name)  # before anything is claimed: a store that fails must cost nothing
    watched = Observed(journal, viewer)
    if not refusals:
        try:
            await _claim(part)
            await _guarded(part, viewer)
        except (Busy, Unguarded) as error:
            if part.tended:
                raise
            refusals = (str(error),)
    if not refusals:
        return concluded(await _claimed(part, journal, watched, _started(part)), store)
    watched.append(_refused(part, refusals))
    return concluded(Outcome(part.name, watched.state, verdict(watched.state)), store)


async def resume(part: Part, store: Store, viewer: Viewer, why: str = "") -> Outcome:
    """Bring the journal of a dead run to its end; with `why`, stop it."""
    journal = store.journal(part.name)  # whoever wrote it before can write no more
    watched = Observed(journal, viewer, replayed(part.name, store))
    if watched.state.phase is Phase.DONE:
        return Outcome(part.name, watched.state, verdict(watched.state))  # whoever we took it from was faster
    if why := why or await _objection(part, watched.state):
        part.stop(why)
    outcome = await _claimed(part, journal, watched, _resumed(part, watched.state))
    return concluded(outcome, store)


async def _objection(part: Part, state: State) -> str:
    """Why a run cannot go on where it was. Nothing was touched in its steady state, so guards decide anew."""
    if state.phase is Phase.STEADY:
        seen = await inspect(
            part.script, part.world, part.name, Guarding.ALIVE if part.guarded else Guarding.NONE
        )
        if seen.refusals:
            return "; ".join(seen.refusals)
    try:
        await _claim(part)
    except Busy as error:
        return str(error)
    return ""


async def _claim(part: Part) -> None:
    """Hold the target. An answer may be lost, so it is asked for again. Raises Busy, ClusterError."""
    ledgers, until = part.world.ledgers, part.world.clock.now() + part.script.lasts + MARGIN
    until += WITHIN if part.guardian else timedelta()
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


async def _guarded(part: Part, viewer: Viewer) -> None:
    """Have somebody stand who would undo the run, before it starts. Raises Unguarded."""
    if part.guardian is None:
        return
    viewer.say(f"starting a guardian for this run: {part.guardian.wanted.job}")
    try:
        await part.guardian.stand_up(lambda: not part.inbox.empty())
    except BaseException:
        await asyncio.shield(_left(part, journalled=True))
        raise


async def _left(part: Part, *, journalled: bool) -> bool:
    """Let go of the target, and send the run's own guardian away; whether nothing is left."""
    tidy = await let_go(part.where, part.name, part.world, journalled=journalled)
    if part.guardian:
        await part.guardian.dismiss()
    return tidy


async def _claimed(
    part: Part, journal: RunJournal, watched: Observed, opening: Awaitable[AnyEvent]
) -> Outcome:
    """Run while we hold the target. However it ends, nothing that the ledger knows stays open."""
    journalled = True
    try:
        with journal:
            watched.append(await opening)
            found = await _conducted(part, watched)
    except Fenced:
        raise  # whoever took the journal over answers for the run: nothing in the cluster is ours any more
    except StoreError as error:
        journalled, found = False, await _without_journal(part, error)
    except asyncio.CancelledError:
        if not part.tended:
            await asyncio.shield(_abandoned(part))
        raise
    except BaseException:
        await asyncio.shield(_abandoned(part))
        raise
    tidy = await _left(part, journalled=journalled)
    if not (tidy or part.guarded):
        found = found._replace(revert=RevertStatus.INCOMPLETE)
    left = found.revert is RevertStatus.INCOMPLETE
    commands = await repair(part.where, part.world) if left else ""
    note = "" if journalled else UNFINISHED.format(part.world.options).rstrip()
    return Outcome(part.name, watched.state, found, repair=commands, note=note)


async def _conducted(part: Part, journal: Observed) -> Verdict:
    world, space = part.world, part.script.target.namespace
    watching = asyncio.ensure_future(watch_for_stop(home().run(part.name), space, world.cluster, part.stop))
    try:
        return await loop(journal.state, journal, Performer(world, part.guarded), part.inbox, world.clock)
    finally:
        watching.cancel()


async def _started(part: Part) -> events.Started:
    return events.Started(
        at=part.world.clock.now(),
        run=part.name,
        script=part.script,
        version=VERSION,
        images=await _images(part.script, part.world),
        process=myself().model_dump_json(),
        origin=part.origin.name,
        uid=part.origin.uid,
        warnings=part.warnings,
    )


async def _resumed(part: Part, state: State) -> events.Resumed:
    now = max(state.at, part.world.clock.now())
    return events.Resumed(at=now, process=myself().model_dump_json())


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
    await _left(part, journalled=False)


def concluded(outcome: Outcome, store: Store) -> Outcome:
    """The outcome, noted for the list of runs; the journal remains what decides it."""
    if outcome.state.phase is Phase.NEW:
        return outcome  # not even its start could be journalled
    try:
        store.conclude(outcome.run, outcome.verdict.result)
    except StoreError as error:
        return outcome._replace(note=outcome.note or f"its verdict could not be noted ({error})")
    return outcome


def _refused(part: Part, reasons: tuple[str, ...]) -> events.Refused:
    return events.Refused(
        at=part.world.clock.now(),
        run=part.name,
        script=part.script,
        version=VERSION,
        reasons=reasons,
        origin=part.origin.name,
        uid=part.origin.uid,
    )


async def _images(script: Script, world: World) -> tuple[str, ...]:
    """What runs in the target's pods, by digest."""
    pods = await world.cluster.pods(script.target.workload)
    return tuple(sorted({image for pod in pods for image in _of_pod(pod)}))


def _of_pod(pod: Json) -> Iterator[str]:
    statuses = value_at(pod, "/status/containerStatuses")
    for status in statuses if isinstance(statuses, list) else []:
        yield f"{value_at(status, '/image')} {value_at(status, '/imageID') or ''}".strip()
