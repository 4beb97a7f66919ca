"""Why: closing a ledger is not the end of it: creations may land late, ReplicaSets empty slowly."""

from contextlib import suppress
from datetime import datetime, timedelta

from chaosctl.changes import Outcome
from chaosctl.cluster import residue
from chaosctl.cluster.ledger import LATEST, Ledger, Leftover, Line
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.cluster.restore import undo_create, unmark
from chaosctl.errors import Gone
from chaosctl.model import Patch, Ref

LOOK_AGAIN = timedelta(milliseconds=200)


async def tidy(where: Ref, ledgers: Ledgers) -> bool:
    """Remove what a ledger's closed lines left or what came late. Says whether nothing is left to do now.

    Late creations can still come as long as their requests can be on the way: call it again meanwhile.
    """
    ledger = await ledgers.read(where)
    if ledger is None:
        return True
    closed = [line for line in ledger.lines if not line.is_open]
    for line in ledger.unanswered:
        await _unmarked(line, ledgers)
    late = [await _removed(leftover, ledgers) for leftover in ledger.late()]
    return all([await _tidied(where, line, ledgers) for line in closed]) and not any(late)


async def settle(where: Ref, ledgers: Ledgers, within: timedelta) -> bool:
    """Tidy until nothing is left to do, or the time is over."""
    end = ledgers.clock.now() + within
    while not (done := await tidy(where, ledgers)) and ledgers.clock.now() < end:
        await ledgers.clock.sleep_until(ledgers.clock.now() + LOOK_AGAIN)
    return done


def finished(ledger: Ledger, now: datetime) -> bool:
    """Whether nothing is left to do about a ledger, now or later."""
    answered = all(now >= line.deadline + LATEST for line in ledger.unanswered)
    arrived = answered and all(now >= late.until for late in ledger.leftovers)
    return arrived and not ledger.is_open and all(line.tidy for line in ledger.lines)


async def remove_finished(where: Ref, run: str, ledgers: Ledgers) -> bool:
    """Delete a run's ledger that nobody needs any more; whether nothing of the run is left to be done."""
    try:
        body = await ledgers.cluster.get(where)
    except Gone:
        return True
    ledger = ledgers.parse(where, body)
    if ledger.run != run:
        return True
    if not finished(ledger, ledgers.clock.now()):
        return False
    if ledger.journalled:
        await ledgers.remove(where, body)
    return True


async def _tidied(where: Ref, line: Line, ledgers: Ledgers) -> bool:
    if line.tidy:
        return True
    if not await residue.clear(line.plan, line.known, ledgers.cluster):
        return False
    await ledgers.mark_tidy(where, line.entry)
    return True


async def _unmarked(line: Line, ledgers: Ledgers) -> None:
    for step in line.plan:
        if isinstance(step, Patch):
            with suppress(Gone):
                await unmark(step, ledgers.cluster)


async def _removed(leftover: Leftover, ledgers: Ledgers) -> bool:
    undone = await undo_create(leftover.create, leftover.run, ledgers.cluster)
    return undone.outcome is Outcome.UNDONE
