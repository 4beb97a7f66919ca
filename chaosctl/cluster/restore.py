"""Why: there is one undo. Runner, guardian and `recover` call it, at any time, twice, or at once.

It needs no lease: it only ever undoes what is still ours, pinned to the version that it looked at.

A write of ours that was never answered may still arrive. Where it seems not to have happened, a fence (a
label, put there and taken away) moves the target's version on, so that it can no longer happen. A label of
the object itself, because a Deployment's annotations are copied to its ReplicaSets.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from chaosctl.changes import Outcome, Standing, at_version, backward, forward, look, outcome, patch, standing
from chaosctl.cluster import proxies
from chaosctl.cluster.fields import MANAGER, forget_us, manager_of
from chaosctl.cluster.ledger import RUN, Line, LineState, Undone
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.cluster.residue import leaves_any
from chaosctl.errors import Conflict, Gone, TooLate
from chaosctl.model import Create, Json, Op, Patch, Ref, Step, Switch
from chaosctl.ports import Cluster

ATTEMPTS = 12
PAUSE = 0.02  # seconds, longer with every attempt
FENCE = "/metadata/labels/chaosctl.dev~1fence"
NOTHING = Undone(outcome=Outcome.NOTHING_TO_UNDO)


class Memory(NamedTuple):
    """What a run knows itself of a line, in case that somebody deleted its ledger."""

    run: str
    line: Line


async def restore(
    where: Ref, entry: str, ledgers: Ledgers, memory: Memory | None = None
) -> tuple[Undone, ...]:
    """Undo one line of the ledger, last step first, and close it. Raises ClusterError; then call again.

    Without such a line nothing was written; but where the ledger is gone, what the run remembers is undone.
    """
    ledger = await ledgers.read(where)
    if memory and (ledger is None or ledger.run != memory.run):
        return await _undo_all(memory.line.model_copy(update={"touched": True}), memory.run, ledgers)
    line = ledger.line(entry) if ledger else None
    if ledger is None or line is None:
        await ledgers.bury(where, entry)
        return ()
    if line.is_open:
        try:
            line = await ledgers.move(where, entry, LineState.REVERTING) or line
        except TooLate:  # somebody else has closed it meanwhile
            return await restore(where, entry, ledgers)
        outcomes = await _undo_all(line, ledger.run, ledgers)
        tidy = not line.touched or not leaves_any(line.plan)
        line = await ledgers.move(where, entry, LineState.CLOSED, outcomes=outcomes, tidy=tidy) or line
    return line.outcomes


async def _undo_all(line: Line, run: str, ledgers: Ledgers) -> tuple[Undone, ...]:
    if not line.touched:
        return (NOTHING,) * len(line.plan)
    undone = []
    for step in reversed(line.plan):
        undone.append(await _undo(step, line, run, ledgers))
        await proxies.hand_back(step, line.plan, ledgers)
    return tuple(reversed(undone))


async def _undo(step: Step, line: Line, run: str, ledgers: Ledgers) -> Undone:
    match step:
        case Patch():
            return await _undo_patch(step, ledgers.cluster, fence=not line.acknowledged)
        case Create():
            return await undo_create(step, run, ledgers.cluster)
        case Switch():
            await proxies.switch_off(step, ledgers.cluster)
    return NOTHING


async def undo_create(step: Create, run: str, cluster: Cluster) -> Undone:
    """Delete what we created; never an object of the same name that is somebody else's."""
    try:
        seen = await cluster.get(step.ref)
        if look(seen, f"/metadata/labels/{RUN.replace('/', '~1')}") != run:
            return NOTHING
        await cluster.delete(step.ref, str(look(seen, "/metadata/uid")))
    except Gone:
        return Undone(outcome=Outcome.ALREADY_BACK)
    return Undone(outcome=Outcome.UNDONE, by=MANAGER)


async def _undo_patch(step: Patch, cluster: Cluster, *, fence: bool) -> Undone:
    """Write until there is nothing left to write; every write starts from a fresh look."""
    result, written = NOTHING, False
    for attempt in range(ATTEMPTS):
        try:
            seen = await cluster.get(step.ref)
        except Gone:
            return Undone(outcome=Outcome.ALREADY_BACK)
        result = result if written else _found(step, seen)
        ops = _next_write(step, seen, fence=fence)
        if not ops:
            return result
        try:
            await cluster.patch(step.ref, (at_version(seen), *ops))
            fence, written = False, True
        except Conflict:
            await asyncio.sleep(PAUSE * attempt)
    raise Conflict(f"{step.ref}: somebody was faster {ATTEMPTS} times")


async def unmark(step: Patch, cluster: Cluster) -> None:
    """Take away a fence, and our name, that somebody put there who did not know that all was over."""
    for _ in range(ATTEMPTS):
        with suppress(Conflict):
            seen = await cluster.get(step.ref)
            ops = _marks(step, seen)
            if not ops:
                return
            await cluster.patch(step.ref, (at_version(seen), *ops))


def _next_write(step: Patch, seen: Json, *, fence: bool) -> Sequence[Op]:
    ops = backward(step, seen)
    if ops:
        return ops
    if fence and look(seen, FENCE) is None:
        return forward(patch(step.ref, seen, {FENCE: "up"}))
    return _marks(step, seen)


def _marks(step: Patch, seen: Json) -> Sequence[Op]:
    """Take away the fence, else our name, else nothing."""
    if look(seen, FENCE) is not None:
        return forward(patch(step.ref, seen, {FENCE: None}))
    return forget_us(seen)


def _found(step: Patch, seen: Json) -> Undone:
    """What undoing comes to, and who did it: where it is back already, whoever wrote the field last.

    That may have been ourselves, without having heard the answer.
    """
    result, by = outcome(step, seen), restorer(step, seen)
    if result is Outcome.UNDONE or (result is Outcome.ALREADY_BACK and by == MANAGER):
        return Undone(outcome=Outcome.UNDONE, by=MANAGER)
    return Undone(outcome=result, by=by)


def restorer(step: Patch, seen: Json) -> str:
    """Who wrote the paths that are no longer ours, or "" where it cannot be told."""
    theirs = [edit for edit in step.edits if standing(step, edit, seen) is not Standing.OURS]
    names = (manager_of(seen, edit.path) for edit in theirs)
    return next((name for name in names if name), "")
