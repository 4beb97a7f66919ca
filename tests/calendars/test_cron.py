"""Why: APScheduler's trigger has three traps; what we make of it has none, by every minute of some years."""

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from apscheduler.triggers.cron import CronTrigger
from calendars.oracle import START, YEAR, scheduled
from hypothesis import given, settings
from hypothesis import strategies as some

from chaosctl.calendars.cron import last_times, times
from chaosctl.spec.schedule import Schedule
from chaosctl.spec.zones import zone


def on(cron, where="UTC"):
    return Schedule.model_validate({"cron": cron, "timezone": where})


def shown(cron, where, after, count):
    """The next times, as the clock on the wall shows them."""
    found = islice(times(on(cron, where), datetime.fromisoformat(after).replace(tzinfo=UTC)), count)
    return [f"{at.astimezone(zone(where)):%a %m-%d %H:%M %z}" for at in found]


def test_ten_o_clock_on_weekday_two_is_a_tuesday_and_not_the_wednesday_of_the_library():
    library = CronTrigger.from_crontab("0 10 * * 2", timezone=UTC)
    assert f"{library.get_next_fire_time(None, datetime(2026, 6, 1, tzinfo=UTC)):%a}" == "Wed"
    assert shown("0 10 * * 2", "UTC", "2026-06-01", 2) == ["Tue 06-02 10:00 +0000", "Tue 06-09 10:00 +0000"]


def test_half_past_two_comes_once_in_the_night_in_which_it_comes_twice():
    library = CronTrigger.from_crontab("30 2 * * *", timezone=zone("Europe/Berlin"))
    first = library.get_next_fire_time(None, datetime(2026, 10, 24, 12, tzinfo=UTC))
    second = library.get_next_fire_time(first, first + timedelta(seconds=1))
    assert second.timestamp() - first.timestamp() == 60 * 60
    assert shown("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", 2) == [
        "Sun 10-25 02:30 +0200",
        "Mon 10-26 02:30 +0100",
    ]


@pytest.mark.parametrize(
    ("cron", "where", "after", "expected"),
    [
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-03-28T12:00",
            ["Sun 03-29 03:00 +0200", "Mon 03-30 02:30 +0200"],
        ),
        (
            "0 2,3 * * *",
            "Europe/Berlin",
            "2026-03-28T12:00",
            ["Sun 03-29 03:00 +0200", "Mon 03-30 02:00 +0200"],
        ),
        (
            "*/20 2 * * *",
            "America/New_York",
            "2026-03-07T12:00",
            ["Sun 03-08 03:00 -0400", "Mon 03-09 02:00 -0400"],
        ),
        (
            "*/15 * * * *",
            "Australia/Lord_Howe",
            "2026-10-03T15:10",
            ["Sun 10-04 01:45 +1030", "Sun 10-04 02:30 +1100", "Sun 10-04 02:45 +1100"],
        ),
        (
            "*/15 * * * *",
            "Australia/Lord_Howe",
            "2026-04-04T14:40",
            ["Sun 04-05 01:45 +1100", "Sun 04-05 02:00 +1030"],
        ),
        ("0 * * * *", "Asia/Kolkata", "2026-06-01T00:00", ["Mon 06-01 06:00 +0530"]),
        ("0 12 29 2 *", "UTC", "2026-06-01", ["Tue 02-29 12:00 +0000"]),
        ("0 0 13 * fri", "UTC", "2026-06-10", ["Fri 06-12 00:00 +0000", "Sat 06-13 00:00 +0000"]),
    ],
)
def test_the_times_of_a_schedule_when_clocks_change_and_days_are_rare(cron, where, after, expected):
    assert shown(cron, where, after, len(expected)) == expected


FIELDS = some.tuples(
    some.sampled_from(["0", "30", "*/15", "5-50/9", "59"]),
    some.sampled_from(["*", "2", "1-3", "0,23", "*/5"]),
    some.sampled_from(["*", "1", "13", "28-31", "*/2"]),
    some.sampled_from(["*", "2", "3,4,10,11", "*/5"]),
    some.sampled_from(["*", "0", "7", "mon-fri", "5", "1-6/2"]),
).map(" ".join)
ZONES = some.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])


@settings(max_examples=12, deadline=None)
@given(cron=FIELDS, where=ZONES, since=some.integers(0, 366 * 24 * 60))
def test_the_times_are_those_that_somebody_finds_who_looks_at_the_clock_every_minute(cron, where, since):
    after = START + timedelta(minutes=since)
    expected = [at for at in scheduled(cron, where) if after < at][:50]
    assert list(islice(times(on(cron, where), after), len(expected))) == expected


@settings(max_examples=12, deadline=None)
@given(cron=FIELDS, where=ZONES, since=some.integers(0, 300 * 24 * 60), most=some.integers(1, 120))
def test_the_last_times_before_a_moment_are_the_end_of_all_of_them(cron, where, since, most):
    after = START + timedelta(minutes=since)
    until = START + YEAR
    expected = [at for at in scheduled(cron, where) if after < at <= until][-most:]
    assert last_times(on(cron, where), after, until, most) == expected
