"""Why: a freeze that is misread lets a drill into it; each way to write one is tried, and each way to err."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from chaosctl.calendars.blackout import spans
from chaosctl.calendars.ics import MAX_EVENTS, MAX_RULES, read
from chaosctl.errors import Invalid
from chaosctl.spec.windows import MAX_BYTES

BERLIN = ZoneInfo("Europe/Berlin")


def event(*lines, summary="Freeze", uid="1"):
    head = ("BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260101T000000Z", f"SUMMARY:{summary}")
    return "\r\n".join((*head, *lines, "END:VEVENT")) + "\r\n"


def calendar(*events):
    return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\n" + "".join(events) + "END:VCALENDAR\r\n"


def closed(*events, first="2026-11-01", last="2027-02-28"):
    """What is closed, in UTC, for windows in Berlin."""
    found = read(calendar(*events), "x.ics")
    days = (date.fromisoformat(day) for day in (first, last))
    return [
        (f"{span.start:%m-%d %H:%M}", f"{span.end:%m-%d %H:%M}")
        for span in sorted(spans(found, BERLIN, *days))
        if span.end.date() >= date.fromisoformat(first) and span.start.date() <= date.fromisoformat(last)
    ]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["DTSTART:20261201T100000Z", "DTEND:20261201T120000Z"], [("12-01 10:00", "12-01 12:00")]),
        (["DTSTART:20261201T220000Z", "DURATION:PT8H"], [("12-01 22:00", "12-02 06:00")]),
        (["DTSTART:20261201T100000", "DTEND:20261201T120000"], [("12-01 09:00", "12-01 11:00")]),
        (["DTSTART;VALUE=DATE:20261201"], [("11-30 23:00", "12-01 23:00")]),
        (["DTSTART;VALUE=DATE:20261219", "DTEND;VALUE=DATE:20270105"], [("12-18 23:00", "01-04 23:00")]),
        (
            ["DTSTART;TZID=America/New_York:20261201T220000", "DTEND;TZID=America/New_York:20261202T020000"],
            [("12-02 03:00", "12-02 07:00")],
        ),
        (
            ["DTSTART;TZID=W. Europe Standard Time:20261201T220000", "DURATION:PT1H"],
            [("12-01 21:00", "12-01 22:00")],
        ),
        (
            ["DTSTART;TZID=Europe/Berlin:20261201T100000", "DTEND;TZID=America/New_York:20261201T100000"],
            [("12-01 09:00", "12-01 15:00")],
        ),
        (["DTSTART:20261201T100000Z"], []),
        (["DTSTART:20261201T100000Z", "DURATION:PT1H", "STATUS:CANCELLED"], []),
        (
            ["DTSTART:20261201T100000Z", "DURATION:PT1H", "TRANSP:TRANSPARENT"],
            [("12-01 10:00", "12-01 11:00")],
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, list) and value and isinstance(value[0], str) else "",
)
def test_a_single_event_closes_its_time(lines, expected):
    assert closed(event(*lines)) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ["DTSTART;TZID=Europe/Berlin:20261106T180000", "DURATION:PT12H", "RRULE:FREQ=WEEKLY;COUNT=2"],
            [("11-06 17:00", "11-07 05:00"), ("11-13 17:00", "11-14 05:00")],
        ),
        (
            [
                "DTSTART;TZID=Europe/Berlin:20261106T100000",
                "DURATION:PT1H",
                "RRULE:FREQ=WEEKLY;UNTIL=20261120T090000Z",
                "EXDATE;TZID=Europe/Berlin:20261113T100000",
            ],
            [("11-06 09:00", "11-06 10:00"), ("11-20 09:00", "11-20 10:00")],
        ),
        (
            ["DTSTART;VALUE=DATE:20201224", "DTEND;VALUE=DATE:20201227", "RRULE:FREQ=YEARLY"],
            [("12-23 23:00", "12-26 23:00")],
        ),
        (
            [
                "DTSTART;VALUE=DATE:20261130",
                "RRULE:FREQ=MONTHLY;BYMONTHDAY=-1;UNTIL=20261231",
                "EXDATE;VALUE=DATE:20261231",
                "RDATE;VALUE=DATE:20270115",
            ],
            [("11-29 23:00", "11-30 23:00"), ("01-14 23:00", "01-15 23:00")],
        ),
        (
            ["DTSTART:20261201T100000Z", "DURATION:PT1H", "RDATE;VALUE=PERIOD:20261203T100000Z/PT5H"],
            [("12-01 10:00", "12-01 11:00"), ("12-03 10:00", "12-03 15:00")],
        ),
    ],
)
def test_an_event_that_repeats_closes_each_of_its_times(lines, expected):
    assert closed(event(*lines)) == expected


def test_a_weekly_event_keeps_its_hour_on_the_wall_when_the_clock_is_put_back():
    weekly = event("DTSTART;TZID=Europe/Berlin:20261018T100000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY")
    assert closed(weekly, first="2026-10-18", last="2026-10-25") == [
        ("10-18 08:00", "10-18 09:00"),
        ("10-25 09:00", "10-25 10:00"),
    ]


def test_one_time_of_an_event_that_was_moved_closes_where_it_went():
    weekly = event("DTSTART:20261106T100000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=3")
    moved = event("RECURRENCE-ID:20261113T100000Z", "DTSTART:20261115T080000Z", "DURATION:PT2H")
    for events in ((weekly, moved), (moved, weekly)):
        assert closed(*events) == [
            ("11-06 10:00", "11-06 11:00"),
            ("11-15 08:00", "11-15 10:00"),
            ("11-20 10:00", "11-20 11:00"),
        ]


def test_one_time_of_an_event_that_was_cancelled_is_open():
    weekly = event("DTSTART;TZID=Europe/Berlin:20261106T110000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=2")
    cancelled = event(
        "RECURRENCE-ID:20261113T100000Z", "DTSTART:20261113T100000Z", "DURATION:PT1H", "STATUS:CANCELLED"
    )
    assert closed(weekly, cancelled) == [("11-06 10:00", "11-06 11:00")]


def test_a_file_s_own_idea_of_a_zone_is_not_used():
    """It could say anything, and cost anything; the zone of that name is used."""
    lie = (
        "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\n"
        "TZOFFSETFROM:+0900\r\nTZOFFSETTO:+0900\r\nRRULE:FREQ=SECONDLY\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    )
    hour = event("DTSTART;TZID=Europe/Berlin:20261201T100000", "DURATION:PT1H")
    assert closed(lie, hour) == [("12-01 09:00", "12-01 10:00")]


def test_a_folded_line_and_an_escaped_comma_are_read():
    found = read(calendar(event("DTSTART;VALUE=DATE:2026\r\n 1201", summary=r"Peak\, shopping")), "x.ics")
    assert (found[0].summary, found[0].start.day) == ("Peak, shopping", 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "x.ics is no calendar: it must begin with BEGIN:VCALENDAR"),
        ("hello", "x.ics cannot be read as a calendar"),
        ("<html>sign in</html>", "x.ics cannot be read as a calendar"),
        ("BEGIN:VCALENDAR\r\n", "x.ics is no calendar"),
        ("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\n", "x.ics"),
        (event("DTSTART:20261201T100000Z"), "x.ics is no calendar"),
        (calendar(event("DTSTART:2026-12-01")), '"Freeze" cannot be read: DTSTART'),
        (calendar(event("DTEND:20261201T100000Z")), '"Freeze" cannot be read: '),
        (
            calendar(event("DTSTART;TZID=Mars/Base:20261201T100000", "DURATION:PT1H")),
            'no time zone is called "Mars/Base"; use a name like Europe/Berlin',
        ),
        (
            calendar(event("DTSTART:20261201T100000", "DTEND:20261201T120000Z")),
            "of DTSTART and DTEND, one has a time zone and one has none",
        ),
        (calendar(event("DTSTART:20261201T100000Z", "DTEND:20261201T080000Z")), "it ends before it begins"),
        (calendar(event("DTSTART:20261201T100000Z", "DURATION:-PT1H")), "it ends before it begins"),
        (calendar(event("DTSTART:99991231T000000Z", "DURATION:P2D")), "outside of the years 1900 to 2200"),
        (calendar(event("DTSTART:20261201T000000Z", "DURATION:P99999999D")), "outside of the years"),
        (calendar(event("DTSTART:00010101T000000Z", "DURATION:P1D")), "outside of the years"),
        (calendar(event("DTSTART:20261201T100000Z", "DURATION:soon")), '"Freeze" cannot be read'),
        (
            calendar(event("DTSTART:20261201T100000Z", "DURATION:PT1H", "RRULE:FREQ=HOURLY")),
            "FREQ must be one of",
        ),
        (
            calendar(event("DTSTART:20261201T100000Z", "DURATION:PT1H", "RRULE:rubbish")),
            "FREQ must be one of",
        ),
        (
            calendar(event("DTSTART;VALUE=DATE:20260101", "DURATION:P401D", "RRULE:FREQ=YEARLY")),
            "it lasts longer than 400 days, and repeats",
        ),
        (
            calendar(
                event(
                    "RECURRENCE-ID;RANGE=THISANDFUTURE:20261201T100000Z",
                    "DTSTART:20261201T100000Z",
                    "DURATION:PT1H",
                )
            ),
            "RECURRENCE-ID with RANGE is not understood",
        ),
        (
            calendar(
                event("DTSTART:20261201T100000Z", "DURATION:PT1H", "RDATE;TZID=Mars/Base:20261203T100000")
            ),
            'no time zone is called "Mars/Base"',
        ),
    ],
)
def test_what_cannot_be_read_is_an_error_that_names_the_calendar(text, message):
    with pytest.raises(Invalid) as raised:
        read(text, "x.ics")
    assert message in str(raised.value)
    assert str(raised.value).startswith("x.ics")


def test_a_calendar_without_events_closes_nothing():
    assert read(calendar(), "x.ics") == ()


def test_the_size_the_events_and_the_rules_of_a_calendar_have_limits():
    one = event("DTSTART;VALUE=DATE:20261201")
    again = event("DTSTART;VALUE=DATE:20261201", "RRULE:FREQ=YEARLY")
    assert len(read(calendar(*[again] * MAX_RULES), "x.ics")) == MAX_RULES
    for text in (calendar(*[again] * (MAX_RULES + 1)), calendar(*[one] * (MAX_EVENTS + 1))):
        with pytest.raises(Invalid, match="has more than 5000 events, or 100 that repeat"):
            read(text, "x.ics")
    with pytest.raises(Invalid, match="is larger than 1 MiB"):
        read(calendar() + " " * MAX_BYTES, "x.ics")


def test_an_event_that_began_years_ago_and_has_not_ended_still_closes():
    assert closed(event("DTSTART:20200101T000000Z", "DTEND:20300101T000000Z")) == [
        ("01-01 00:00", "01-01 00:00")
    ]
    begun = read(calendar(event("DTSTART:20200101T000000Z", "DTEND:20300101T000000Z")), "x.ics")
    (span,) = spans(begun, BERLIN, date(2026, 1, 1), date(2026, 1, 2))
    assert (span.start.year, span.end - span.start > timedelta(days=3000)) == (2020, True)
    assert span.start.tzinfo == UTC == datetime.now(UTC).tzinfo
