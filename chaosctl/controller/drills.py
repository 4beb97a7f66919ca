"""Why: a Drill's schedule fires by creating a Run. Whether it has fired is known by that Run's name alone.

Nothing is remembered here but when to ask again. What a schedule wants is a pure function of the Drill, of
two fields of its status, of the time, and of the run that holds its target.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

import structlog

from chaosctl.calendars.schedule import Due, Firing, Record, due, timed, written
from chaosctl.changes import look, text_at
from chaosctl.cluster.ledger import ledger_of
from chaosctl.controller import names
from chaosctl.controller.drill_status import status
from chaosctl.controller.office import Office
from chaosctl.controller.sayings import Saying
from chaosctl.controller.tidy import tidy
from chaosctl.controller.writer import Writer
from chaosctl.errors import ChaosError, Conflict, Gone, Invalid
from chaosctl.model import Json, Ref
from chaosctl.operations.timing import in_namespace

EVERY = 2.0  # seconds between two looks at the Drills
AT_LEAST = timedelta(seconds=30)  # between two looks at one of them: calendars and playbooks change, too
WRITE_WITHIN = 5.0  # seconds for one status
DRILLS = names.ref("Drill")
log = structlog.get_logger(__name__)


@dataclass
class Drills:
    """The schedules of these namespaces, while we lead.

    `holder` names the Run that is on a target, or waits for it; `created` is told of a Run that we made.
    """

    office: Office
    namespaces: tuple[str, ...]
    holder: Callable[[Ref], str]
    created: Callable[[Json], None]
    _wakes: dict[tuple[str, int], datetime] = field(default_factory=dict)

    async def work(self) -> None:
        """Serve every schedule, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Look once at every Drill whose time has come."""
        try:
            found = [body for space in self.namespaces for body in await self._listed(space)]
        except ChaosError as error:
            log.warning("could not look at the Drills", error=str(error))
            return
        keys = {_key(body) for body in found}
        self._wakes = {key: wake for key, wake in self._wakes.items() if key in keys}
        for body in found:
            if self._wakes.get(_key(body), self._now()) <= self._now():
                await self._tried(body)

    async def _listed(self, namespace: str) -> list[Json]:
        like = DRILLS.model_copy(update={"namespace": namespace})
        return list(await self.office.objects.find(like))

    async def _tried(self, body: Json) -> None:
        now = self._now()
        try:
            wake = await self._serve(body, now)
        except Invalid as error:
            await self._write(body, status(body, now, wrong=str(error)))
            wake = None
        except (ChaosError, TimeoutError) as error:
            log.warning("a Drill could not be served", drill=names.origin(body), error=str(error))
            return
        self._wakes[_key(body)] = min(wake or now + AT_LEAST, now + AT_LEAST)

    async def _serve(self, body: Json, now: datetime) -> datetime | None:
        """Do what its schedule wants; when it wants to be asked again. Raises Invalid, ClusterError."""
        space, name = text_at(body, "/metadata/namespace"), text_at(body, "/metadata/name")
        subject = await in_namespace(name, space, self.office.see)
        calendar = await subject.calendar(self.office.see)
        drill = timed(subject.drill, calendar, subject.lasts, *written(cast("Json", body["metadata"])))
        if drill is None:
            await self._write(body, status(body, now))
            return None
        target = subject.drill.spec.target.resolve().workload
        wanted = due(drill, _record(body), now, self.holder(target) or await self._held(target))
        if wanted.start:
            await self._fire(body, wanted.start)
        self._tell(body, wanted)
        await self._write(body, status(body, now, wanted, verdict=await self._verdict(body, wanted)))
        await tidy(body, subject.drill.spec.keep, self.office)
        return now + timedelta(seconds=EVERY) if wanted.waiting else wanted.wake

    async def _held(self, target: Ref) -> str:
        """The run of somebody else that holds a target."""
        ledger = await self.office.world.ledgers.read(ledger_of(target))
        return ledger.run if ledger and ledger.is_open else ""

    async def _fire(self, body: Json, firing: Firing) -> None:
        """Create the Run, unless it has been: its name says the time. Raises ClusterError, StoreError."""
        space, name = text_at(body, "/metadata/namespace"), text_at(body, "/metadata/name")
        if self.office.store.known(names.journal(f"{space}/{firing.name}", 0)):
            return
        run: Json = {"metadata": {"labels": {names.DRILL: name}}, "spec": {"drill": name}}
        try:
            made = await self.office.objects.create(names.ref("Run", space, firing.name), run)
        except Conflict:
            return  # somebody was faster
        self.office.metrics.fired += 1
        self.created(made)
        self.office.voice.say(body, Saying(f"fired {firing.name}", "Scheduled", f"created Run {firing.name}"))

    def _tell(self, body: Json, wanted: Due) -> None:
        for one in wanted.passed:
            text = f"{one.firing.name} does not run: {one.why}"
            self.office.voice.say(body, Saying(f"passed {one.firing.name}", "Missed", text, warning=True))

    async def _verdict(self, body: Json, wanted: Due) -> str:
        """Of the last Run that has ended, as far as it is still there."""
        last = wanted.start.name if wanted.start else str(look(body, "/status/lastRun") or "")
        before = str(look(body, "/status/verdict") or "")
        if not last:
            return before
        try:
            seen = await self.office.objects.get(names.ref("Run", text_at(body, "/metadata/namespace"), last))
        except Gone:
            return before
        return str(look(seen, "/status/verdict") or before)

    async def _write(self, body: Json, wanted: Json) -> None:
        """Raises TimeoutError; then the next answer is the same one, and finds that it has fired."""
        ref = names.ref("Drill", text_at(body, "/metadata/namespace"), text_at(body, "/metadata/name"))
        uid = text_at(body, "/metadata/uid")
        writer = Writer(ref, uid, self.office.objects, self.office.leads, lambda: wanted)
        async with asyncio.timeout(WRITE_WITHIN):
            await writer.latest()

    def _now(self) -> datetime:
        return self.office.world.clock.now()


def _key(body: Json) -> tuple[str, int]:
    """A Drill, as it was written: with a change of it the waiting is over."""
    generation = look(body, "/metadata/generation")
    return text_at(body, "/metadata/uid"), generation if isinstance(generation, int) else 0


def _record(body: Json) -> Record:
    until = look(body, "/status/lastScheduled")
    schedule = str(look(body, "/status/schedule") or "")
    return Record(datetime.fromisoformat(str(until)) if until else None, schedule)
