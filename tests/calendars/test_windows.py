"""Why: a window that says no must say why, and when it says yes; a wrong yes wakes somebody up."""

from datetime import UTC, datetime, timedelta

import pytest
from calendars.icalendar import icalendar
from hypothesis import given, settings
from hypothesis import strategies as some

from chaosctl.calendars.reading import calendar_here, calendar_in
from chaosctl.calendars.windows import ALWAYS, HORIZON, calendar_of
from chaosctl.errors import Invalid
from chaosctl.spec.schedule import WindowsText
from chaosctl.spec.windows import Weekly, Windows, weekly
from chaosctl.testing import FakeCluster, in_virtual_time, namespace

MINUTE = timedelta(minutes=1)
TEN = 10 * MINUTE
FREEZE = icalendar(("Year-end freeze", "VALUE=DATE:20261219", "VALUE=DATE:20270105"))


def calendar(*only, timezone="Europe/Berlin", holidays="", blackout=""):
    place = {"file": "freeze.ics"} if blackout else None
    told = {"only": only, "timezone": timezone, "holidays": holidays, "blackout": place}
    return calendar_of(Windows.model_validate(told), blackout)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_drill_without_windows_may_run_at_any_time_for_as_long_as_it_wants():
    assert ALWAYS.refusal(at("2026-12-25T03:00"), timedelta(days=300)) is None
    assert ALWAYS.opening(at("2026-12-25T03:00")) == at("2026-12-25T03:00")


@pytest.mark.parametrize(
    ("windows", "when", "refusal"),
    [
        (calendar("Mon-Thu 09:00-16:00"), "2026-11-26T09:00", None),
        (calendar("Mon-Thu 09:00-16:00"), "2026-11-26T14:50", None),  # its last ten minutes
        (
            calendar("Mon-Thu 09:00-16:00"),
            "2026-11-26T14:51",
            (
                "its window closes at Thu 2026-11-26 16:00 CET, before a run that may last 10 m is over; "
                "next possible: Mon 2026-11-30 09:00 CET"
            ),
        ),
        (
            calendar("Mon-Thu 09:00-16:00"),
            "2026-11-27T10:00",
            (
                "outside Mon-Thu 09:00-16:00 (Europe/Berlin): it is Fri 2026-11-27 11:00 CET; "
                "next possible: Mon 2026-11-30 09:00 CET"
            ),
        ),
        (
            calendar("Mon,Wed 09:00-10:00", "Fri 12:00-13:00", timezone="UTC"),
            "2026-11-26T10:00",
            (
                "outside Mon,Wed 09:00-10:00, Fri 12:00-13:00 (UTC): it is Thu 2026-11-26 10:00 UTC; "
                "next possible: Fri 2026-11-27 12:00 UTC"
            ),
        ),
        (
            calendar(holidays="DE"),
            "2026-12-25T10:00",
            (
                '"Christmas Day" is a holiday in DE, until Sat 2026-12-26 00:00 CET; '
                "next possible: Sun 2026-12-27 00:00 CET"
            ),
        ),
        (
            calendar(holidays="DE"),
            "2026-12-24T22:55",
            (
                '"Christmas Day" is a holiday in DE, from Fri 2026-12-25 00:00 CET, '
                "before a run that may last 10 m is over; next possible: Sun 2026-12-27 00:00 CET"
            ),
        ),
        (calendar(holidays="DE"), "2026-01-06T10:00", None),
        (
            calendar(holidays="DE-BY"),
            "2026-01-06T10:00",
            (
                '"Epiphany" is a holiday in DE-BY, until Wed 2026-01-07 00:00 CET; '
                "next possible: Wed 2026-01-07 00:00 CET"
            ),
        ),
        (
            calendar(blackout=FREEZE),
            "2026-12-20T10:00",
            (
                'the blackout "Year-end freeze" lasts until Tue 2027-01-05 00:00 CET; '
                "next possible: Tue 2027-01-05 00:00 CET"
            ),
        ),
        (
            calendar("Sat,Sun 22:00-04:00", blackout=FREEZE),
            "2026-12-18T22:55",
            (
                'the blackout "Year-end freeze" lasts from Sat 2026-12-19 00:00 CET, '
                "before a run that may last 10 m is over; next possible: Sat 2027-01-09 22:00 CET"
            ),
        ),
        (calendar("Sat,Sun 22:00-04:00"), "2026-11-30T02:00", None),  # Monday, 03:00 there
        (calendar("Mon-Sun 00:00-24:00"), "2026-11-30T22:55", None),  # over midnight
    ],
)
def test_a_refusal_says_why_and_when_it_is_possible(windows, when, refusal):
    assert windows.refusal(at(when), TEN) == refusal


@pytest.mark.parametrize(
    ("only", "when", "opening"),
    [
        ("Sun 02:15-02:45", "2026-10-25T00:00", "2026-10-25T00:15"),  # 02:15 comes twice: the first
        ("Sun 02:30-04:00", "2026-03-29T00:00", "2026-03-29T01:00"),  # 02:30 does not come: after the gap
        ("Sat 22:00-06:00", "2026-03-28T12:00", "2026-03-28T21:00"),
    ],
)
def test_windows_open_by_the_wall_when_clocks_change(only, when, opening):
    assert calendar(only).opening(at(when)) == at(opening)


def test_a_window_that_lies_in_the_gap_of_spring_does_not_open_that_night():
    assert calendar("Sun 02:10-02:50").opening(at("2026-03-28T12:00")) == at("2026-04-05T00:10")


def test_what_never_opens_says_so():
    windows = calendar("Fri 12:00-12:05", timezone="UTC")
    assert windows.opening(at("2026-11-26T10:00"), TEN) is None
    assert windows.refusal(at("2026-11-27T12:01"), TEN).endswith(f"not within {HORIZON.days} days")


SPANS = some.tuples(
    some.sampled_from(["Mon", "Mon-Thu", "Fri-Mon", "Sat,Sun", "Mon-Sun"]),
    some.integers(0, 23),
    some.integers(0, 24),
).map(lambda found: f"{found[0]} {found[1]:02d}:00-{found[2] if found[2] != found[1] else 24:02d}:00")


@settings(max_examples=40, deadline=None)
@given(
    only=some.lists(SPANS, max_size=2),
    start=some.integers(0, 365 * 24 * 60),
    lasts=some.integers(0, 600),
    zone=some.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe"]),
)
def test_an_opening_is_the_first_moment_that_is_not_refused(only, start, lasts, zone):
    windows = calendar(*only, timezone=zone, holidays="DE")
    begin, length = at("2026-01-01T00:00") + start * MINUTE, lasts * MINUTE
    opening = windows.opening(begin, length)
    assert (windows.refusal(begin, length) is None) == (opening == begin)
    if opening is not None and opening > begin:
        assert windows.refusal(opening, length) is None
        assert windows.refusal(opening - MINUTE, length) is not None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Mon-Thu 09:00-16:00", "Mon-Thu 09:00-16:00"),
        ("fri-mon 22:00-04:00", "Fri-Mon 22:00-04:00"),
        ("Sun,Sat,Mon 9:00-24:00", "Sat-Mon 09:00-24:00"),
        ("Mon, Wed 00:00-24:00", "Mon,Wed 00:00-24:00"),
        ("Mon-Sun 23:00-00:00", "Mon-Sun 23:00-24:00"),
    ],
)
def test_a_window_is_shown_as_people_write_it_and_read_again(text, shown):
    assert str(weekly(text)) == shown
    assert weekly(shown) == weekly(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("09:00-16:00", "is no window: write it like Mon-Thu 09:00-16:00"),
        ("Mon-Thu", "is no window"),
        ("Mun 09:00-16:00", '"Mun" is no day; known: Mon, Tue'),
        ("Mon-Thu-Fri 09:00-16:00", "is no day"),
        ("Mon 09:00-24:01", '"24:01" is no time of day'),
        ("Mon 09:60-10:00", '"09:60" is no time of day'),
        ("Mon 10:00-10:00", "never opens; a whole day is 00:00-24:00"),
        ("Mon 24:00-10:00", "never opens"),
        (7, '"7" is no window'),
    ],
)
def test_what_is_no_window_says_how_to_write_one(text, message):
    with pytest.raises(ValueError, match=message):
        weekly(text)


def test_windows_go_through_json_and_back_unchanged():
    windows = Windows(
        only=(Weekly(days=(0, 2), start=540, until=600),), timezone="Asia/Kolkata", holidays="IN"
    )
    assert Windows.model_validate_json(windows.model_dump_json()) == windows


def test_holidays_that_nobody_knows_are_an_error():
    for code, message in (("XY", 'no holidays are known of "XY"'), ("DE-XX", 'DE has no part "XX"')):
        with pytest.raises(Invalid, match=message):
            calendar(holidays=code).refusal(at("2026-01-01T00:00"))


def resolved(folder=None, **told):
    return WindowsText.model_validate(told).resolve("Europe/Berlin", folder)


def test_a_calendar_that_changed_is_read_anew(tmp_path):
    (tmp_path / "freeze.ics").write_text(FREEZE)
    windows, when = resolved(tmp_path, blackout="freeze.ics"), at("2026-12-20T10:00")
    assert "Year-end freeze" in calendar_here(windows).refusal(when)
    (tmp_path / "freeze.ics").write_text(FREEZE.replace("20270105", "20261220"))
    assert calendar_here(windows).refusal(when) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"\xff\xfe", "is not UTF-8; export the calendar again"),
        (b"x" * 2_000_000, "is larger than 1 MiB"),
    ],
)
def test_a_calendar_that_cannot_be_read_is_an_error(tmp_path, content, message):
    if content is not None:
        (tmp_path / "freeze.ics").write_bytes(content)
    with pytest.raises(Invalid, match=message):
        calendar_here(resolved(tmp_path, blackout="freeze.ics"))


def test_a_file_in_a_cluster_and_a_config_map_without_one_are_errors():
    with pytest.raises(Invalid, match="is a file, and a cluster has none; put it into a ConfigMap"):
        resolved(blackout="freeze.ics")
    with pytest.raises(Invalid, match="is in the cluster; say which one"):
        calendar_here(resolved(blackout={"configMap": "freezes", "key": "all.ics"}))


def a_config_map(**data):
    meta = {"name": "freezes", "namespace": "models"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


IN_CLUSTER = resolved(blackout={"configMap": "freezes", "key": "all.ics"})


def test_a_calendar_in_a_config_map_is_read_as_it_stands():
    async def story():
        cluster = FakeCluster(namespace(), a_config_map(**{"all.ics": FREEZE}))
        return (await calendar_in(IN_CLUSTER, "models", cluster)).refusal(at("2026-12-20T10:00"))

    assert "Year-end freeze" in in_virtual_time(story())


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ((), "ConfigMap models/freezes does not exist; create it, or leave the blackout out"),
        ((a_config_map(other="x"),), 'ConfigMap models/freezes has no key "all.ics"; put the calendar there'),
        ((a_config_map(**{"all.ics": "x"}),), "the calendar freezes\\[all.ics\\] cannot be read"),
    ],
)
def test_a_config_map_that_is_not_there_or_is_no_calendar_is_an_error(objects, message):
    with pytest.raises(Invalid, match=message):
        in_virtual_time(calendar_in(IN_CLUSTER, "models", FakeCluster(namespace(), *objects)))


def test_windows_without_a_blackout_ask_no_cluster():
    assert in_virtual_time(calendar_in(None, "models", FakeCluster())) is ALWAYS
    windows = Windows(holidays="DE")
    assert in_virtual_time(calendar_in(windows, "models", FakeCluster())) is calendar_of(windows)
