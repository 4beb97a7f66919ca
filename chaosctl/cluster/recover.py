"""Why: where no guardian stood, a person must be able to put everything back with one command."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from chaosctl.cluster.by_hand import by_hand
from chaosctl.cluster.ledger import Ledger, Line, Undone
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.cluster.owner import lives
from chaosctl.cluster.restore import restore
from chaosctl.cluster.sweep import settle
from chaosctl.errors import ChaosError
from chaosctl.model import Json, Model, Ref

SETTLED_WITHIN = timedelta(seconds=30)  # a rollout back may have to make room first


class Recovered(Model):
    """What became of one open line, or of a ledger that could not be read or finished (it has no entry).

    `why` says why it may be undone; `error` what went wrong, and then `repair` how to do it by hand.
    """

    where: Ref
    run: str = ""
    entry: str = ""
    why: str = ""
    outcomes: tuple[Undone, ...] = ()
    error: str = ""
    repair: str = ""


async def recover(
    ledgers: Ledgers, namespaces: Sequence[str] = ("",), *, dry_run: bool = False, options: str = ""
) -> tuple[Recovered, ...]:
    """Undo every line past its deadline or without a living owner; only list them when `dry_run`.

    `options` are those by which kubectl reaches the cluster, for what has to be repaired by hand.
    """
    done: list[Recovered] = []
    for namespace in namespaces:
        for where, body in await ledgers.all(namespace):
            done += await _ledger(where, body, ledgers, options, dry_run=dry_run)
    return tuple(done)


async def _ledger(
    where: Ref, body: Json, ledgers: Ledgers, options: str, *, dry_run: bool
) -> list[Recovered]:
    try:
        ledger = ledgers.parse(where, body)
    except ChaosError as error:
        return [Recovered(where=where, error=str(error))]
    due = {line.entry: why for line in ledger.open_lines if (why := _due(ledger, line, ledgers.clock.now()))}
    lines = [line for line in reversed(ledger.open_lines) if line.entry in due]
    found = [Recovered(where=where, run=ledger.run, entry=line.entry, why=due[line.entry]) for line in lines]
    if dry_run:
        return found
    done = [await _line(one, line, ledgers, options) for one, line in zip(found, lines, strict=True)]
    try:
        await _finish(where, ledger, ledgers)
    except ChaosError as error:  # the other ledgers must not wait for this one
        done.append(Recovered(where=where, run=ledger.run, error=str(error)))
    return done


async def _line(found: Recovered, line: Line, ledgers: Ledgers, options: str) -> Recovered:
    try:
        outcomes = await restore(found.where, found.entry, ledgers)
    except ChaosError as error:
        return found.model_copy(update={"error": str(error), "repair": by_hand(line, options)})
    return found.model_copy(update={"outcomes": outcomes})


async def _finish(where: Ref, ledger: Ledger, ledgers: Ledgers) -> None:
    """Let go of a target whose run is dead, and remove what it left."""
    if ledger.owner and not lives(ledger.owner):
        await ledgers.release(where, ledger.run)
    await settle(where, ledgers, SETTLED_WITHIN)


def _due(ledger: Ledger, line: Line, now: datetime) -> str:
    if now >= line.deadline:
        return "past its deadline"
    return "its run is dead" if ledger.owner and not lives(ledger.owner) else ""
