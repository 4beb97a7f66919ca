"""Why: a guardian that was made for one run must be able to do that run's undo, and nothing beside it.

It knows its ledger by name: so it needs no list, no Lease, and no rights but those of the undo. It ends by
itself, and the Job that it runs in goes, with everything that the Job owns.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from chaosctl.cluster import residue
from chaosctl.cluster.guardian import Guardian
from chaosctl.cluster.ledger import Ledger, NotOurs
from chaosctl.cluster.restore import Memory, restore
from chaosctl.cluster.sweep import remove_finished
from chaosctl.errors import ChaosError, Gone
from chaosctl.model import Json, Ref

PATIENCE = timedelta(seconds=60)  # with a ledger that does not appear
log = structlog.get_logger(__name__)


@dataclass
class Solo:
    """Keeps one run's ledger; without `run`, that of the first run that is seen there."""

    guardian: Guardian
    where: Ref
    run: str = ""
    patience: timedelta = PATIENCE
    _last: Ledger | None = field(default=None, init=False)

    async def stand(self) -> None:
        """Until nothing is left to do. Raises NotOurs, and what keeps it from seeing the ledger at all."""
        until = self._now() + self.patience
        while True:
            try:
                if await self._is_over():
                    return
            except ChaosError as error:
                if self._last is None and (isinstance(error, NotOurs) or self._now() >= until):
                    raise
                log.warning("failed, and is tried again", ledger=str(self.where), error=str(error))
            if self._last is None and self._now() >= until:
                log.info("no ledger appeared", ledger=str(self.where))
                return
            await self.guardian.ledgers.clock.sleep_until(self._now() + self.guardian.every)

    async def _is_over(self) -> bool:
        try:
            body = await self.guardian.ledgers.cluster.get(self.where)
        except Gone:
            return self._last is not None and await self._undone_from_memory(self._last)
        ledger = self.guardian.ledgers.parse(self.where, body)
        self.run = self.run or ledger.run
        if ledger.run != self.run:
            return True  # the next run has the target: of ours nothing was left
        return await self._tended(ledger, body)

    async def _tended(self, ledger: Ledger, body: Json) -> bool:
        self._last = ledger
        if ledger.guardian is None:
            await self.guardian.ledgers.mark_standing(self.where, self.run, self.guardian.name)
        await self.guardian.tend(self.where, body)
        return await remove_finished(self.where, self.run, self.guardian.ledgers)

    async def _undone_from_memory(self, last: Ledger) -> bool:
        """Somebody deleted the ledger. What it said is still owed, when its time comes."""
        ledgers = self.guardian.ledgers
        due = [line for line in reversed(last.open_lines) if self._now() >= line.deadline]
        for line in due:
            await restore(self.where, line.entry, ledgers, Memory(self.run, line))
        clean = [await residue.clear(line.plan, line.known, ledgers.cluster) for line in due]
        return all(clean) and len(due) == len(last.open_lines)

    def _now(self) -> datetime:
        return self.guardian.ledgers.clock.now()
