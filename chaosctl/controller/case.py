"""Why: a Run may be new, half done by somebody who died, done, or known under another UID. One way leads on.

Every attempt begins with what the journals say. So it does not matter who wrote them, or how often somebody
had to begin again.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count

import structlog

from chaosctl.catalog.objects import run_of
from chaosctl.changes import look, text_at
from chaosctl.controller import names
from chaosctl.controller.office import Office
from chaosctl.controller.orders import scripts
from chaosctl.controller.progress import PartView, Progress, Told
from chaosctl.controller.sayings import Saying, sayings, verdict_of
from chaosctl.controller.status import status
from chaosctl.controller.turns import Ticket
from chaosctl.controller.writer import Writer
from chaosctl.engine import events
from chaosctl.engine.events import AnyEvent
from chaosctl.engine.guards import Guarding
from chaosctl.engine.state import State
from chaosctl.engine.tables import Phase
from chaosctl.engine.verdict import verdict
from chaosctl.errors import Busy, ClusterError, Fenced, Invalid, StoreError
from chaosctl.model import Json
from chaosctl.operations.conduct import Origin, Part, conduct, replayed, resume
from chaosctl.operations.plan import inspect
from chaosctl.operations.viewing import Outcome
from chaosctl.spec import Script

AGAIN = 2.0  # seconds until something that must wait is tried again
DELETED = "its Run was deleted"
log = structlog.get_logger(__name__)


@dataclass
class Viewer:
    """Shows one part of a Run: in its status, and in Kubernetes Events."""

    case: "Case"
    index: int

    def say(self, text: str) -> None:
        self.case.note(text)

    def happened(self, state: State, event: AnyEvent) -> None:
        self.case.happened(self.index, state, event)

    def ended(self, outcome: Outcome) -> None: ...


class Case:
    """One Run object, from when it is seen until its end stands in its status."""

    def __init__(self, body: Json, office: Office, number: int) -> None:
        self.body = body
        self.uid, self.origin = text_at(body, "/metadata/uid"), names.origin(body)
        self.namespace = text_at(body, "/metadata/namespace")
        self._office, self._number = office, number
        self._views: list[PartView] = []
        self._part: Part | None = None
        self._told: Told | None = None
        self._note = self._remark = self._why = self._target = ""
        self._over = self._cut = False
        self._stopping = asyncio.Event()
        ref = names.ref("Run", self.namespace, text_at(body, "/metadata/name"))
        self._writer = Writer(ref, self.uid, office.objects, office.leads, lambda: status(self.progress))

    @property
    def progress(self) -> Progress:
        created = names.created(self.body)
        generation = look(self.body, "/metadata/generation")
        return Progress(
            created=created,
            generation=generation if isinstance(generation, int) else 0,
            target=self._target,
            parts=tuple(self._views),
            told=self._told,
            note=self._note,
            remark=self._remark,
            over=self._over,
            cut=self._cut or not all(view.verdict for view in self._views),
        )

    @property
    def is_going(self) -> bool:
        """Whether a part of it is being run."""
        return self._part is not None

    def seen(self, body: Json) -> None:
        """The object as it is now."""
        self.body = body
        if abort := look(body, "/spec/abort"):
            self.stop(f"{abort} (spec.abort)")

    def stop(self, why: str) -> None:
        """End it safely; what has not begun does not begin."""
        if self._why:
            return
        self._why = why
        self._stopping.set()
        self._office.turns.look_again()
        if self._part:
            self._part.stop(why)

    def note(self, text: str) -> None:
        """Say what it waits for."""
        self._note = text
        self._writer.changed()

    def happened(self, index: int, state: State, event: AnyEvent) -> None:
        """A part's journal has one more event."""
        before = self._views[index].state
        self._views[index] = replace(self._views[index], state=state)
        self._office.metrics.takeovers += isinstance(event, events.Resumed)
        for saying in sayings(before, event, state):
            self._office.voice.say(self.body, saying)
        self._writer.changed()

    async def go(self) -> None:
        """Bring it to its end, and its end into its status."""
        writing = asyncio.ensure_future(self._writer.keep())
        try:
            await self._patiently()
            self._over = True
        except Fenced as error:
            log.warning("somebody else goes on with it", run=self.origin, error=str(error))
            return
        except Exception as error:
            self.note(f"a mistake of chaosctl: {error!r}; it is tried again")
            raise
        finally:
            writing.cancel()
            await self._writer.latest()

    async def _patiently(self) -> None:
        """The store may be away for a while."""
        while True:
            try:
                return await self._go()
            except Fenced:
                raise
            except StoreError as error:
                self.note(str(error))
                await self._pause()

    async def _go(self) -> None:
        self.seen(self.body)
        self._views = self._past()
        if self._views and self._views[0].state.uid != self.uid:
            await self._ran_before()
            return
        try:
            plots = await self._plots()
        except Invalid as error:
            self._cannot(str(error))
            return
        target = plots[0].target.workload
        begun = any(view.state.phase is not Phase.NEW for view in self._views)
        created = "" if begun else text_at(self.body, "/metadata/creationTimestamp")
        ticket = Ticket(created, self._number, target, text_at(self.body, "/metadata/name"))
        async with self._office.turns.turn(ticket, lambda: bool(self._why), self.note) as ours:
            if ours:
                await self._parts(plots)
        if self._why and not any(view.verdict for view in self._views):
            self._told, self._views = Told(f"stopped before it began: {self._why}"), []

    def _past(self) -> list[PartView]:
        """What the journals know of it. Raises StoreError."""
        store = self._office.store
        views: list[PartView] = []
        for index in count():
            name = names.journal(self.origin, index)
            if not store.known(name):
                return views
            state = replayed(name, store)
            found = verdict(state) if state.phase is Phase.DONE else None
            views.append(PartView(state.plot.playbook, name, state, found))
        return views

    async def _ran_before(self) -> None:
        """Another object of this name has run, and is known: show that, once it is over."""
        self._remark = (
            f"a Run of this name has run before (UID {self._views[0].state.uid}), and never runs twice; "
            "this is how that ended. Give the new one another name"
        )
        self._office.voice.say(self.body, Saying("known", "RanBefore", self._remark, warning=True))
        while not all(view.verdict for view in self._views):
            self._writer.changed()
            await asyncio.sleep(AGAIN)
            self._views = self._past()
        self._target = str(self._views[0].state.plot.target)

    async def _plots(self) -> Sequence[Script]:
        """What each part does; those that began are in their journals. Raises Invalid."""
        begun = [view.state.plot for view in self._views]
        if not (begun and self._why):
            begun += await self._looked_up(len(begun))
        self._target = str(begun[0].target)
        for index, script in enumerate(begun[len(self._views) :], len(self._views)):
            self._views.append(PartView(script.playbook, names.journal(self.origin, index)))
        self._writer.changed()
        return begun

    async def _looked_up(self, after: int) -> Sequence[Script]:
        """What is not begun yet. In the order in which Runs were created, so that they queue in it."""
        while True:
            try:
                async with self._office.in_order:
                    found = await scripts(
                        run_of(self.body),
                        self.namespace,
                        names.seed(self.uid),
                        self._office.see,
                        self._office.rules,
                    )
            except ClusterError as error:
                self.note(f"cannot be looked up: {error}")
                await self._pause()
                continue
            except Invalid as error:
                if not after:
                    raise
                self._cut = True
                self._remark = f"what was still to come is no longer there: {error}"
                return ()
            said = f"{', '.join(script.playbook for script in found)} on {found[0].target}"
            self._office.voice.say(self.body, Saying("accepted", "Accepted", said))
            return found[after:]

    def _cannot(self, why: str) -> None:
        self._told = Told(why, invalid=True)
        self._office.metrics.verdicts["invalid"] += 1
        self._office.voice.say(self.body, Saying(f"invalid {why}", "Invalid", why, warning=True))

    async def _parts(self, plots: Sequence[Script]) -> None:
        for index, script in enumerate(plots):
            if self._views[index].verdict:
                continue
            outcome = await self._through(index, script)
            if outcome is None:
                return
            self._views[index] = replace(self._views[index], state=outcome.state, verdict=outcome.verdict)
            self._office.metrics.verdicts[outcome.verdict.result] += 1
            if not outcome.state.refused:
                self._office.voice.say(self.body, verdict_of(outcome.state, outcome.verdict))
            if self._why or outcome.state.stops:
                return

    async def _through(self, index: int, script: Script) -> Outcome | None:
        """One part to its verdict, however often it must be taken up again; None where it never began."""
        while True:
            try:
                outcome = await self._attempt(index, script)
            except Fenced:
                raise
            except (Busy, ClusterError, StoreError) as error:
                self.note(str(error))
            else:
                if outcome is None or outcome.state.phase is Phase.DONE:
                    return outcome
                self.note(outcome.note)
            finally:
                self._part = None
            await self._pause()

    async def _attempt(self, index: int, script: Script) -> Outcome | None:
        """Go on from where its journal ends. Raises Busy, ClusterError, StoreError."""
        store, name = self._office.store, self._views[index].run
        if store.known(name):
            state = replayed(name, store)
            if state.phase is Phase.DONE:
                return Outcome(name, state, verdict(state))
            return await resume(self._begun(name, state.plot), store, Viewer(self, index), self._why)
        if self._why:
            return None
        world = self._office.world_of(self.namespace)
        seen = await inspect(script, world, name, Guarding.ALIVE)
        if seen.facts.holder:
            raise Busy(f"waiting for run {seen.facts.holder}, which holds {script.target.workload}")
        if self._why:
            return None
        part = self._begun(name, seen.script, seen.warnings)
        return await conduct(part, seen.refusals, store, Viewer(self, index))

    def _begun(self, name: str, script: Script, warnings: tuple[str, ...] = ()) -> Part:
        world, origin = self._office.world_of(self.namespace), Origin(self.origin, self.uid)
        self._part = Part(name, script, world, origin=origin, tended=True, warnings=warnings)
        self.note("")
        return self._part

    async def _pause(self) -> None:
        """Wait a little; who asks to stop is heard at once, and need not ask twice."""
        if self._stopping.is_set():
            await asyncio.sleep(AGAIN)
            return
        try:
            await asyncio.wait_for(self._stopping.wait(), AGAIN)
        except TimeoutError:
            return
