"""Why: a drill that nobody has to remember is run by the clock, and people must read at once when that is."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from chaosctl.spec.amounts import Duration
from chaosctl.spec.cron import parse
from chaosctl.spec.playbook import Written
from chaosctl.spec.zones import TimeZone

Missed = Literal["skip", "once", "all"]


def _known(text: str) -> str:
    parse(text)
    return text


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
