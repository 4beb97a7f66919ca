"""Why: schedulers fail on the days when clocks change, servers die and answers are lost; here is a year of those.

Two controllers act on one API server at once. They read stale objects, lose answers, die between any two writes, and
are both gone for minutes or days. Drills are suspended, changed and made anew, Run objects are deleted, the clock is
wrong. `python -m calendars.year` prints what became of every time of every schedule.
"""

import heapq
import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import NamedTuple

from calendars.oracle import START, YEAR, Hours, Judge, Version

from chaosctl.calendars.schedule import Record, Timed, due
from chaosctl.calendars.windows import ALWAYS, calendar_of
from chaosctl.spec.schedule import Schedule, WindowsText

SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=number) for number in (1, 60, 3600, 86400))
END = START + YEAR
STALE = 90  # seconds
QUIET = 3 * MINUTE
CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//tests//EN
BEGIN:VEVENT
UID:year-end
DTSTAMP:20270101T000000Z
DTSTART;VALUE=DATE:20271220
DTEND;VALUE=DATE:20280104
SUMMARY:Year-end freeze
END:VEVENT
BEGIN:VEVENT
UID:release-night
DTSTAMP:20270101T000000Z
DTSTART;TZID=Europe/Berlin:20270907T220000
DTEND;TZID=Europe/Berlin:20270908T110000
SUMMARY:Big release
END:VEVENT
END:VCALENDAR
"""
BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
KOLKATA = "Asia/Kolkata"
HOLIDAYS = (  # of Germany, on Mondays to Thursdays; Christmas lies in the freeze
    ("2028-04-17", "2028-04-18"),
    ("2028-05-01", "2028-05-02"),
    ("2028-05-25", "2028-05-26"),
    ("2028-06-05", "2028-06-06"),
)
FREEZES = (("2027-12-20", "2028-01-04"), ("2027-09-07T22:00", "2027-09-08T11:00"))
OFFICE = Hours(BERLIN, frozenset({0, 1, 2, 3}), 9 * 60, 16 * 60, (*HOLIDAYS, *FREEZES))
OFFICE_TEXT = {"only": ["Mon-Thu 09:00-16:00"], "holidays": "DE", "blackout": "freeze.ics"}
NIGHTS = Hours(NEW_YORK, frozenset({5, 6}), 22 * 60, 28 * 60)
NIGHTS_TEXT = {"only": ["Sat,Sun 22:00-04:00"], "timezone": NEW_YORK}


class Plan(NamedTuple):
    """A drill of the year."""

    name: str
    cron: str
    zone: str
    missed: str
    lasts: timedelta = 10 * MINUTE
    jitter: str = "0s"
    target: str = ""
    windows: dict | None = None
    hours: Hours | None = None

    def schedule(self, cron):
        told = {"cron": cron, "timezone": self.zone, "jitter": self.jitter, "missed": self.missed}
        return Schedule.model_validate(told)

    def calendar(self):
        if self.windows is None:
            return ALWAYS
        windows = WindowsText.model_validate(self.windows).resolve(self.zone, FOLDER)
        return calendar_of(windows, CALENDAR if windows.blackout else "")


FOLDER = Path("/calendars")
PLANS = (
    Plan("weekly", "0 10 * * 2", BERLIN, "skip", jitter="5m", windows=OFFICE_TEXT, hours=OFFICE),
    Plan("office", "0 8-17/3 * * 1-5", BERLIN, "once", 25 * MINUTE, windows=OFFICE_TEXT, hours=OFFICE),
    Plan("night", "30 2 * * *", BERLIN, "once", target="shared"),
    Plan("rival", "35 2 * 2-4,9-11 *", BERLIN, "skip", 20 * MINUTE, target="shared"),
    Plan("new-york", "30 2 * * *", NEW_YORK, "all"),
    Plan("lord-howe", "*/15 1-2 * * 0", LORD_HOWE, "skip", 5 * MINUTE, jitter="20m"),
    Plan("kolkata", "30 9 * * mon-fri", KOLKATA, "all", jitter="1h"),
    Plan("weekends", "15 */4 * * 0,6", NEW_YORK, "once", 45 * MINUTE, windows=NIGHTS_TEXT, hours=NIGHTS),
    Plan("friday-13", "0 0 13 * 5", BERLIN, "all"),
    Plan("monthly", "@monthly", KOLKATA, "once"),
    Plan("leap", "0 12 29 2 *", "UTC", "skip"),
    Plan("crowded", "0 8-12 * * 1", NEW_YORK, "all", 90 * MINUTE),
    Plan("flood", "*/5 * 1 9 *", BERLIN, "all", 2 * MINUTE),
)


class Drill(NamedTuple):
    """A Drill object as the API server has it."""

    version: int
    created: datetime
    said: Version
    record: Record


@dataclass
class Replica:
    """One controller. `life` counts how often it was started; what an earlier life began is over."""

    up: bool = True
    life: int = 0


@dataclass
class World:
    """The cluster of the year: objects, runs, controllers, a clock that may be wrong."""

    seed: int
    now: datetime = START
    offset: timedelta = timedelta()
    events: list = field(default_factory=list)
    drills: dict[str, Drill] = field(default_factory=dict)
    before: dict[str, list[tuple[datetime, Drill]]] = field(default_factory=dict)
    runs: dict[str, Plan] = field(default_factory=dict)
    store: dict[str, datetime] = field(default_factory=dict)
    holds: dict[str, str] = field(default_factory=dict)
    held: list[tuple[str, datetime, datetime]] = field(default_factory=list)
    down: list[tuple[datetime, datetime]] = field(default_factory=list)
    disturbed: list[tuple[datetime, datetime]] = field(default_factory=list)
    counts: Counter = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.random = random.Random(self.seed)
        self.order = count()
        self.replicas = [Replica(), Replica()]
        self.asleep_since = None
        self.wakes = {}
        self.ran = {plan.name: {} for plan in PLANS}
        self.said = {plan.name: [] for plan in PLANS}
        self.judges = {plan.name: _judge(plan) for plan in PLANS}
        for plan in PLANS:
            self.write(plan, said=Version(self.now, plan.cron, plan.zone), anew=True)

    # What anybody may do to it

    def at(self, when, what, *arguments):
        heapq.heappush(self.events, (when, next(self.order), what, arguments))

    def run(self):
        while self.events and self.events[0][0] < END:
            self.now, _, what, arguments = heapq.heappop(self.events)
            what(*arguments)
        return self

    def write(self, plan, *, said=None, record=None, anew=False):
        """Write a Drill: its spec, its status, or a new one of the same name."""
        old = self.drills.get(plan.name)
        if anew or old is None:
            new = Drill(next(self.order), self.now, said, Record())
        else:
            new = old._replace(version=next(self.order), said=said or old.said, record=record or old.record)
        self.drills[plan.name] = new
        self.before.setdefault(plan.name, []).append((self.now, new))
        if said is not None:
            self.said[plan.name].append(said)
        self.tell(plan)

    def tell(self, plan):
        """A watch tells both controllers, a little later."""
        for number in range(len(self.replicas)):
            self.look_soon(number, plan, self.between(0, 2))

    def look_soon(self, number, plan, pause):
        self.at(self.now + pause, self.look, number, plan, self.replicas[number].life)

    def between(self, low, high):
        return timedelta(seconds=self.random.uniform(low, high))

    def happens(self, chance):
        return self.random.random() < chance

    # A controller

    def look(self, number, plan, life):
        replica = self.replicas[number]
        if not replica.up or replica.life != life:
            return
        drill = self.stale(plan) if self.happens(0.1) else self.drills[plan.name]
        going = self.going(plan)
        shown = self.now + self.offset
        answer = due(_timed(plan, drill), drill.record, shown, going)
        self.check(plan, drill, shown, answer.start, going)
        self.counts["looks"] += 1
        if drill is not self.drills[plan.name]:
            self.counts["stale looks"] += 1
            self.look_soon(number, plan, self.between(1, STALE))  # the watch catches up
        wakes = (self.replicas[number].life, answer, drill)
        self.at(self.now + self.between(0, 1), self.create, number, plan, *wakes)
        if answer.wake is not None and answer.wake != self.wakes.get((number, replica.life, plan.name)):
            self.wakes[number, replica.life, plan.name] = answer.wake
            self.look_soon(number, plan, max(answer.wake - shown, SECOND) + self.between(0, 3))

    def create(self, number, plan, life, answer, drill):
        if self.replicas[number].life != life or self.dies(number, 0.004):
            return
        if answer.start is not None:
            if self.happens(0.03):
                self.counts["creations lost"] += 1
                self.look_soon(number, plan, 5 * SECOND)
                return
            if answer.start.name in self.runs or answer.start.name in self.store:
                self.counts["had fired already"] += 1
            self.runs.setdefault(answer.start.name, plan)
            self.begin(plan.target or plan.name)
            if self.dies(number, 0.02):
                return
            if self.happens(0.03):
                self.counts["answers lost"] += 1
                self.look_soon(number, plan, 5 * SECOND)
                return
        self.at(self.now + self.between(0, 1), self.persist, number, plan, life, answer, drill)

    def persist(self, number, plan, life, answer, drill):
        if self.replicas[number].life != life or self.dies(number, 0.004):
            return
        record = Record(answer.served_until, answer.schedule)
        if record == drill.record:
            return
        if self.happens(0.05):
            self.counts["status writes lost"] += 1
            self.look_soon(number, plan, 20 * SECOND)
        elif self.drills[plan.name].version != drill.version:
            self.counts["status conflicts"] += 1
        else:
            self.write(plan, record=record)
            self.dies(number, 0.01)

    def stale(self, plan):
        then = self.now - self.between(0, STALE)
        found = [drill for when, drill in self.before[plan.name][-20:] if when <= then]
        return found[-1] if found else self.before[plan.name][0][1]

    def going(self, plan):
        """The run that holds the target, or that waits for it."""
        target = plan.target or plan.name
        waiting = (name for name, of in self.runs.items() if (of.target or of.name) == target)
        return self.holds.get(target) or next(waiting, "")

    def dies(self, number, chance):
        if not self.happens(chance):
            return False
        self.counts["crashes"] += 1
        self.stop(number)
        self.at(self.now + self.between(5, 120), self.start, number)
        return True

    def stop(self, number):
        self.replicas[number].up = False
        self.replicas[number].life += 1
        if not any(one.up for one in self.replicas) and self.asleep_since is None:
            self.asleep_since = self.now

    def start(self, number):
        if self.replicas[number].up:
            return
        self.replicas[number].up = True
        if self.asleep_since is not None:
            self.down.append((self.asleep_since, self.now))
            self.asleep_since = None
        for plan in PLANS:
            self.look_soon(number, plan, self.between(1, 5))
            self.begin(plan.target or plan.name)

    # Runs

    def begin(self, target):
        """The oldest Run of a target begins, if nothing holds the target, and a controller is there."""
        while target not in self.holds and any(one.up for one in self.replicas):
            name = next(
                (name for name, plan in self.runs.items() if (plan.target or plan.name) == target), None
            )
            if name is None:
                return
            plan = self.runs[name]
            if name in self.store:  # somebody made the object anew; it is known
                del self.runs[name]
                continue
            self.started(plan, name)
            self.holds[target] = name
            lasts = self.random.uniform(0.3, 1) * plan.lasts
            self.at(self.now + lasts, self.end, target, name, self.now)

    def started(self, plan, name):
        self.store[name] = self.now
        scheduled = datetime.strptime(name[-12:], "%Y%m%d%H%M").replace(tzinfo=UTC)
        if scheduled in self.ran[plan.name]:
            self.wrong.append(f"{name} ran twice")
        self.ran[plan.name][scheduled] = self.now + self.offset

    def end(self, target, name, since):
        if not any(one.up for one in self.replicas):
            self.at(self.now + MINUTE, self.end, target, name, since)
            return
        self.held.append((target, since, self.now))
        del self.holds[target]
        del self.runs[name]  # people and time limits delete what has ended
        self.begin(target)
        for plan in PLANS:
            if (plan.target or plan.name) == target:
                self.tell(plan)

    # What must be

    def check(self, plan, drill, shown, start, going):
        ran = self.ran[plan.name]
        if start is not None:
            if start.at > shown:
                self.wrong.append(f"{start.name} starts early")
            if start.scheduled in ran:
                return  # it will find that it has fired
        if self.is_disturbed(self.now, self.now):
            return
        owed = self.judges[plan.name].owes(drill.said, shown, ran, free=not going)
        if (owed and owed.scheduled) != (start and start.scheduled):
            self.wrong.append(f"{plan.name} at {shown}: owed {owed}, started {start}, {drill}, going {going}")

    def is_disturbed(self, start, end):
        return any(first <= end and start <= last for first, last in self.disturbed)

    # What happens in the year

    def gone(self, since, lasts):
        """Both controllers are gone."""
        for number in range(len(self.replicas)):
            self.at(since, self.stop, number)
            self.at(since + lasts, self.start, number)

    def wrong_clock(self, since, lasts, offset):
        self.disturbed.append((since - QUIET, since + lasts + max(offset, -offset, QUIET) % DAY + QUIET))
        for when, value in ((since, offset), (since + lasts, timedelta())):
            self.at(when, self.set_clock, value)

    def set_clock(self, offset):
        self.offset = offset
        self.wakes.clear()
        for plan in PLANS:
            self.tell(plan)

    def say(self, when, plan, cron="", *, asleep=False, anew=False):
        """From then on the drill says something else."""
        said = Version(when, cron or plan.cron, plan.zone, asleep)
        self.at(when, lambda: self.write(plan, said=said, anew=anew))


def _judge(plan):
    schedule = plan.schedule(plan.cron)
    return Judge(plan.name, plan.missed, schedule.jitter, schedule.starting_deadline, plan.lasts, plan.hours)


def _timed(plan, drill):
    return Timed(
        namespace="models",
        name=plan.name,
        schedule=plan.schedule(drill.said.cron),
        created=drill.created,
        changed=drill.said.since,
        suspend=drill.said.asleep,
        calendar=plan.calendar(),
        lasts=plan.lasts,
    )


def year(seed):
    """A world, and all that happens in it."""
    world, plans = World(seed), {plan.name: plan for plan in PLANS}
    for _ in range(30):
        lasts = world.random.choice((2 * MINUTE, 20 * MINUTE, 3 * HOUR, 12 * HOUR, 3 * DAY))
        world.gone(START + world.between(DAY.total_seconds(), YEAR.total_seconds()), lasts)
    for night in ("2027-10-30T22:00", "2027-11-07T05:00", "2028-03-25T23:30", "2028-04-01T14:00"):
        world.gone(_utc(night), 4 * HOUR)  # clocks change while nobody is there
    world.gone(_utc("2027-09-01T02:00"), 14 * HOUR)  # more than a hundred times are missed
    for month in ("2027-08-10", "2027-11-23", "2028-01-25", "2028-05-16"):
        world.wrong_clock(_utc(f"{month}T07:50"), 30 * MINUTE, world.random.choice((5, -5)) * MINUTE)
    world.wrong_clock(_utc("2028-02-06T06:00"), HOUR, 2 * DAY)
    for name, since, days in (
        ("night", "2027-07-20", 9),
        ("kolkata", "2027-12-01", 30),
        ("weekly", "2028-02-14", 20),
    ):
        world.say(_utc(f"{since}T12:03:07"), plans[name], asleep=True)
        world.say(_utc(f"{since}T12:03:07") + days * DAY, plans[name])
    world.say(_utc("2027-10-12T12:03:07"), plans["weekly"], "0 11 * * 3")
    world.say(_utc("2027-11-16T12:03:07"), plans["weekly"])
    world.say(_utc("2028-04-04T12:03:07"), plans["new-york"], anew=True)
    return world


def _utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Row(NamedTuple):
    """What became of the times of one drill."""

    drill: str
    schedule: str
    missed: str
    times: int
    refused: int
    ran: int
    late: int
    passed: int
    unexplained: int


def rows(world):
    return [_row(world, plan) for plan in PLANS]


def _row(world, plan):
    judge, ran = world.judges[plan.name], world.ran[plan.name]
    every, able = [], []
    ends = [version.since for version in world.said[plan.name][1:]] + [END]
    for version, end in zip(world.said[plan.name], ends, strict=True):
        times, fitting = judge.times(version)
        every += [one for one in times if one.scheduled < end]
        able += [one for one in fitting if one.scheduled < end]
    idle = [one for one in able if one.scheduled not in ran]
    late = sum(ran[one.scheduled] - one.at > judge.deadline for one in able if one.scheduled in ran)
    return Row(
        drill=plan.name,
        schedule=f"{plan.cron} {plan.zone}",
        missed=plan.missed,
        times=len(every),
        refused=len(every) - len(able),
        ran=len(ran),
        late=late,
        passed=len(idle),
        unexplained=sum(_was_quiet(world, plan, one.at, ends) for one in idle),
    )


def _was_quiet(world, plan, at, ends):
    """Whether nothing kept a time from being served: then it had to run."""
    target, until = plan.target or plan.name, at + QUIET
    busy = any(of == target and start <= until and at <= end for of, start, end in world.held)
    away = any(start <= until and at <= end for start, end in world.down)
    changed = any(at - MINUTE <= end <= until for end in ends)
    return not (busy or away or changed or world.is_disturbed(at, until))


def table(world):
    heads = ("drill", "schedule", "missed", "times", "refused", "ran", "late", "passed", "unexplained")
    lines = [heads, *(tuple(map(str, row)) for row in rows(world))]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
    )


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    world = year(seed).run()
    print(table(world))
    print(f"seed {seed}:", ", ".join(f"{number} {what}" for what, number in sorted(world.counts.items())))
    print("wrong:", *(world.wrong[:20] or ["nothing"]), sep="\n  ")
    return bool(world.wrong)


if __name__ == "__main__":
    sys.exit(main())
