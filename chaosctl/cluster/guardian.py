"""Why: whoever injected may die. The guardian needs the ledgers and the time, nothing else."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from chaosctl.cluster import rights
from chaosctl.cluster.keys import fingerprint
from chaosctl.cluster.lease import INSTALLATION, LEASE, renew
from chaosctl.cluster.ledger import Ledger, Line, NotOurs
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.cluster.restore import restore
from chaosctl.cluster.sweep import tidy
from chaosctl.errors import ChaosError
from chaosctl.model import Json, Ref

EVERY = timedelta(seconds=1)
AT_ONCE = 8  # ledgers; one target that does not answer must not keep the others waiting
LONGEST_PAUSE = timedelta(seconds=5)  # between tries of one ledger
LEDGER_TTL = timedelta(minutes=10)  # after its outcomes were journalled; late creations land meanwhile
UNREAD_TTL = timedelta(hours=24)  # where nobody has finished the run's journal
log = structlog.get_logger(__name__)


@dataclass
class Guardian:
    """Sweeps ledgers: says that it is ready, undoes what is past its deadline, removes what is over."""

    name: str
    ledgers: Ledgers
    namespaces: tuple[str, ...] = ("",)
    every: timedelta = EVERY
    ledger_ttl: timedelta = LEDGER_TTL
    unread_ttl: timedelta = UNREAD_TTL
    lease: Ref = LEASE
    _failures: dict[str, int] = field(default_factory=dict)
    _not_before: dict[str, datetime] = field(default_factory=dict)
    _blind: set[str] = field(default_factory=set)
    _warned: set[tuple[str, str]] = field(default_factory=set)

    async def stand(self) -> None:
        """Sweep for ever, and hold the guardians' Lease; what fails is tried again."""
        while True:
            holding = renew(self.name, self._now(), self.ledgers.cluster, self.lease, marks=self._marks)
            await self._try("lease", holding)
            await self.sweep()
            await self.ledgers.clock.sleep_until(self._now() + self.every)

    @property
    def _marks(self) -> dict[str, str]:
        """By which runs know whether their ledgers are among those that it knows."""
        return {INSTALLATION: fingerprint(self.ledgers.key)}

    async def sweep(self) -> None:
        """Look once at every ledger."""
        await asyncio.gather(*(self._sweep(namespace) for namespace in self.namespaces))

    async def _sweep(self, namespace: str) -> None:
        try:
            found = await self.ledgers.all(namespace)
        except ChaosError as error:
            if namespace not in self._blind:  # said once, however long it lasts
                log.warning("could not list the ledgers", namespace=namespace, error=str(error))
            self._blind.add(namespace)
            return
        self._blind.discard(namespace)
        limit = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self._one(where, body, limit) for where, body in found))

    async def _one(self, where: Ref, body: Json, limit: asyncio.Semaphore) -> None:
        if self._not_before.get(str(where), self._now()) > self._now():
            return
        async with limit:
            await self._try(str(where), self._keep(where, body))

    async def _keep(self, where: Ref, body: Json) -> None:
        if self._is_over(await self.tend(where, body)):
            await self._expire(where, body)

    async def tend(self, where: Ref, body: Json) -> Ledger:
        """Do what a ledger needs now; the ledger as it was seen. Raises ClusterError."""
        ledger = self.ledgers.parse(where, body)
        for line in reversed(ledger.open_lines):
            await self._watch(where, line)
        if ledger.held_until and self._now() >= ledger.held_until:
            await self.ledgers.release(where, ledger.run)
        if _has_leftovers(ledger):
            await tidy(where, self.ledgers)
        return ledger

    async def _watch(self, where: Ref, line: Line) -> None:
        if self._now() >= line.deadline:
            undone = await restore(where, line.entry, self.ledgers)
            log.info("undone", ledger=str(where), entry=line.entry, outcomes=[one.outcome for one in undone])
        elif line.ready is None:
            await self._get_ready(where, line)

    async def _get_ready(self, where: Ref, line: Line) -> None:
        needed = (*rights.to_undo(line.plan), *rights.to_tend(where))
        lacking = await rights.missing(needed, self.ledgers.cluster)
        if not lacking:
            await self.ledgers.mark_ready(where, line.entry, self.name)
            return
        why = f"may not {'; '.join(map(str, lacking))}"
        self._warn(str(where), line.entry, why)
        await self.ledgers.object_to(where, line.entry, f"{self.name} {why}")

    def _warn(self, ledger: str, entry: str, why: str) -> None:
        """Say once what nothing can be done about."""
        if (ledger, entry) not in self._warned:
            self._warned.add((ledger, entry))
            log.warning("this will not be undone", ledger=ledger, entry=entry, why=why)

    def _is_over(self, ledger: Ledger) -> bool:
        if ledger.closed is None or ledger.is_open:
            return False
        read = ledger.journalled and max(ledger.journalled, ledger.closed)
        return self._now() >= (read + self.ledger_ttl if read else ledger.closed + self.unread_ttl)

    async def _expire(self, where: Ref, body: Json) -> None:
        await self.ledgers.remove(where, body)
        log.info("ledger removed", ledger=str(where))

    async def _try(self, what: str, doing: Awaitable[object]) -> None:
        try:
            await doing
        except NotOurs as error:
            self._warn(what, "", str(error))
        except ChaosError as error:
            failures = self._failures[what] = self._failures.get(what, 0) + 1
            pause = min(self.every * 2 ** min(failures - 1, 8), LONGEST_PAUSE)
            self._not_before[what] = self._now() + pause
            if failures.bit_count() == 1:  # ever more rarely
                log.warning("failed, and is tried again", what=what, failures=failures, error=str(error))
        else:
            self._failures.pop(what, None)
            self._not_before.pop(what, None)

    def _now(self) -> datetime:
        return self.ledgers.clock.now()


def _has_leftovers(ledger: Ledger) -> bool:
    untidy = any(not line.is_open and not line.tidy for line in ledger.lines)
    return untidy or bool(ledger.leftovers or ledger.unanswered)
