"""Why: a drill in the night, on a holiday or in a change freeze costs the trust that drills live from."""

import re
from typing import Annotated, Self

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from chaosctl.model import Model
from chaosctl.spec.playbook import Written
from chaosctl.spec.zones import TimeZone

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY = 24 * 60
_SPAN = re.compile(r"([A-Za-z][A-Za-z, -]*?)\s+([0-9]{1,2}):([0-9]{2})\s*-\s*([0-9]{1,2}):([0-9]{2})")
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
HolidayCode = Annotated[str, Field(pattern=r"^[A-Z]{2,4}(-[A-Za-z0-9 ]{1,30})?$", examples=["DE", "DE-BY"])]


class Blackout(Model):
    """Where the calendar with the times of no drills lies: a file, or a key of a ConfigMap."""

    file: str = ""
    config_map: str = ""
    key: str = ""


class Windows(Model):
    """When a drill may run, resolved: what is empty does not restrict."""

    only: tuple[Span, ...] = ()
    timezone: str = "UTC"
    holidays: str = ""
    blackout: Blackout | None = None


class BlackoutText(Written):
    """A calendar in a ConfigMap of the target's namespace."""

    config_map: str = Field(min_length=1)
    key: str = Field(min_length=1, description="The key that holds the calendar.", examples=["freeze.ics"])


def _form(value: object) -> str:
    return "file" if isinstance(value, str) else "configMap"


BlackoutPlace = Annotated[
    Annotated[str, Field(min_length=1), Tag("file")] | Annotated[BlackoutText, Tag("configMap")],
    Discriminator(_form),
]


class WindowsText(Written):
    """When the drill may run. A run must fit in whole; what does not is refused."""

    only: tuple[Span, ...] = Field(default=(), description="The hours of the week in which it may run.")
    timezone: TimeZone | None = Field(
        default=None, description="The schedule's where it is left out, else UTC."
    )
    holidays: HolidayCode | None = Field(
        default=None, description="Never on public holidays of this country, or of this part of it."
    )
    blackout: BlackoutPlace | None = Field(
        default=None,
        description="Never during events of this calendar (iCalendar): a file beside it, or a ConfigMap.",
        examples=["change-freeze.ics", {"configMap": "freezes", "key": "change-freeze.ics"}],
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set - {"timezone"}:
            raise PydanticCustomError("empty", 'say "only", "holidays" or "blackout"; or leave it out')
        return self

    def resolve(self, timezone: str, blackout_file: str = "") -> Windows:
        """The windows as a run knows them. `timezone`: where they name none; `blackout_file`: its path."""
        place = self.blackout
        named = (
            Blackout(config_map=place.config_map, key=place.key) if isinstance(place, BlackoutText) else None
        )
        return Windows(
            only=self.only,
            timezone=self.timezone or timezone,
            holidays=self.holidays or "",
            blackout=named or (Blackout(file=blackout_file or place) if isinstance(place, str) else None),
        )
