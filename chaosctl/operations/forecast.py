"""Why: people want to see when a drill will run before it does, and why it will not where it will not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile

from chaosctl.calendars.reading import calendar_here
from chaosctl.calendars.schedule import Firing, Timed, coming
from chaosctl.calendars.windows import Calendar
from chaosctl.errors import Invalid
from chaosctl.model import Json
from chaosctl.operations.connect import connected
from chaosctl.operations.order import Access
from chaosctl.operations.timing import Subject, in_file, in_namespace, moment_in
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


@dataclass(frozen=True)
class Wanted:
    """Which times: from `now` on, `count` of each drill, or all up to `until`."""

    now: datetime
    count: int
    until: str = ""


async def forecast(
    names: Sequence[str], namespace: str, access: Access, wanted: Wanted
) -> tuple[Forecast, ...]:
    """The coming times of drills in files, or of Drill objects of a namespace. Raises Invalid, Lost."""
    if not 1 <= wanted.count <= MOST:
        raise Invalid(f"--count {wanted.count}: between 1 and {MOST}")
    if not namespace:
        return tuple([await _of_a_file(in_file(name), access, wanted) for name in names])
    async with connected(access) as world:
        subjects = [await in_namespace(name, namespace, world.cluster) for name in names]
        return tuple([_of_one(one, await one.calendar(world.cluster), wanted) for one in subjects])


async def _of_a_file(subject: Subject, access: Access, wanted: Wanted) -> Forecast:
    """The cluster is asked only where the calendar lies in it."""
    windows = subject.windows
    if windows is None or windows.blackout is None or windows.blackout.file:
        return _of_one(subject, calendar_here(windows), wanted)
    async with connected(access) as world:
        return _of_one(subject, await subject.calendar(world.cluster), wanted)


def _of_one(subject: Subject, calendar: Calendar, wanted: Wanted) -> Forecast:
    drill = subject.timed(calendar, wanted.now)
    if drill is None:
        return Forecast(subject.name, None, ())
    found = _shown(drill, wanted)
    times = tuple(Coming(one, calendar.refusal(one.at, drill.lasts)) for one in found)
    return Forecast(subject.name, drill, times)


def _shown(drill: Timed, wanted: Wanted) -> Iterator[Firing]:
    if not wanted.until:
        return islice(coming(drill, wanted.now), wanted.count)
    end = moment_in(wanted.until, drill.schedule.timezone, "--until")
    return islice(takewhile(lambda firing: firing.scheduled <= end, coming(drill, wanted.now)), MOST)


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
