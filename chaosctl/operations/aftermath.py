"""Why: however a run ends, nothing of it may stay; what does is said with the command that repairs it."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import structlog

from chaosctl.cluster.by_hand import by_hand
from chaosctl.cluster.restore import restore
from chaosctl.cluster.sweep import settle
from chaosctl.errors import ChaosError, ClusterError
from chaosctl.model import Ref
from chaosctl.operations.perform import World

TRIES = 6
LONGEST_PAUSE = 4.0  # seconds between two tries
TIDY_WITHIN = timedelta(seconds=10)  # ReplicaSets that a fault made empty slowly
log = structlog.get_logger(__name__)


async def restored(where: Ref, world: World) -> bool:
    """Undo every open line; whether nothing is left."""
    for attempt in range(TRIES):
        with suppress(ChaosError):
            ledger = await world.ledgers.read(where)
            for line in reversed(ledger.open_lines if ledger else []):
                await restore(where, line.entry, world.ledgers)
            return True
        await pause(attempt)
    return False


async def let_go(where: Ref, run: str, world: World, *, journalled: bool) -> bool:
    """Remove what undone changes left behind, and free the target; whether both could be done.

    `journalled`: the outcomes are in the journal, so that the ledger need not be kept for them.
    """
    why = "what the run caused is still there"
    for attempt in range(TRIES):
        try:
            tidy = await settle(where, world.ledgers, TIDY_WITHIN)
            await world.ledgers.release(where, run)
            if journalled:
                await world.ledgers.journalled(where, run)
        except ClusterError as error:
            why = str(error)
            await pause(attempt)
        else:
            if tidy:
                return True
            break
    log.warning("the run's ledger is not finished; a guardian or `chaosctl recover` will", run=run, why=why)
    return False


async def repair(where: Ref, world: World) -> str:
    """The commands that a person needs where something is left."""
    command = f"chaosctl recover {world.options}".rstrip()
    try:
        ledger = await world.ledgers.read(where)
    except ClusterError as error:
        return f"{command}\n# when the cluster answers again; now its ledger cannot be read ({error})"
    lines = ledger.open_lines if ledger else []
    return "\n".join([command, "# or by hand:", *(by_hand(line, world.options) for line in reversed(lines))])


async def pause(attempt: int) -> None:
    """Longer with every attempt."""
    await asyncio.sleep(min(float(attempt), LONGEST_PAUSE))
