"""Why: "0 10 * * 2" means Tuesday in every crontab; what a cron text means must not depend on a library.

The five fields are those of POSIX, with the names, steps and ranges that everybody knows from cron. Weekdays
count from Sunday = 0, and 7 is Sunday too. Where day and weekday are both given, either is enough.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MACROS: Mapping[str, str] = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_LONGEST_SHOWN = 40
_PART = re.compile(r"(?P<first>\*|\w{1,9})(?:-(?P<last>\w{1,9}))?(?:/(?P<step>[0-9]{1,3}))?", re.ASCII)


class _Field(NamedTuple):
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, MONTHS),
    _Field("weekday", 0, 6, WEEKDAYS),
)


class Cron(NamedTuple):
    """The values of each field. None stands for "any": then the other one of days and weekdays decides."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int] | None
    months: frozenset[int]
    weekdays: frozenset[int] | None
    """Sunday is 0."""


@lru_cache(maxsize=256)
def parse(text: str) -> Cron:
    """What a cron text means. Raises ValueError that says which field is wrong, and why."""
    fields = MACROS.get(text.strip().casefold(), text).split()
    if text.strip().startswith("@") and len(fields) == 1:
        raise ValueError(f"{_quoted(text)} is not known here; known: {', '.join(MACROS)}")
    if len(fields) != len(_FIELDS):
        wanted = "minute, hour, day of the month, month, weekday"
        raise ValueError(f"{_quoted(text)} has {len(fields)} fields, not five: {wanted}, like 0 10 * * 2")
    minutes, hours, days, months, weekdays = map(_values, fields, _FIELDS)
    any_day, any_weekday = _is_any(fields[2]), _is_any(fields[4])
    if any_weekday and min(days) > max(LONGEST_MONTHS[month - 1] for month in months):
        raise ValueError(f"{_quoted(text)} never comes: none of these months has a day {min(days)}")
    return Cron(minutes, hours, None if any_day else days, months, None if any_weekday else weekdays)


def _is_any(field: str) -> bool:
    return field in {"*", "*/1"}


def _values(text: str, field: _Field) -> frozenset[int]:
    return frozenset(value for part in text.split(",") for value in _of_a_part(part, field))


def _of_a_part(text: str, field: _Field) -> Iterator[int]:
    match = _PART.fullmatch(text)
    if match is None or (match["first"] == "*" and match["last"]):
        raise ValueError(
            f"the {field.name} {_quoted(text)} is not a value, a range or a step, like {_like(field)}"
        )
    step = int(match["step"] or 1)
    if step == 0:
        raise ValueError(f"the {field.name} {_quoted(text)} steps by 0; every second one is */2")
    first, last = _ends(match, field)
    if last < first:  # over the end, and on from the beginning: 22-2, fri-mon
        last += field.high - field.low + 1
    span = field.high - field.low + 1
    return ((value - field.low) % span + field.low for value in range(first, last + 1, step))


def _ends(match: re.Match[str], field: _Field) -> tuple[int, int]:
    if match["first"] == "*":
        return field.low, field.high
    first = _number(match["first"], field)
    if match["last"]:
        return first, _number(match["last"], field, is_end=True)
    return first, field.high if match["step"] else first


def _number(text: str, field: _Field, *, is_end: bool = False) -> int:
    if text.casefold() in field.names:
        return field.names.index(text.casefold()) + field.low
    number = int(text) if text.isdecimal() else -1
    if field.names is WEEKDAYS and number == len(WEEKDAYS):  # Sunday, by its other number
        return number if is_end else 0
    if not field.low <= number <= field.high:
        names = f", or {field.names[0]} to {field.names[-1]}" if field.names else ""
        raise ValueError(f"the {field.name} {_quoted(text)} is not {field.low} to {field.high}{names}")
    return number


def _like(field: _Field) -> str:
    return f"{field.low}, {field.low}-{field.high}, */2 or {field.low},{field.low + 2}"


def _quoted(text: str) -> str:
    return f'"{text}"' if len(text) <= _LONGEST_SHOWN else f'"{text[:_LONGEST_SHOWN]}…"'
