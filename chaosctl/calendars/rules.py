"""Why: a rule of a calendar that is half understood closes wrong days; it is understood whole, or refused."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chaosctl.calendars.recurrence import Frequency, Nth, Rule, counted

_FREQUENCIES: Mapping[str, Frequency] = {
    "DAILY": "DAILY",
    "WEEKLY": "WEEKLY",
    "MONTHLY": "MONTHLY",
    "YEARLY": "YEARLY",
}
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_NTH = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_PARTS = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS", "WKST")

Parts = Mapping[str, Iterable[object]]


class When(NamedTuple):
    """A date or a time as written: on the wall, and on whose. A date is its first moment, on anybody's."""

    wall: datetime
    where: ZoneInfo | None
    is_date: bool = False

    def on_the_wall_of(self, other: "When") -> datetime:
        """The same time as the other one's wall shows it."""
        if self.where is None or other.where is None or self.where == other.where:
            return self.wall
        return self.wall.replace(tzinfo=self.where).astimezone(other.where).replace(tzinfo=None)


def rule_of(parts: Parts, start: When) -> Rule:
    """A rule (RRULE) from its parts, for an event that starts then. Raises ValueError."""
    unknown = sorted(set(parts) - set(_PARTS))
    if unknown:
        raise ValueError(f"RRULE: {', '.join(unknown)} is not understood; known: {', '.join(_PARTS)}")
    frequency = _FREQUENCIES.get(str(_one(parts, "FREQ", "")))
    if frequency is None:
        raise ValueError(f"RRULE: FREQ must be one of {', '.join(_FREQUENCIES)}")
    if "BYSETPOS" in parts and frequency in {"DAILY", "WEEKLY"}:
        raise ValueError("RRULE: BYSETPOS is understood for months and years only")
    rule = Rule(
        start=start.wall.date(),
        frequency=frequency,
        interval=_positive(_one(parts, "INTERVAL", 1)),
        until=_until(_one(parts, "UNTIL", None), start),
        months=_numbers(parts, "BYMONTH"),
        month_days=_numbers(parts, "BYMONTHDAY"),
        weekdays=tuple(_nth(str(day)) for day in parts.get("BYDAY", ())),
        positions=_numbers(parts, "BYSETPOS"),
        week_start=_WEEKDAYS.index(str(_one(parts, "WKST", "MO"))),
    )
    if "COUNT" not in parts:
        return rule
    last = counted(rule, _positive(_one(parts, "COUNT", 1)))
    return rule._replace(until=datetime.combine(last, time.max))


def _one(parts: Parts, name: str, default: object) -> object:
    return next(iter(parts.get(name, ())), default)


def _numbers(parts: Parts, name: str) -> frozenset[int]:
    return frozenset(int(str(number)) for number in parts.get(name, ()))


def _positive(value: object) -> int:
    number = int(str(value))
    if number < 1:
        raise ValueError(f"RRULE: {number} is not 1 or more")
    return number


def _until(value: object, start: When) -> datetime | None:
    if isinstance(value, datetime):
        where = value.tzinfo if isinstance(value.tzinfo, ZoneInfo) else None
        return When(value.replace(tzinfo=None), where).on_the_wall_of(start)
    if isinstance(value, date):
        return datetime.combine(value, time.max)
    if value is not None:
        raise ValueError("RRULE: UNTIL is neither a date nor a time")
    return None


def _nth(text: str) -> Nth:
    match = _NTH.fullmatch(text)
    if match is None:
        raise ValueError(f'RRULE: "{text[:20]}" is no weekday, like MO or -1FR')
    return Nth(_WEEKDAYS.index(match[2]), int(match[1] or 0))
