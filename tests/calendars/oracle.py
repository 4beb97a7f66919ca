"""Why: whoever checks a scheduler with its own arithmetic checks nothing.

This counts minutes. It looks at the wall clock of each zone once a minute for a whole year, and knows nothing
of triggers, their libraries, or intervals. What must run follows from a few sentences (`Judge.owes`), without
any memory but of what ran.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from itertools import accumulate
from zoneinfo import ZoneInfo

START = datetime(2027, 7, 1, tzinfo=UTC)  # a year with a 29 February
YEAR = 366 * timedelta(days=1)
DAYS = 366 + 32  # for the times that come next
MINUTES = DAYS * 24 * 60
MINUTE = timedelta(minutes=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST = 100
NAMES = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}


@cache
def walls(zone):
    """What the clock shows at every minute of the year, as minutes since 1970, without a zone."""
    where, first, found = ZoneInfo(zone), int(START.timestamp()) // 60, []
    for quarter in range(0, MINUTES, 15):  # clocks change on quarters of an hour
        offset = (START + quarter * MINUTE).astimezone(where).utcoffset() // MINUTE
        found += range(first + quarter + offset, first + quarter + offset + 15)
    return found


def numbers(text, low, high):
    """A field of a crontab: lists, ranges and steps, nothing else."""
    found = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        if first == "*":
            first, last = low, high
        first = NAMES.get(first, first)
        last = NAMES.get(last, last) if dash or last else first
        found |= set(range(int(first), int(last) + 1, int(step or 1)))
    return found


def matcher(cron):
    """Whether a wall time is one of a crontab's."""
    minute, hour, day, month, weekday = {"@monthly": "0 0 1 * *"}.get(cron, cron).split()
    minutes, hours = numbers(minute, 0, 59), numbers(hour, 0, 23)
    days, months = numbers(day, 1, 31), numbers(month, 1, 12)
    weekdays = {one % 7 for one in numbers(weekday, 0, 7)}
    either = day != "*" and weekday != "*"

    @cache
    def is_on(date):
        seen = EPOCH + timedelta(days=date)
        on_day, on_weekday = seen.day in days, seen.isoweekday() % 7 in weekdays
        return seen.month in months and (on_day or on_weekday if either else on_day and on_weekday)

    return lambda wall: wall % 60 in minutes and wall // 60 % 24 in hours and is_on(wall // 1440)


@cache
def scheduled(cron, zone):
    """The moments of a schedule in the year: each wall time once, and those of a gap at its end."""
    comes, found, shown = matcher(cron), [], walls(zone)
    latest = shown[0] - 1
    for number, wall in enumerate(shown):
        hit = comes(wall) if wall == latest + 1 else any(map(comes, range(latest + 1, wall + 1)))
        if hit:
            found.append(START + number * MINUTE)
        if wall > latest:  # noqa: PLR1730 - twice as fast, six million times
            latest = wall
    return found


@dataclass(frozen=True)
class Hours:
    """Windows, as a test of a wall time. `shut` are wall times in pairs, as texts."""

    zone: str
    days: frozenset[int]  # Monday is 0
    start: int = 0
    until: int = 24 * 60
    shut: tuple[tuple[str, str], ...] = ()

    def is_open(self, wall):
        day, minute = divmod(wall, 1440)
        weekday = (day + 3) % 7  # 1970 began on a Thursday
        inside = weekday in self.days and self.start <= minute < self.until
        inside |= (weekday - 1) % 7 in self.days and minute < self.until - 1440
        return inside and not any(first <= wall < last for first, last in self.pairs())

    @cache  # noqa: B019 - there are three of them
    def pairs(self):
        return [tuple(map(in_minutes, pair)) for pair in self.shut]

    @cache  # noqa: B019
    def closed_before(self):
        """How many minutes of the year before each one are closed."""
        return list(accumulate((not self.is_open(wall) for wall in walls(self.zone)), initial=0))

    def lets(self, at, lasts):
        first = int((at - START) // MINUTE)
        last = int(-((START - at - lasts) // MINUTE))
        if not 0 <= first <= last <= MINUTES:
            return False
        return (
            self.closed_before()[last] == self.closed_before()[first]
            if last > first
            else self.lets(at, MINUTE)
        )


def in_minutes(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) // 60


@dataclass(frozen=True)
class Time:
    """One time of a schedule, and when it is due."""

    scheduled: datetime
    at: datetime


@dataclass(frozen=True)
class Version:
    """What a drill said from one moment on."""

    since: datetime
    cron: str
    zone: str
    asleep: bool = False


@dataclass
class Judge:
    """Says what had to start when somebody looked, from what ran before, and from nothing else."""

    name: str
    missed: str
    jitter: timedelta
    deadline: timedelta
    lasts: timedelta
    hours: Hours | None
    listed: dict[Version, tuple[list[Time], list[Time]]] = field(default_factory=dict)

    def times(self, version):
        """All times of a version, and those of them that the windows let through."""
        if version not in self.listed:
            moments = scheduled(version.cron, version.zone)
            first = bisect_right(moments, version.since)
            pairs = zip(moments[first:], [*moments[first + 1 :], START + 2 * YEAR], strict=True)
            every = (
                [] if version.asleep else [Time(one, self.due(one, following)) for one, following in pairs]
            )
            self.listed[version] = every, [one for one in every if self.lets(one.at)]
        return self.listed[version]

    def due(self, moment, following):
        share = int(sha256(f"models/{self.name} {moment:%Y%m%d%H%M}".encode()).hexdigest()[:16], 16) / 16**16
        return moment + timedelta(seconds=int(share * min(self.jitter, following - moment).total_seconds()))

    def lets(self, at):
        return self.hours is None or self.hours.lets(at, self.lasts)

    def owes(self, version, now, ran, *, free):
        """The time that must start now; None where none may. `ran` are the scheduled times that ever did.

        The target is free, and the windows are open. Of times that the windows let through and that are due:
        skip  - the last one, if it has not run, and its deadline is not over;
        once  - the last one, if it has not run;
        all   - the first one that has not run, of the last hundred.
        """
        if not free or not self.lets(now):
            return None
        every, able = self.times(version)
        due = able[: bisect_right(able, now, key=lambda one: one.at)]
        if self.missed == "all":
            reach = every[: bisect_right(every, now, key=lambda one: one.scheduled)][-MOST - 1 :]
            due = [one for one in due[-MOST:] if one.scheduled >= reach[0].scheduled]
            return next((one for one in due if one.scheduled not in ran), None)
        if not due or due[-1].scheduled in ran:
            return None
        late = self.missed == "skip" and now - due[-1].at > self.deadline
        return None if late else due[-1]
