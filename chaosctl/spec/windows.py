"""Why: a drill in the night, on a holiday or in a change freeze costs the trust that drills live from."""

import re
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from chaosctl.model import Model

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY = 24 * 60
_SPAN = re.compile(r"([A-Za-z][A-Za-z, -]*?)\s+([0-9]{1,2}):([0-9]{2})\s*-\s*([0-9]{1,2}):([0-9]{2})")
MAX_BYTES = 1024 * 1024  # of a calendar
_LONGEST_SHOWN = 60
_MINUTES = 60


class Weekly(Model):
    """A span of every week: on these days (Monday is 0), from one minute of the day to another.

    `until` may lie behind midnight: then it ends in the night after each day.
    """

    days: tuple[int, ...]
    start: int
    until: int

    def __str__(self) -> str:
        return f"{_days_text(self.days)} {_clock(self.start)}-{_clock((self.until - 1) % DAY + 1)}"


def weekly(value: object) -> Weekly:
    """A weekly span: `Mon-Thu 09:00-16:00`, `Sat,Sun 22:00-04:00`. Raises ValueError."""
    if isinstance(value, Weekly):
        return value
    match = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f'"{str(value)[:_LONGEST_SHOWN]}" is no window: write it like Mon-Thu 09:00-16:00')
    start, until = _minutes(match[2], match[3]), _minutes(match[4], match[5])
    if start in {until, DAY}:
        raise ValueError(f'"{value}" never opens; a whole day is 00:00-24:00')
    return Weekly(days=_days(match[1]), start=start, until=until if until > start else until + DAY)


def _days(text: str) -> tuple[int, ...]:
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = (name.strip() for name in part.partition("-"))
        start = _day(first)
        length = (_day(last) - start) % len(DAYS) if dash else 0
        found |= {(start + step) % len(DAYS) for step in range(length + 1)}
    return tuple(sorted(found))


def _day(name: str) -> int:
    known = {day.casefold(): number for number, day in enumerate(DAYS)}
    if name.casefold() not in known:
        raise ValueError(f'"{name}" is no day; known: {", ".join(DAYS)}')
    return known[name.casefold()]


def _days_text(days: tuple[int, ...]) -> str:
    """As people write it: a range where the days follow each other, round the week too."""
    first = next((day for day in days if (day - 1) % len(DAYS) not in days), 0)
    in_a_row = {(first + step) % len(DAYS) for step in range(len(days))} == set(days)
    if in_a_row and len(days) > 1:
        return f"{DAYS[first]}-{DAYS[(first + len(days) - 1) % len(DAYS)]}"
    return ",".join(DAYS[day] for day in days)


def _minutes(hours: str, minutes: str) -> int:
    total = int(hours) * _MINUTES + int(minutes)
    if total > DAY or int(minutes) >= _MINUTES:
        raise ValueError(f'"{hours}:{minutes}" is no time of day; write 00:00 to 24:00')
    return total


def _clock(minutes: int) -> str:
    return f"{minutes // _MINUTES:02d}:{minutes % _MINUTES:02d}"


Span = Annotated[
    Weekly,
    BeforeValidator(weekly),
    PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "examples": ["Mon-Thu 09:00-16:00", "Sat,Sun 22:00-04:00"]}),
]


class Blackout(Model):
    """Where the calendar with the times of no drills lies: a file, or a key of a ConfigMap."""

    file: str = ""
    config_map: str = ""
    key: str = ""

    def __str__(self) -> str:
        return f"the calendar {self.file or f'{self.config_map}[{self.key}]'}"


class Windows(Model):
    """When a drill may run, resolved: what is empty does not restrict."""

    only: tuple[Span, ...] = ()
    timezone: str = "UTC"
    holidays: str = ""
    blackout: Blackout | None = None
