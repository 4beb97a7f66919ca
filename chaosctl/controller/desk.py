"""Why: whoever leads must know every Run, and every journal whose Run is gone.

A watch tells at once, and may miss something; so everything is listed again now and then. What is in the
store and not among the objects was deleted while nobody watched.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from traceback import format_exception

import structlog

from chaosctl.changes import look, text_at
from chaosctl.controller import names
from chaosctl.controller.case import DELETED, Case
from chaosctl.controller.office import Office
from chaosctl.engine.state import State
from chaosctl.engine.tables import Phase
from chaosctl.engine.verdict import verdict
from chaosctl.errors import ChaosError, ClusterError, Unreadable
from chaosctl.model import Json, Ref
from chaosctl.operations.aftermath import let_go
from chaosctl.operations.conduct import replayed
from chaosctl.store import DONE

AGAIN = 15.0  # seconds between two lists of everything
RETRY = 2.0  # seconds after a failure
RUNS = names.ref("Run")
log = structlog.get_logger(__name__)


@dataclass
class Desk:
    """All the Runs of these namespaces, while we lead. `beat` is when it last looked at everything."""

    office: Office
    namespaces: tuple[str, ...] = ("",)
    beat: float = field(default_factory=time.monotonic)
    _cases: dict[str, Case] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _unread: set[str] = field(default_factory=set)
    _number: int = 0

    @property
    def going(self) -> int:
        """How many runs are going on."""
        return sum(case.is_going for case in self._cases.values())

    def holder(self, target: Ref) -> str:
        """The Run that is on a target, or waits for it; "" where there is none."""
        wanted = f"{target.namespace}/{target.name}"
        mine = (case for case in self._cases.values() if case.progress.target == wanted)
        return next((text_at(case.body, "/metadata/name") for case in mine), "")

    def seen(self, body: Json) -> None:
        """An object is there, new or changed."""
        uid = text_at(body, "/metadata/uid")
        if uid in self._cases:
            self._cases[uid].seen(body)
        elif not is_over(body):
            self._open(body)

    async def work(self) -> None:
        """Take up what whoever led before left, then everything that comes, for ever."""
        beside = [asyncio.ensure_future(self.finish_what_ended())]
        beside += [asyncio.ensure_future(self._watch(space)) for space in self.namespaces]
        try:
            while True:
                pause = AGAIN if await self._looked() else RETRY
                await asyncio.sleep(pause)
        finally:
            for task in (*beside, *self._tasks.values()):
                task.cancel()

    async def _looked(self) -> bool:
        try:
            await self._look()
        except ChaosError as error:
            log.warning("could not look at all Runs", error=str(error))
            return False
        self.beat = time.monotonic()
        return True

    async def _look(self) -> None:
        """Take note of everything that is there, and of what is not there any more."""
        before = set(self._cases)  # one that comes while we list need not be in the list
        listed = [
            await self.office.objects.find(RUNS.model_copy(update={"namespace": space}))
            for space in self.namespaces
        ]
        found = {text_at(body, "/metadata/uid"): body for bodies in listed for body in bodies}
        for uid in before - found.keys():
            if uid in self._cases:
                self._cases[uid].stop(DELETED)
        for uid, body in self._unfinished():
            self._open(found.get(uid, body), gone=uid not in found)
        for body in sorted(found.values(), key=lambda body: text_at(body, "/metadata/creationTimestamp")):
            self.seen(body)

    def _unfinished(self) -> Iterator[tuple[str, Json]]:
        """Journals without an end that nobody goes on with: the UID of their Run, and what is known of it."""
        known = {part.run for case in self._cases.values() for part in case.progress.parts}
        for run in self.office.store.unfinished():
            if run in known or (state := self._replayed(run)) is None:
                continue
            space, _, name = state.origin.partition("/")
            if state.origin and {"", space} & set(self.namespaces):
                yield state.uid, {"metadata": {"namespace": space, "name": name, "uid": state.uid}}

    def _replayed(self, run: str) -> State | None:
        """What a journal says; None where another version wrote it: the others must not wait for that."""
        try:
            return replayed(run, self.office.store)
        except Unreadable as error:
            if run not in self._unread:  # said once
                log.warning("a run is left to another version", run=run, error=str(error))
            self._unread.add(run)
            return None

    async def _watch(self, namespace: str) -> None:
        while True:
            try:
                async for kind, body in self.office.objects.watch(
                    RUNS.model_copy(update={"namespace": namespace})
                ):
                    self._told(kind, body)
            except ClusterError as error:
                log.warning("Runs cannot be watched, and are listed instead", error=str(error))
            await asyncio.sleep(RETRY)

    def _told(self, kind: str, body: Json) -> None:
        uid = text_at(body, "/metadata/uid")
        if kind != "DELETED":
            self.seen(body)
        elif uid in self._cases:
            self._cases[uid].stop(DELETED)

    def _open(self, body: Json, *, gone: bool = False) -> None:
        uid = text_at(body, "/metadata/uid")
        if uid in self._cases:
            return
        self._number += 1
        case = self._cases[uid] = Case(body, self.office, self._number)
        if gone:
            case.stop(DELETED)
        self._tasks[uid] = asyncio.create_task(case.go())
        self._tasks[uid].add_done_callback(lambda task: self._ended(uid, task))

    def _ended(self, uid: str, task: asyncio.Task[None]) -> None:
        del self._cases[uid], self._tasks[uid]
        if not task.cancelled() and (error := task.exception()):
            log.error("a Run met a mistake of ours", uid=uid, trace="".join(format_exception(error)))

    async def finish_what_ended(self) -> None:
        """Whoever led before may have died between the end of a run and letting go of its target."""
        try:
            self._conclude()
            found = [one for space in self.namespaces for one in await self.office.world.ledgers.all(space)]
        except ChaosError as error:
            log.warning("could not look for what has ended", error=str(error))
            return
        for where, body in found:
            try:
                await self._let_go(where, body)
            except ChaosError as error:
                log.warning("could not look at a ledger", ledger=str(where), error=str(error))

    def _conclude(self) -> None:
        """Note verdicts that nobody has noted."""
        store = self.office.store
        for run in store.runs():
            if run.origin and run.phase == DONE and not run.verdict and (state := self._replayed(run.id)):
                store.conclude(run.id, verdict(state).result)

    async def _let_go(self, where: Ref, body: Json) -> None:
        ledger = self.office.world.ledgers.parse(where, body)
        if ledger.journalled and not ledger.is_open:
            return
        known = self.office.store.known(ledger.run)
        if known and (state := self._replayed(ledger.run)) and state.phase is Phase.DONE:
            await let_go(where, ledger.run, self.office.world, journalled=True)


def is_over(body: Json) -> bool:
    """Whether the status says how it ended."""
    conditions = look(body, "/status/conditions")
    return isinstance(conditions, list) and any(
        look(one, "/type") == "Finished" and look(one, "/status") == "True" for one in conditions
    )
