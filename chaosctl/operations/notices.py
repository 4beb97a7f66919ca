"""Why: detection is credited to whoever saw it first, so the run listens to what others say of its target."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from chaosctl.changes import look
from chaosctl.engine.events import Noticed
from chaosctl.model import Json, Ref
from chaosctl.ports import Clock, Reader
from chaosctl.spec import Target

EVERY = timedelta(milliseconds=300)
SAID_WITHIN = timedelta(seconds=2)  # of an act that was seen
ALARMS = {"RollbackStarted"}  # reasons of Kubernetes Events that say: something is wrong, and I act


@dataclass
class Notices:
    """Alarms about a target that were told already are not told again."""

    told: set[str] = field(default_factory=set)

    async def next(self, target: Target, since: datetime, see: Reader, clock: Clock) -> Noticed:
        """Wait for the next alarm that is not older than `since`. Raises ClusterError."""
        while True:
            for body in await self._events(target, since, see):
                self.told.add(_uid(body))
                return _noticed(body, clock.now())
            await clock.sleep_until(clock.now() + EVERY)

    async def _events(self, target: Target, since: datetime, see: Reader) -> Sequence[Json]:
        return [body for body in await _alarms(target, since, see) if _uid(body) not in self.told]


async def reactor(target: Target, since: datetime, see: Reader, clock: Clock) -> str:
    """Who says that they have acted since then; "" where nobody says so soon. Raises ClusterError.

    What is only taken away leaves nobody's name in managedFields.
    """
    end = clock.now() + SAID_WITHIN
    while not (found := await _alarms(target, since, see)) and clock.now() < end:
        await clock.sleep_until(clock.now() + EVERY)
    return _by(found[0]) if found else ""


async def _alarms(target: Target, since: datetime, see: Reader) -> Sequence[Json]:
    like = Ref(kind="Event", namespace=target.namespace, name="")
    found = await see.find(like, fields=f"involvedObject.name={target.workload.name}")
    alarms = [body for body in found if body.get("reason") in ALARMS and (_moment(body) or since) >= since]
    return sorted(alarms, key=_when_text)


def _noticed(body: Json, now: datetime) -> Noticed:
    moment = _moment(body) or now
    return Noticed(at=max(now, moment), by=_by(body), what=str(body.get("message", "")), when=moment)


def _by(body: Json) -> str:
    return str(look(body, "/reportingComponent") or look(body, "/source/component") or "somebody")


def _moment(body: Json) -> datetime | None:
    text = _when_text(body)
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _when_text(body: Json) -> str:
    return str(body.get("eventTime") or body.get("lastTimestamp") or "")


def _uid(body: Json) -> str:
    return str(look(body, "/metadata/uid"))
