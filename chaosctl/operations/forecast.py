"""Why: people want to see when a drill will run before it does, and why it will not where it will not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile

from chaosctl.calendars.schedule import Firing, Timed, coming
from chaosctl.errors import Invalid
from chaosctl.model import Json
from chaosctl.operations.order import Access
from chaosctl.operations.timing import Subject, calendar_of_a_file, in_file, moment_in
from chaosctl.report.text import clean
from chaosctl.spec.amounts import show_duration
from chaosctl.spec.schedule import Schedule
from chaosctl.spec.zones import zone

MOST = 1000
LONGEST_REASON = 300


@dataclass(frozen=True)
class Coming:
    """One time of a schedule, and why it is refused; None where it is not."""

    firing: Firing
    refusal: str | None


@dataclass(frozen=True)
class Forecast:
    """The coming times of one drill. `drill` is None where it has no schedule."""

    name: str
    drill: Timed | None
    times: tuple[Coming, ...]

    def as_text(self) -> str:
        return "\n".join(_lines(self))

    def as_json(self) -> Json:
        if self.drill is None:
            return {"drill": self.name, "schedule": None, "suspended": False, "times": []}
        schedule = self.drill.schedule
        return {
            "drill": self.name,
            "schedule": schedule.model_dump(mode="json", by_alias=True),
            "suspended": self.drill.suspend,
            "times": [_as_json(one, schedule) for one in self.times],
        }


async def forecast(
    names: Sequence[str], access: Access, now: datetime, count: int, until: str = ""
) -> tuple[Forecast, ...]:
    """The coming times of drills: `count` of each, or all up to `until`. Raises Invalid, Lost."""
    if not 1 <= count <= MOST:
        raise Invalid(f"--count {count}: between 1 and {MOST}")
    return tuple([await _of_one(in_file(name), access, now, count, until) for name in names])


async def _of_one(subject: Subject, access: Access, now: datetime, count: int, until: str) -> Forecast:
    calendar = await calendar_of_a_file(subject, access)
    drill = subject.timed(calendar, now)
    if drill is None:
        return Forecast(subject.name, None, ())
    wanted = islice(coming(drill, now), MOST if until else count)
    if until:
        end = moment_in(until, drill.schedule.timezone, "--until")
        wanted = takewhile(lambda firing: firing.scheduled <= end, wanted)  # type: ignore[assignment]
    times = tuple(Coming(one, calendar.refusal(one.at, drill.lasts)) for one in wanted)
    return Forecast(subject.name, drill, times)


def _lines(seen: Forecast) -> Iterator[str]:
    if seen.drill is None:
        yield f"{seen.name}: no schedule; it runs when somebody runs it"
        return
    schedule = seen.drill.schedule
    jitter = f", up to {show_duration(schedule.jitter)} later" if schedule.jitter else ""
    asleep = "; suspended: none of these runs" if seen.drill.suspend else ""
    yield f"{seen.name}: {schedule}{jitter}{asleep}"
    yield from (_line(one, schedule) for one in seen.times)
    if not seen.times:
        yield "  no time within what was asked for"


def _line(one: Coming, schedule: Schedule) -> str:
    local = one.firing.scheduled.astimezone(zone(schedule.timezone))
    starts = f"  starts {one.firing.at.astimezone(local.tzinfo):%H:%M:%S}" if schedule.jitter else ""
    when = f"{local:%a %Y-%m-%d %H:%M %Z}{starts}"
    return f"  ✓ {when}" if one.refusal is None else f"  ✗ {when}  {clean(one.refusal, LONGEST_REASON)}"


def _as_json(one: Coming, schedule: Schedule) -> Json:
    return {
        "run": one.firing.name,
        "scheduled": one.firing.scheduled.isoformat(),
        "local": one.firing.scheduled.astimezone(zone(schedule.timezone)).isoformat(),
        "starts": one.firing.at.isoformat(),
        "refusal": one.refusal,
    }
