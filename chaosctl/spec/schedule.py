"""Why: a drill that nobody has to remember is run by the clock, and people must read at once when that is."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from chaosctl.errors import Invalid
from chaosctl.spec.amounts import Duration
from chaosctl.spec.cron import parse
from chaosctl.spec.windows import Blackout, Span, Windows
from chaosctl.spec.written import Written
from chaosctl.spec.zones import TimeZone

_HOLIDAY_CODE = re.compile(r"[A-Z]{2,4}(-[A-Za-z0-9 ]{1,30})?")
Missed = Literal["skip", "once", "all"]


def _known(text: str) -> str:
    parse(text)
    return text


def _holiday_code(text: str) -> str:
    if not _HOLIDAY_CODE.fullmatch(text):
        raise ValueError(f'"{text[:40]}" is no country or part of one: write it like DE or DE-BY')
    return text


HolidayCode = Annotated[str, AfterValidator(_holiday_code), Field(examples=["DE", "DE-BY"])]


class Schedule(Written):
    """When a drill runs by itself. Times that come twice in autumn run once, the first time."""

    cron: Annotated[str, AfterValidator(_known)] = Field(
        description="Minute, hour, day of the month, month, weekday (0 and 7: Sunday); or @daily and such.",
        examples=["0 10 * * 2"],
    )
    timezone: TimeZone = "UTC"
    jitter: Duration = Field(
        default=timedelta(),
        description="Start up to so much later, by a share fixed for each time; never past the next one.",
    )
    missed: Missed = Field(
        default="skip",
        description="What becomes of times that nobody served: none runs, the last one, or each in order.",
    )
    starting_deadline: Annotated[Duration, Field(gt=timedelta())] = Field(
        default=timedelta(minutes=5), description="A run that could not start for longer has missed its time."
    )

    def __str__(self) -> str:
        return f"{self.cron} {self.timezone}"


class BlackoutText(Written):
    """A calendar in a ConfigMap of the target's namespace."""

    config_map: str = Field(min_length=1)
    key: str = Field(min_length=1, description="The key that holds the calendar.", examples=["freeze.ics"])


def _form(value: object) -> str:
    return "file" if isinstance(value, str) else "configMap"


def _file_or_mapping(value: object) -> object:
    if not isinstance(value, str | dict | BlackoutText):
        raise ValueError("should be a file, or {configMap: NAME, key: KEY}")  # noqa: TRY004 - people read it
    return value


BlackoutPlace = Annotated[
    Annotated[str, Field(min_length=1), Tag("file")] | Annotated[BlackoutText, Tag("configMap")],
    Discriminator(_form),
    BeforeValidator(_file_or_mapping),
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

    def resolve(self, timezone: str, folder: Path | None = None) -> Windows:
        """The windows as a run knows them: `timezone` where they name none, files from `folder`.

        Raises Invalid for a file where there is no folder.
        """
        return Windows(
            only=self.only,
            timezone=self.timezone or timezone,
            holidays=self.holidays or "",
            blackout=self._blackout(folder),
        )

    def _blackout(self, folder: Path | None) -> Blackout | None:
        match self.blackout:
            case None:
                return None
            case BlackoutText() as place:
                return Blackout(config_map=place.config_map, key=place.key)
            case name if folder is not None:
                return Blackout(file=str(folder / name))
        raise Invalid(
            f'the blackout "{self.blackout}" is a file, and a cluster has none; '
            "put it into a ConfigMap, and write {configMap: NAME, key: KEY}"
        )
