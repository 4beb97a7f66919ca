"""Why: every time of a schedule leaves a Run object, and a cluster that keeps them all fills up with them.

Nothing that is known is lost with them: their journals stay. And no time comes twice by it: only what the
Drill's status calls served goes. The store alone does not tell: what was never accepted has no journal.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import structlog

from chaosctl.changes import look, text_at
from chaosctl.controller import names
from chaosctl.controller.desk import is_over
from chaosctl.controller.office import Office
from chaosctl.errors import ClusterError, Conflict, Gone
from chaosctl.model import Json

AT_ONCE = 50  # Runs of one Drill in one look; the other Drills want to fire
log = structlog.get_logger(__name__)


async def tidy(drill: Json, keep: int, office: Office) -> None:
    """Delete the oldest finished Runs of a Drill's schedule, until so many are left."""
    like = names.ref("Run", text_at(drill, "/metadata/namespace"))
    try:
        runs = await office.objects.find(like, f"{names.DRILL}={_name(drill)}")
        for run in surplus(drill, runs, keep)[:AT_ONCE]:
            await _delete(run, office)
    except ClusterError as error:
        log.warning("finished Runs could not be removed", drill=names.origin(drill), error=str(error))


def surplus(drill: Json, runs: Sequence[Json], keep: int) -> list[Json]:
    """The finished Runs of a Drill's schedule beyond the latest `keep`, oldest first, as far as served."""
    finished = sorted((run for run in runs if is_over(run) and _fired(drill, run)), key=_name)
    served = _served(drill)
    return [run for run in finished[:-keep] if _name(run) <= served]


def _fired(drill: Json, run: Json) -> bool:
    """Whether it is called after a time: whoever copies a Run copies its label, too."""
    return bool(re.fullmatch(rf"{re.escape(_name(drill))}-\d{{12}}", _name(run)))


def _served(drill: Json) -> str:
    """What the Run is called, up to which everything is decided; "" where the status does not say."""
    until = look(drill, "/status/lastScheduled")
    moment = datetime.fromisoformat(str(until)).astimezone(UTC) if until else None
    return f"{_name(drill)}-{moment:%Y%m%d%H%M}" if moment else ""


async def _delete(run: Json, office: Office) -> None:
    """Only this one: another of its name may be there by now. Raises ClusterError."""
    if not office.leads():
        return
    ref = names.ref("Run", text_at(run, "/metadata/namespace"), _name(run))
    try:
        await office.objects.delete(ref, text_at(run, "/metadata/uid"))
    except (Conflict, Gone):
        return  # it is gone already
    log.info("a finished Run was removed", run=names.origin(run))


def _name(body: Json) -> str:
    return text_at(body, "/metadata/name")
