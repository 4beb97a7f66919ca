"""Why: a write must not arrive after its undo. So the order is: the target, the ledger, the write.

The write is pinned to the version that the target had *before* the ledger was seen to be APPLYING. Whoever
undoes the line moves the ledger first and the target's version second. So a process that slept in between
writes either before the undo looks, or not at all. A creation has no version to pin; what we create carries
the run's label, so that one that lands late is found and removed.
"""

import asyncio
from datetime import datetime, timedelta
from typing import cast

from chaosctl.changes import at_version, forward, look
from chaosctl.cluster import banish, drain, proxies, trouble
from chaosctl.cluster.ledger import MANAGED_BY, RUN, US, Line, LineState
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.cluster.residue import known_replica_sets
from chaosctl.errors import Conflict, TooLate
from chaosctl.model import Banish, Create, Delete, Evict, Json, Patch, Ref, Step, Switch

ATTEMPTS = 12  # a status update or another lane may change the target's version in between
PAUSE = 0.02  # seconds, longer with every attempt
LOOK_AGAIN = timedelta(milliseconds=100)


async def inject(  # noqa: PLR0913 - a place, a line, two worlds and two limits
    where: Ref, run: str, line: Line, ledgers: Ledgers, *, guarded: bool, ready_by: datetime
) -> None:
    """Apply a line's steps in order, the ledger first. Raises Busy, TooLate, CannotPlan, ClusterError.

    `guarded` waits for a guardian's mark; that, and what waits to be ready, has time until `ready_by`.
    """
    known = await known_replica_sets(line.plan, ledgers.cluster)
    await ledgers.enter(where, run, line.model_copy(update={"known": known}))
    if guarded:
        await _guardian(where, line.entry, ledgers, ready_by)
    await ledgers.move(where, line.entry, LineState.APPLYING, touched=True)
    for step in line.plan:
        await _apply(step, where, run, line, ledgers)
        if isinstance(step, Create) and step.wait:
            await _until_ready(step.ref, ledgers, ready_by)
    await ledgers.move(where, line.entry, LineState.APPLIED, acknowledged=True)


async def _guardian(where: Ref, entry: str, ledgers: Ledgers, until: datetime) -> None:
    why = "is one running, with rights?"
    while ledgers.clock.now() < until:
        ledger = await ledgers.read(where)
        line = ledger.line(entry) if ledger else None
        if line is None or line.ready:
            return
        why = line.objection or why
        await ledgers.clock.sleep_until(ledgers.clock.now() + LOOK_AGAIN)
    raise TooLate(f"{entry}: no guardian said in time that it would undo this; {why}")


async def _apply(step: Step, where: Ref, run: str, line: Line, ledgers: Ledgers) -> None:
    match step:
        case Patch():
            await _patch(step, where, line, ledgers)
        case Create():
            await _still_allowed(where, line, ledgers)
            await ledgers.cluster.create(step.ref, labelled(step.body, run))
        case Delete():
            await _still_allowed(where, line, ledgers)
            await ledgers.cluster.delete(step.ref, step.uid, grace_seconds=step.grace_seconds)
        case Banish():
            await _still_allowed(where, line, ledgers)
            await banish.once(step, ledgers.cluster)
        case Evict():  # whoever is held back is asked again through the hold
            await _still_allowed(where, line, ledgers)
            await drain.once(step, ledgers.cluster)
        case Switch():
            await proxies.transparent(step, ledgers)
            await _still_allowed(where, line, ledgers)
            await proxies.switch_on(step, line.deadline, ledgers.cluster)


async def _patch(step: Patch, where: Ref, line: Line, ledgers: Ledgers) -> None:
    for attempt in range(ATTEMPTS):
        pin = at_version(await ledgers.cluster.get(step.ref))
        await _still_allowed(where, line, ledgers)
        try:
            await ledgers.cluster.patch(step.ref, (pin, *forward(step)))
        except Conflict:
            await asyncio.sleep(PAUSE * attempt)
            continue
        return
    raise Conflict(f"{line.entry}: {step.ref} changed {ATTEMPTS} times")


async def _still_allowed(where: Ref, line: Line, ledgers: Ledgers) -> None:
    ledger = await ledgers.read(where)
    current = ledger.line(line.entry) if ledger else None
    if current is None or current.state is not LineState.APPLYING:
        raise TooLate(f"{line.entry}: no longer applying in the ledger")
    if ledgers.clock.now() >= line.deadline:
        raise TooLate(f"{line.entry}: the deadline has passed")


async def _until_ready(ref: Ref, ledgers: Ledgers, until: datetime) -> None:
    while not is_ready(body := await ledgers.cluster.get(ref)):
        if ledgers.clock.now() >= until:
            why = await trouble.of_workload(ref, body, ledgers.cluster)
            raise TooLate(f"{ref}: not ready within the time to set up: {why or 'nobody says why'}")
        await ledgers.clock.sleep_until(ledgers.clock.now() + LOOK_AGAIN)


def is_ready(body: Json) -> bool:
    """Whether an object reports what its spec asks for; one without replicas is ready once it is there."""
    wanted = look(body, "/spec/replicas")
    current = look(body, "/status/observedGeneration") == look(body, "/metadata/generation")
    return wanted is None or (current and look(body, "/status/readyReplicas") == wanted)


def labelled(body: Json, run: str) -> Json:
    """The object with the labels by which we know our own."""
    metadata = cast("Json", body.get("metadata") or {})
    labels = {**cast("Json", metadata.get("labels") or {}), RUN: run, MANAGED_BY: US}
    return {**body, "metadata": {**metadata, "labels": labels}}
