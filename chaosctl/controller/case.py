"""Why: a Run may be new, half done by somebody who died, done, or known under another UID. One way leads on.

What has begun goes on with what its journals say; what is still to come is looked up when its turn comes.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count

import structlog

from chaosctl.catalog.objects import run_of
from chaosctl.changes import look, text_at
from chaosctl.controller import names
from chaosctl.controller.attempts import Attempts, Stop
from chaosctl.controller.office import Office
from chaosctl.controller.orders import scripts
from chaosctl.controller.progress import PartView, Progress, Told
from chaosctl.controller.sayings import Saying, sayings, verdict_of
from chaosctl.controller.status import status
from chaosctl.controller.turns import Ticket
from chaosctl.controller.writer import Writer
from chaosctl.engine import events
from chaosctl.engine.events import AnyEvent
from chaosctl.engine.state import State
from chaosctl.engine.tables import Phase
from chaosctl.engine.verdict import verdict
from chaosctl.errors import ClusterError, Fenced, Invalid, StoreError
from chaosctl.model import Json
from chaosctl.operations.conduct import Origin, replayed
from chaosctl.operations.viewing import Outcome
from chaosctl.spec import Script

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
        self._told: Told | None = None
        self._note = self._remark = self._target = ""
        self._over = self._cut = False
        self._stop = Stop()
        self._attempts = Attempts(
            office, self.namespace, Origin(self.origin, self.uid), self._stop, self.note
        )
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
        return self._attempts.going is not None

    def seen(self, body: Json) -> None:
        """The object as it is now."""
        self.body = body
        if abort := look(body, "/spec/abort"):
            self.stop(f"{abort} (spec.abort)")

    def stop(self, why: str) -> None:
        """End it safely; what has not begun does not begin."""
        if self._stop.ask(why):
            self._office.turns.look_again()
            self._attempts.tell(why)

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
                await self._stop.pause()

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
        given_up = lambda: bool(self._stop.why) and not begun  # noqa: E731 - what has begun must be ended
        async with self._office.turns.turn(ticket, given_up, self.note) as ours:
            if ours:
                await self._parts(plots)
        if self._stop.why and not any(view.verdict for view in self._views):
            self._told, self._views = Told(f"stopped before it began: {self._stop.why}"), []

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
            await self._stop.pause()
            self._views = self._past()
        self._target = str(self._views[0].state.plot.target)

    async def _plots(self) -> Sequence[Script]:
        """What each part does; those that began are in their journals. Raises Invalid."""
        begun = [view.state.plot for view in self._views]
        if not (begun and self._stop.why):
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
                await self._stop.pause()
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
            outcome = await self._attempts.through(self._views[index].run, script, Viewer(self, index))
            if outcome is None:
                return
            self._views[index] = replace(self._views[index], state=outcome.state, verdict=outcome.verdict)
            self._office.metrics.verdicts[outcome.verdict.result] += 1
            if not outcome.state.refused:
                self._office.voice.say(self.body, verdict_of(outcome.state, outcome.verdict))
            if self._stop.why or outcome.state.stops:
                return
