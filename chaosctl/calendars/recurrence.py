"""Why: a calendar comes from anybody, and "every day when it is 30 February" must cost nothing.

A rule (RFC 5545, RRULE) is asked day by day whether it falls there, so its cost is bounded by the days that
are asked about, not by the search for a next one. What comes more often than daily is refused.
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

WEEK = 7
MONTHS = 12
LONGEST_COUNT = timedelta(days=40 * 365)
_ONE_DAY = timedelta(days=1)

Frequency = Literal["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]


class Nth(NamedTuple):
    """A weekday (Monday is 0): every one, or the n-th of its month or year, from the end where n < 0."""

    weekday: int
    n: int = 0


class Rule(NamedTuple):
    """On which days something that began on `start` comes again, that day included where it fits."""

    start: date
    frequency: Frequency
    interval: int = 1
    until: datetime | None = None
    """The last wall time at which it may begin."""
    months: frozenset[int] = frozenset()
    month_days: frozenset[int] = frozenset()
    weekdays: tuple[Nth, ...] = ()
    positions: frozenset[int] = frozenset()
    week_start: int = 0


def days(rule: Rule, first: date, last: date) -> Iterator[date]:
    """The days of a rule from `first` to `last`, both included."""
    day = max(first, rule.start)
    while day <= last:
        if _falls_on(rule, day):
            yield day
        day += _ONE_DAY


def counted(rule: Rule, count: int) -> date:
    """The day of the `count`-th time. Raises ValueError where that is not within LONGEST_COUNT."""
    last = rule.start + LONGEST_COUNT
    for number, day in enumerate(days(rule, rule.start, last), 1):
        if number == count:
            return day
    raise ValueError(f"COUNT={count} reaches over more than {LONGEST_COUNT.days // 365} years")


def _falls_on(rule: Rule, day: date) -> bool:
    if (_period(rule, day) - _period(rule, rule.start)) % rule.interval or not _matches(rule, day):
        return False
    return not rule.positions or day in _chosen(rule, day)


def _period(rule: Rule, day: date) -> int:
    """The number of the day, week, month or year."""
    match rule.frequency:
        case "DAILY":
            return day.toordinal()
        case "WEEKLY":
            return (day.toordinal() - 1 - rule.week_start) // WEEK
        case "MONTHLY":
            return day.year * MONTHS + day.month
        case "YEARLY":
            return day.year


def _matches(rule: Rule, day: date) -> bool:
    if rule.months and day.month not in rule.months:
        return False
    from_the_end = day.day - monthrange(day.year, day.month)[1] - 1
    if rule.month_days and rule.month_days.isdisjoint({day.day, from_the_end}):
        return False
    if rule.weekdays:
        return any(_is_nth(rule, day, nth) for nth in rule.weekdays)
    return bool(rule.month_days) or _like_the_start(rule, day)


def _like_the_start(rule: Rule, day: date) -> bool:
    """What a rule that names no days takes over from the first time."""
    match rule.frequency:
        case "DAILY":
            return True
        case "WEEKLY":
            return day.weekday() == rule.start.weekday()
        case "MONTHLY":
            return day.day == rule.start.day
        case "YEARLY":
            return day.day == rule.start.day and (bool(rule.months) or day.month == rule.start.month)


def _is_nth(rule: Rule, day: date, nth: Nth) -> bool:
    if day.weekday() != nth.weekday:
        return False
    if nth.n == 0 or rule.frequency in {"DAILY", "WEEKLY"}:
        return True
    if rule.frequency == "MONTHLY" or rule.months:
        number, length = day.day, monthrange(day.year, day.month)[1]
    else:
        number = day.timetuple().tm_yday
        length = date(day.year, MONTHS, 31).timetuple().tm_yday
    return nth.n in {(number - 1) // WEEK + 1, -((length - number) // WEEK + 1)}


def _chosen(rule: Rule, day: date) -> set[date]:
    """The days of its period that are picked by their place among those that match."""
    period, first = _period(rule, day), day
    while _period(rule, first - _ONE_DAY) == period:
        first -= _ONE_DAY
    matching: list[date] = []
    while _period(rule, first) == period:
        if _matches(rule, first):
            matching.append(first)
        first += _ONE_DAY
    places = {place - 1 if place > 0 else place for place in rule.positions}
    return {matching[place] for place in places if -len(matching) <= place < len(matching)}
