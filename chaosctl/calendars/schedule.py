"""Why: a schedule must fire each time once, whoever looks, however often, and whatever was lost in between.

`due` is a pure function of what is written down. The caller does three things with its answer, in this order:

1. Where there is a `start`, create the Run `start.name`. A 409, or a run that the store knows, means that it
   has fired: somebody was faster. Any other error: leave it, and ask again.
2. Only then write `served_until` and `schedule` into the Drill's status (`lastScheduled`, `schedule`). Where
   that is lost, the next answer is the same one, and step 1 finds that it has fired: the name says the time.
3. Ask again at `wake`, when the Drill changes, and when a run on its target ends.

Nothing else is kept. In particular there is no flag "is running" that could stay set after a crash: `going`
is looked up each time, in the Run objects and the store.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import dropwhile, pairwise
from typing import NamedTuple

from chaosctl.calendars.cron import last_times, times
from chaosctl.calendars.windows import ALWAYS, HORIZON, Calendar
from chaosctl.model import Json
from chaosctl.spec.amounts import show_duration
from chaosctl.spec.drill import Drill
from chaosctl.spec.schedule import Missed, Schedule

MOST_MISSED = 100
SKEW = timedelta(minutes=10)
_MOMENT = timedelta(microseconds=1)
_KEPT: Mapping[Missed, int] = {"skip": 1, "once": 1, "all": MOST_MISSED}


class Record(NamedTuple):
    """What the Drill's status remembers: up to when its schedule was served, and which one that was."""

    until: datetime | None = None
    schedule: str = ""


class Firing(NamedTuple):
    """One time of a schedule. `at` is when it is due: the scheduled time and its jitter."""

    name: str
    scheduled: datetime
    at: datetime


class Passed(NamedTuple):
    """A firing that never starts, and why."""

    firing: Firing
    why: str


@dataclass(frozen=True)
class Timed:
    """A drill as its schedule sees it. `lasts` is how long its runs may take together.

    `changed` is when its spec was last written; where the schedule was another one, times before that are not
    owed.
    """

    namespace: str
    name: str
    schedule: Schedule
    created: datetime
    changed: datetime
    suspend: bool = False
    calendar: Calendar = ALWAYS
    lasts: timedelta = timedelta()

    @property
    def text(self) -> str:
        """Stands for the schedule in the status: another text is another schedule."""
        return f"{self.schedule} suspended" if self.suspend else str(self.schedule)


def timed(
    drill: Drill, calendar: Calendar, lasts: timedelta, created: datetime, changed: datetime | None = None
) -> Timed | None:
    """A drill as its schedule sees it; None where it has none."""
    spec = drill.spec
    if spec.schedule is None:
        return None
    return Timed(
        namespace=spec.target.namespace,
        name=drill.metadata.name,
        schedule=spec.schedule,
        created=created,
        changed=changed or created,
        suspend=spec.suspend,
        calendar=calendar,
        lasts=lasts,
    )


class Due(NamedTuple):
    """What a schedule wants now.

    `start` is the one run to create. `served_until` and `schedule` belong into the status once that has
    happened. `passed` are the ones that are given up with this answer; tell people, by an Event. `waiting` is
    owed, but must wait, and `message` says what for. `next` is the coming one that its windows let through.
    """

    start: Firing | None
    served_until: datetime
    schedule: str
    passed: tuple[Passed, ...]
    waiting: Firing | None
    next: Firing | None
    wake: datetime | None
    message: str


def due(drill: Timed, record: Record, now: datetime, going: str = "") -> Due:
    """What the schedule wants now. `going` names the run that holds the target, "" where there is none."""
    since = _served(drill, record, now)
    if drill.suspend:
        last = last_times(drill.schedule, since, now, 1)
        return Due(None, max([since, *last]), drill.text, (), None, None, None, "suspended")
    ripe = _ripe(drill, since, now)
    passed, owed = _sorted_out(drill, ripe, now, going)
    if not owed:
        served = ripe[-1].scheduled if ripe else since
        return _answer(drill, now, None, served, passed, None, "")
    first = owed[0]
    before = tuple(one for one in passed if one.firing.scheduled < first.scheduled)
    why = _must_wait(drill, now, going)
    if why is None:
        return _answer(drill, now, first, first.scheduled, before, None, "")
    served = before[-1].firing.scheduled if before else since
    return _answer(drill, now, None, served, before, first, f"{first.name} is due, but {why}")


def coming(drill: Timed, after: datetime) -> Iterator[Firing]:
    """The firings that are due after a moment, in order, whatever their windows say."""
    last = last_times(drill.schedule, after - drill.schedule.jitter, after, 1)  # it may be due only later
    start = last[0] - _MOMENT if last else after
    found = (_firing(drill, *pair) for pair in pairwise(times(drill.schedule, start)))
    return dropwhile(lambda firing: firing.at <= after, found)


def next_open(drill: Timed, after: datetime) -> Firing | None:
    """The first firing after a moment that its windows let through; None where none does for long."""
    firing = next(coming(drill, after))
    while firing.at < after + HORIZON:
        opening = drill.calendar.opening(firing.at, drill.lasts)
        if opening is None or opening == firing.at:
            return firing if opening else None
        firing = next(coming(drill, max(opening - _MOMENT, firing.at)))
    return None


def written(metadata: Json) -> tuple[datetime, datetime]:
    """When an object was created, and when anything but its status was last written."""
    created = datetime.fromisoformat(str(metadata["creationTimestamp"]))
    managers = metadata.get("managedFields")
    entries = [one for one in managers if isinstance(one, dict)] if isinstance(managers, list) else []
    changes = [
        datetime.fromisoformat(str(one["time"]))
        for one in entries
        if one.get("time") and one.get("subresource") != "status"
    ]
    return created, max([created, *changes])


def _served(drill: Timed, record: Record, now: datetime) -> datetime:
    """Up to when all is decided: not before it was created, or got this schedule, or woke up."""
    if record.until is None or record.schedule != drill.text:
        return max(drill.created, drill.changed)
    if record.until > now + SKEW:
        return now  # some clock was wrong; else nothing would run until that time has come
    return max(record.until, drill.created)


def _ripe(drill: Timed, since: datetime, now: datetime) -> list[Firing]:
    """The firings that nobody decided yet and that are due; the last ones, where there are very many."""
    found = last_times(drill.schedule, since, now, MOST_MISSED + 1)
    if not found:
        return []
    following = next(times(drill.schedule, found[-1]))
    firings = [_firing(drill, *pair) for pair in pairwise([*found, following])]
    return [firing for firing in firings if firing.at <= now]


def _firing(drill: Timed, scheduled: datetime, following: datetime) -> Firing:
    """The share of the jitter follows from drill and time, so that everybody computes the same one."""
    seed = f"{drill.namespace}/{drill.name} {scheduled:%Y%m%d%H%M}"
    share = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8]) / 2**64
    seconds = int(share * min(drill.schedule.jitter, following - scheduled).total_seconds())
    name = f"{drill.name}-{scheduled:%Y%m%d%H%M}"
    return Firing(name, scheduled, scheduled + timedelta(seconds=seconds))


def _sorted_out(
    drill: Timed, ripe: Sequence[Firing], now: datetime, going: str
) -> tuple[list[Passed], list[Firing]]:
    """Which of them are given up, and which are owed."""
    refused = {one: drill.calendar.refusal(one.at, drill.lasts) for one in ripe}
    passed = {one: why for one, why in refused.items() if why is not None}
    able = [one for one in ripe if one not in passed]
    owed = able[-_KEPT[drill.schedule.missed] :]
    passed |= dict.fromkeys(able[: len(able) - len(owed)], _superseded(drill.schedule.missed))
    if drill.schedule.missed == "skip" and owed and now - owed[0].at > drill.schedule.starting_deadline:
        passed[owed.pop()] = _too_late(drill, now, going)
    return [Passed(one, passed[one]) for one in ripe if one in passed], owed


def _superseded(missed: Missed) -> str:
    if missed == "all":
        return f"more than {MOST_MISSED} were missed; this one and older ones are given up"
    return f"a later one stands for it (missed: {missed})"


def _too_late(drill: Timed, now: datetime, going: str) -> str:
    deadline = show_duration(drill.schedule.starting_deadline)
    why = _must_wait(drill, now, going) or "nobody was there to start it"
    return f"it could not start within {deadline}: {why}"


def _must_wait(drill: Timed, now: datetime, going: str) -> str | None:
    if going:
        return f"run {going} is going on on the same target"
    return drill.calendar.refusal(now, drill.lasts)


def _answer(  # noqa: PLR0913, PLR0917 - one line for each field of the answer
    drill: Timed,
    now: datetime,
    start: Firing | None,
    served: datetime,
    passed: Sequence[Passed],
    waiting: Firing | None,
    message: str,
) -> Due:
    wakes = [next(coming(drill, now)).at]
    if waiting is not None:
        wakes.append(waiting.at + drill.schedule.starting_deadline)
        wakes.append(drill.calendar.opening(now, drill.lasts) or now + HORIZON)
    return Due(
        start=start,
        served_until=served,
        schedule=drill.text,
        passed=tuple(passed),
        waiting=waiting,
        next=next_open(drill, now),
        wake=min(at for at in wakes if at > now),
        message=message or _news(passed),
    )


def _news(passed: Sequence[Passed]) -> str:
    """One line about the ones that were given up."""
    if not passed:
        return ""
    last = passed[-1]
    more = f" (and {len(passed) - 1} before it)" if len(passed) > 1 else ""
    return f"{last.firing.name}{more} does not run: {last.why}"
