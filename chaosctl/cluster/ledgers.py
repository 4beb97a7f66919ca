"""Why: a run's lanes, guardians and `recover` write a ledger at once. So all of it is by compare-and-set."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from chaosctl.changes import at_version, text_at
from chaosctl.cluster import ledger as words
from chaosctl.cluster.keys import key_of
from chaosctl.cluster.ledger import LEDGER, Ledger, Line, LineState, Ready
from chaosctl.cluster.owner import Owner
from chaosctl.cluster.reach import beyond
from chaosctl.errors import CannotPlan, Conflict, Gone
from chaosctl.model import Json, Ref
from chaosctl.ports import Clock, Cluster

ATTEMPTS = 20  # lanes of one run, and guardians, share a ledger, and so are in each other's way now and then
PAUSE = 0.02  # seconds, longer with every attempt


@dataclass(frozen=True)
class Ledgers:
    """The ledgers of a cluster that were written with one installation's key. All raise ClusterError.

    With `only`, the key is that ledger's own, and every other one looks forged.
    """

    cluster: Cluster
    clock: Clock
    key: bytes
    only: Ref | None = None

    def key_of(self, where: Ref) -> bytes:
        """The key of one ledger."""
        return self.key if where == self.only else key_of(where, self.key)

    async def read(self, where: Ref) -> Ledger | None:
        """None where there is none. Raises NotOurs."""
        try:
            return self.parse(where, await self.cluster.get(where))
        except Gone:
            return None

    async def all(self, namespace: str = "") -> Sequence[tuple[Ref, Json]]:
        """Every ledger of a namespace ("" is everywhere), unread."""
        like = Ref(kind="ConfigMap", namespace=namespace, name="")
        return [(_named(body), body) for body in await self.cluster.find(like, selector=LEDGER)]

    def parse(self, where: Ref, seen: Json) -> Ledger:
        """Raises NotOurs."""
        return words.parse(where, seen, self.key_of(where))

    async def claim(self, where: Ref, run: str, owner: Owner, until: datetime) -> Ledger:
        """Hold the target for a run, also while none of its lines is open. Raises Busy."""
        fresh = Ledger(run=run, owner=owner, held_until=until)
        return await self._rewrite_or_create(
            where, lambda ledger: words.claimed(ledger, run, owner, until, self.clock.now()), fresh
        )

    async def release(self, where: Ref, run: str) -> None:
        """Let go of the target; what is open stays open."""
        await self._rewrite_if_any(
            where, lambda ledger: ledger if ledger.run != run else ledger.having(held_until=None)
        )

    async def journalled(self, where: Ref, run: str) -> None:
        """The outcomes are in the run's journal: the ledger need not be kept for them any more."""

        def noted(ledger: Ledger) -> Ledger:
            known = ledger.run != run or ledger.journalled is not None
            return ledger if known else ledger.having(journalled=self.clock.now())

        await self._rewrite_if_any(where, noted)

    async def enter(self, where: Ref, run: str, line: Line) -> None:
        """Add a line, in the run's own ledger or in one that is closed. Raises Busy, TooLate, CannotPlan."""
        if why := beyond(where, line.plan):
            raise CannotPlan(why)
        await self._rewrite_or_create(
            where,
            lambda ledger: words.entered(ledger, run, line, self.clock.now()),
            Ledger(run=run, lines=(line,)),
        )

    async def move(self, where: Ref, entry: str, to: LineState, **fields: object) -> Line | None:
        """Move a line and give it back; where it is already, it stays. None without line. Raises TooLate."""
        ledger = await self._rewrite_if_any(where, lambda ledger: words.moved(ledger, entry, to, fields))
        return ledger.line(entry) if ledger else None

    async def bury(self, where: Ref, entry: str) -> None:
        """Close a line that was never written, so that a slow writer finds it closed."""
        tomb = Line(entry=entry, plan=(), deadline=self.clock.now(), state=LineState.CLOSED, tidy=True)
        await self._rewrite_if_any(
            where, lambda ledger: ledger if ledger.line(entry) else ledger.with_line(tomb)
        )

    async def mark_standing(self, where: Ref, run: str, name: str) -> None:
        """A guardian of this run alone says that it is there, and reads its ledger."""

        def standing(ledger: Ledger) -> Ledger:
            if ledger.run != run or ledger.guardian:
                return ledger
            return ledger.having(guardian=Ready(name=name, at=self.clock.now()))

        await self._rewrite_if_any(where, standing)

    async def mark_ready(self, where: Ref, entry: str, name: str) -> None:
        """A guardian says that it may undo this line."""
        ready = Ready(name=name, at=self.clock.now())
        await self._update(
            where, entry, lambda line: line if line.ready else _having(line, ready=ready, objection="")
        )

    async def object_to(self, where: Ref, entry: str, why: str) -> None:
        """A guardian says why it could not undo this line; it may be able to later."""
        await self._update(where, entry, lambda line: line if line.ready else _having(line, objection=why))

    async def mark_tidy(self, where: Ref, entry: str) -> None:
        """Nothing is left that this line caused."""
        await self._update(where, entry, lambda line: _having(line, tidy=True))

    async def remove(self, where: Ref, seen: Json) -> None:
        """Delete a ledger whose time is over, unless somebody has changed it since it was seen."""
        old = self.parse(where, seen)
        await self._rewrite_if_any(where, lambda now: now.having(dying=True) if now == old else now)
        # The next look finds it dying, and deletes it by UID: so nobody's new ledger can be hit.
        await self._rewrite_if_any(where, lambda ledger: ledger)

    async def _update(self, where: Ref, entry: str, change: Callable[[Line], Line]) -> None:
        def updated(ledger: Ledger) -> Ledger:
            line = ledger.line(entry)
            return ledger.with_line(change(line)) if line else ledger

        await self._rewrite_if_any(where, updated)

    async def _rewrite_or_create(
        self, where: Ref, change: Callable[[Ledger], Ledger], fresh: Ledger
    ) -> Ledger:
        ledger = await self._rewrite_if_any(where, change)
        if ledger is not None:
            return ledger
        try:
            await self.cluster.create(where, words.body_of(where, fresh, self.key_of(where)))
        except Conflict:  # somebody else had the same idea at the same time
            return await self._rewrite(where, change)
        return fresh

    async def _rewrite_if_any(self, where: Ref, change: Callable[[Ledger], Ledger]) -> Ledger | None:
        try:
            return await self._rewrite(where, change)
        except Gone:
            return None

    async def _rewrite(self, where: Ref, change: Callable[[Ledger], Ledger]) -> Ledger:
        for attempt in range(ATTEMPTS):
            seen = await self.cluster.get(where)
            ledger = self.parse(where, seen)
            if ledger.dying:
                await self.cluster.delete(where, text_at(seen, "/metadata/uid"))
                raise Gone(f"{where}: its time was over")
            after = self._dated(change(ledger))
            if after == ledger:
                return ledger
            try:
                rewriting = words.rewriting(where, after, self.key_of(where))
                await self.cluster.patch(where, (at_version(seen), *rewriting))
            except Conflict:
                await asyncio.sleep(PAUSE * attempt)
                continue
            return after
        raise Conflict(f"{where}: somebody was faster {ATTEMPTS} times")

    def _dated(self, ledger: Ledger) -> Ledger:
        if ledger.is_open:
            return ledger.having(closed=None) if ledger.closed else ledger
        return ledger if ledger.closed else ledger.having(closed=self.clock.now())


def _named(body: Json) -> Ref:
    namespace, name = text_at(body, "/metadata/namespace"), text_at(body, "/metadata/name")
    return Ref(kind="ConfigMap", namespace=namespace, name=name)


def _having(line: Line, **fields: object) -> Line:
    return line.model_copy(update=fields)
