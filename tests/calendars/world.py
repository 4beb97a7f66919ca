"""Why: a scheduler is right when stale objects, lost answers and deaths between two writes change nothing.

Two controllers act at once on one API server; both may be gone. What a controller does is what the schedule's
own docstring asks for: create the Run, then write the status, and look again. Each look is held against the
oracle.
"""

import heapq
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import NamedTuple

from calendars.oracle import START, YEAR, Version
from calendars.plans import DAY, MINUTE, PLANS, SECOND, Plan

from chaosctl.calendars.schedule import Record, Timed, due

END = START + YEAR
STALE = 90  # seconds
QUIET = 3 * MINUTE


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
        self.judges = {plan.name: plan.judge() for plan in PLANS}
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
            self.begin(plan.aim)
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
        target = plan.aim
        waiting = (name for name, of in self.runs.items() if of.aim == target)
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
            self.begin(plan.aim)

    # Runs

    def begin(self, target):
        """The oldest Run of a target begins, if nothing holds the target, and a controller is there."""
        while target not in self.holds and any(one.up for one in self.replicas):
            name = next((name for name, plan in self.runs.items() if plan.aim == target), None)
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
            if plan.aim == target:
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
