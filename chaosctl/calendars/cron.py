"""Why: the times of a schedule must come from well-tried code, without its traps.

APScheduler is known only here. Its trigger counts weekdays from Monday, wants day and weekday both, and fires
twice when the clock is put back. So it gets the fields as we read them (`chaosctl.spec.cron`), and counts
wall times on a clock that is never changed; `chaosctl.spec.zones` says which moments they mean.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import takewhile
from typing import Protocol

from chaosctl.spec.cron import MONTHS, WEEKDAYS, parse
from chaosctl.spec.schedule import Schedule
from chaosctl.spec.zones import moment, wall_time, zone

_FIRST_LOOK = timedelta(minutes=2)
_AT_ONCE = timedelta(microseconds=1)


class Trigger(Protocol):
    """As much of APScheduler's as is used."""

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None: ...


def times(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """The scheduled times after a moment, in UTC, for ever; no moment twice."""
    where = zone(schedule.timezone)
    last, wall = after, wall_time(after, where).replace(second=0, microsecond=0)
    while True:
        wall = _next_wall(schedule.cron, wall)
        at = moment(wall, where)
        if at > last:
            yield at
            last = at


def last_times(schedule: Schedule, after: datetime, until: datetime, most: int) -> list[datetime]:
    """The last scheduled times in (after, until], `most` of them at most, in order."""
    reach = _FIRST_LOOK
    while True:
        start = max(after, until - reach)
        found = list(takewhile(lambda at: at <= until, times(schedule, start)))
        if start == after or len(found) >= most:
            return found[-most:]
        reach *= 4


@lru_cache(maxsize=4096)
def _next_wall(cron: str, after: datetime) -> datetime:
    """The first wall time after one. Whoever waits for a time asks for the same ones again and again."""
    now = after.replace(tzinfo=UTC) + _AT_ONCE
    found = [trigger.get_next_fire_time(None, now) for trigger in _triggers(cron)]
    return min(at.replace(tzinfo=None) for at in found if at is not None)


@lru_cache(maxsize=256)
def _triggers(text: str) -> tuple[Trigger, ...]:
    """One trigger, or two where either of day and weekday is enough."""
    from apscheduler.triggers.cron import CronTrigger  # type: ignore[import-untyped]  # noqa: PLC0415 - 15 MiB

    cron = parse(text)
    weekdays = cron.weekdays and ",".join(WEEKDAYS[day] for day in sorted(cron.weekdays))
    days = cron.days and _text(cron.days)
    shared = {
        "month": ",".join(MONTHS[month - 1] for month in sorted(cron.months)),
        "hour": _text(cron.hours),
        "minute": _text(cron.minutes),
        "timezone": UTC,
    }
    wanted = [given for given in ({"day": days}, {"day_of_week": weekdays}) if all(given.values())]
    return tuple(CronTrigger(**shared, **given) for given in wanted or [{}])


def _text(numbers: frozenset[int]) -> str:
    return ",".join(map(str, sorted(numbers)))
