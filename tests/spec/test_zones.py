"""Why: twice a year the clock on the wall says something that is not there, or says it twice."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from chaosctl.spec.zones import moment, wall_time, zone

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "America/St_Johns",
    "UTC",
)
MOMENTS = some.datetimes(datetime.fromisoformat("2026-01-01"), datetime.fromisoformat("2028-01-01"))


@pytest.mark.parametrize(
    ("where", "wall", "utc"),
    [
        ("Europe/Berlin", "2026-07-01T10:00", "2026-07-01T08:00"),
        ("Europe/Berlin", "2026-03-29T01:59", "2026-03-29T00:59"),
        ("Europe/Berlin", "2026-03-29T02:00", "2026-03-29T01:00"),
        ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:00"),
        ("Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00"),
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30"),
        ("Europe/Berlin", "2026-10-25T03:00", "2026-10-25T02:00"),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30"),
        ("Australia/Lord_Howe", "2026-10-04T02:30", "2026-10-03T15:30"),
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45"),
        ("Asia/Kolkata", "2026-03-29T02:30", "2026-03-28T21:00"),
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00"),  # a day that Samoa left out
    ],
)
def test_every_wall_time_means_one_moment(where, wall, utc):
    assert moment(datetime.fromisoformat(wall), zone(where)) == datetime.fromisoformat(utc).replace(
        tzinfo=UTC
    )


@given(
    where=some.sampled_from(ZONES),
    one=MOMENTS,
    other=MOMENTS,
)
def test_later_wall_times_never_mean_earlier_moments(where, one, other):
    first, second = sorted(at.replace(microsecond=0) for at in (one, other))
    assert moment(first, zone(where)) <= moment(second, zone(where))


@given(where=some.sampled_from(ZONES), at=MOMENTS)
def test_what_the_wall_shows_means_that_moment_or_the_first_time_that_it_was_shown(where, at):
    then = at.replace(microsecond=0, tzinfo=UTC)
    shown = wall_time(then, zone(where))
    assert moment(shown, zone(where)) <= then
    assert wall_time(moment(shown, zone(where)), zone(where)) == shown


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Europe/Berln", "did you mean Europe/Berlin?"),
        ("", "write it like Europe/Berlin or UTC"),
        ("/etc/passwd", "write it like"),
        ("../../etc/passwd", "write it like"),
        ("Europe", "no time zone"),
        ("x" * 500, "no time zone is called"),
    ],
)
def test_a_zone_that_nobody_knows_is_an_error(name, message):
    with pytest.raises(ValueError, match=re.escape(message)) as raised:
        zone(name)
    assert len(str(raised.value)) < 200
