"""Why: a Drill says what its schedule did, and what comes next; the next look begins with what it says."""

from datetime import datetime

from chaosctl.calendars.schedule import Due
from chaosctl.changes import look
from chaosctl.controller.conditions import LONGEST
from chaosctl.controller.status import full
from chaosctl.model import Json
from chaosctl.report.text import clean
from chaosctl.spec.run import Condition, DrillStatus


def status(
    body: Json, now: datetime, wanted: Due | None = None, *, wrong: str = "", verdict: str = ""
) -> Json:
    """The status of a Drill. Where it is `wrong`, what was served stays as it was."""
    if wrong:
        return _kept(body) | _told(body, now, wrong)
    if wanted is None:
        return _told(body, now, "")
    last = wanted.start.name if wanted.start else str(look(body, "/status/lastRun") or "")
    told = DrillStatus(
        last_scheduled=wanted.served_until,
        next_scheduled=wanted.next.at if wanted.next else None,
        schedule=wanted.schedule,
        last_run=last,
        verdict=verdict,
        message=clean(wanted.message, LONGEST),
    )
    return full(told) | _told(body, now, "")


def _kept(body: Json) -> Json:
    """What the schedule must not forget, whatever else is wrong."""
    names = ("lastScheduled", "schedule", "lastRun", "verdict")
    return {name: value for name in names if (value := look(body, f"/status/{name}")) is not None}


def _told(body: Json, now: datetime, wrong: str) -> Json:
    generation = look(body, "/metadata/generation")
    number = generation if isinstance(generation, int) else 0
    condition = Condition(
        type="Accepted",
        status="False" if wrong else "True",
        reason="Invalid" if wrong else "Resolved",
        message=clean(wrong, LONGEST),
        last_transition_time=_since(body, now, wrong),
        observed_generation=number,
    )
    message = {"message": clean(wrong, LONGEST)} if wrong else {}
    return {**message, **full(DrillStatus(conditions=(condition,), observed_generation=number))}


def _since(body: Json, now: datetime, wrong: str) -> datetime:
    """When it became so: what it says already, where nothing has changed."""
    before = look(body, "/status/conditions/0")
    same = look(before, "/status") == ("False" if wrong else "True") and look(before, "/message") in (
        clean(wrong, LONGEST),
        None if not wrong else "",
    )
    since = look(before, "/lastTransitionTime") if same else None
    return datetime.fromisoformat(str(since)) if since else now
