"""Why: schedulers fail on the days when clocks change and servers die; here is a year of those.

`python -m calendars.year [SEED]` prints what became of every time of every schedule.
"""

import sys
from datetime import UTC, datetime
from typing import NamedTuple

from calendars.oracle import START, YEAR
from calendars.plans import DAY, HOUR, MINUTE, PLANS
from calendars.world import END, QUIET, World


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
    target, until = plan.aim, at + QUIET
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
