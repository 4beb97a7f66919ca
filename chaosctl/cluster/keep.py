"""Why: a hold proves nothing after somebody has ended the fault early. So what we changed is watched."""

from datetime import timedelta

import structlog

from chaosctl.changes import Standing, standing
from chaosctl.cluster import banish, drain
from chaosctl.cluster.ledger import Line
from chaosctl.cluster.restore import restorer
from chaosctl.errors import ClusterError, Gone
from chaosctl.model import Banish, Create, Evict, Model, Patch, Ref
from chaosctl.ports import Clock, Cluster

EVERY = timedelta(milliseconds=250)
ASKED_EVERY = 4  # turns: a budget that says no is asked again after a second
log = structlog.get_logger(__name__)


class Ended(Model):
    """Our changes no longer hold. BEFORE: all are back as they were; FOREIGN: a path has another value.

    `gone`: what `path` names was deleted.
    """

    standing: Standing
    by: str = ""
    path: str = ""
    gone: bool = False


async def keep(line: Line, cluster: Cluster, clock: Clock) -> Ended:
    """Hold a line's changes until somebody ends them; cancelled when the hold is over."""
    turn, told, blind = 0, set[str](), False
    while True:
        try:
            if clock.now() < line.deadline:  # whoever slept through it does nothing more
                held = await _chase(line, cluster, ask=turn % ASKED_EVERY == 0)
                _tell(held - told)
                told |= held
            if ended := await _look(line, cluster):
                return ended
            blind = False
        except ClusterError as error:
            if not blind:  # said once, however long it lasts
                log.warning("could not look at what was changed", entry=line.entry, error=str(error))
            blind = True
        await clock.sleep_until(clock.now() + EVERY)
        turn += 1


async def _chase(line: Line, cluster: Cluster, *, ask: bool) -> set[str]:
    """Do again what lasts as long as the hold; says what holds pods back."""
    held = set[str]()
    for step in line.plan:
        if isinstance(step, Banish):
            await banish.once(step, cluster)
        if isinstance(step, Evict) and ask:
            held |= {*await drain.once(step, cluster)}
    return held


def _tell(reasons: set[str]) -> None:
    for why in sorted(reasons):
        log.info("a disruption budget holds a pod back", why=why)


async def _look(line: Line, cluster: Cluster) -> Ended | None:
    for step in line.plan:
        if isinstance(step, Create) and await _is_gone(step, cluster):
            return _deleted(step.ref)  # traffic may be on its way through it: sooner back is better
    patches = [step for step in line.plan if isinstance(step, Patch)]
    found = [await _ended(step, cluster) for step in patches]
    foreign = [ended for ended in found if ended and ended.standing is Standing.FOREIGN]
    if foreign:
        return foreign[0]
    return found[-1] if found and all(found) else None


async def _ended(step: Patch, cluster: Cluster) -> Ended | None:
    try:
        seen = await cluster.get(step.ref)
    except Gone:
        return _deleted(step.ref)
    standings = {edit.path: standing(step, edit, seen) for edit in step.edits}
    for path, found in standings.items():
        if found is Standing.FOREIGN:
            return Ended(standing=found, by=restorer(step, seen), path=path)
    if Standing.OURS in standings.values():
        return None
    return Ended(standing=Standing.BEFORE, by=restorer(step, seen))


async def _is_gone(step: Create, cluster: Cluster) -> bool:
    try:
        await cluster.get(step.ref)
    except Gone:
        return True
    return False


def _deleted(ref: Ref) -> Ended:
    return Ended(standing=Standing.FOREIGN, path=str(ref), gone=True)
