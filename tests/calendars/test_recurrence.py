"""Why: a rule of ours must fall on the days on which everybody else's calendar shows it."""

import re
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from itertools import islice, takewhile

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as some

from chaosctl.calendars.recurrence import LONGEST_COUNT, Rule, counted, days
from chaosctl.calendars.rules import When, rule_of

FIRST, LAST = date(2026, 1, 1), date(2029, 12, 31)
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def parts(text):
    return {name: value.split(",") for name, _, value in (part.partition("=") for part in text.split(";"))}


def rule(text, start=FIRST):
    return rule_of(parts(text), When(datetime.combine(start, datetime.min.time()), None))


def ours(text, start, last=LAST):
    found = rule(text, start)
    until = found.until.date() if found.until else last
    return list(days(found, start, min(until, last)))


def theirs(text, start, last=LAST):
    times = iter(rrulestr(text, dtstart=datetime.combine(start, datetime.min.time())))
    return [at.date() for at in takewhile(lambda at: at.date() <= last, islice(times, 3000))]


def joined(**names):
    return some.fixed_dictionaries({}, optional=names).map(
        lambda given: "".join(f";{name}={value}" for name, value in given.items())
    )


def listed(values, most=3):
    return some.lists(values, min_size=1, max_size=most, unique=True).map(
        lambda found: ",".join(map(str, found))
    )


PLAIN_DAYS = listed(some.sampled_from(WEEKDAYS))
NTH_DAYS = PLAIN_DAYS | listed(
    some.tuples(some.sampled_from(["1", "2", "-1", "5"]), some.sampled_from(WEEKDAYS)).map("".join)
)
COMMON = {
    "INTERVAL": some.integers(1, 4),
    "COUNT": some.integers(1, 30),
    "WKST": some.sampled_from(["MO", "SU", "TH"]),
}
MONTHS, MONTH_DAYS = listed(some.integers(1, 12)), listed(some.sampled_from([1, 13, 28, 29, 30, 31, -1, -2]))
SOMETIMES = some.one_of(
    joined(**COMMON, BYDAY=PLAIN_DAYS, BYMONTH=MONTHS).map("FREQ=WEEKLY{}".format),
    joined(**COMMON, BYDAY=PLAIN_DAYS, BYMONTH=MONTHS, BYMONTHDAY=MONTH_DAYS).map("FREQ=DAILY{}".format),
    joined(**COMMON, BYDAY=NTH_DAYS, BYMONTH=MONTHS).map("FREQ=MONTHLY{}".format),
    joined(**COMMON, BYMONTHDAY=MONTH_DAYS, BYMONTH=MONTHS).map("FREQ=MONTHLY{}".format),
    joined(**COMMON, BYDAY=NTH_DAYS, BYMONTH=MONTHS).map("FREQ=YEARLY{}".format),
    joined(**COMMON, BYMONTHDAY=MONTH_DAYS, BYMONTH=MONTHS).map("FREQ=YEARLY{}".format),
    listed(some.sampled_from([1, 2, -1]), 2).map("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS={}".format),
    listed(some.sampled_from([1, 9, -1]), 2).map("FREQ=YEARLY;BYMONTH=3;BYDAY=MO,WE;BYSETPOS={}".format),
)


@settings(max_examples=150, deadline=None)
@given(text=SOMETIMES, start=some.dates(FIRST, date(2027, 3, 1)))
def test_a_rule_falls_on_the_days_that_dateutil_finds(text, start):
    with suppress(ValueError):  # a COUNT that nobody lives to see
        assert ours(text, start) == theirs(text, start)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FREQ=HOURLY", "FREQ must be one of DAILY, WEEKLY, MONTHLY, YEARLY"),
        ("FREQ=SECONDLY", "FREQ must be one of"),
        ("INTERVAL=2", "FREQ must be one of"),
        ("FREQ=DAILY;BYHOUR=3", "BYHOUR is not understood; known: FREQ, INTERVAL"),
        ("FREQ=YEARLY;BYWEEKNO=20", "BYWEEKNO is not understood"),
        ("FREQ=YEARLY;BYYEARDAY=20", "BYYEARDAY is not understood"),
        ("FREQ=DAILY;INTERVAL=0", "0 is not 1 or more"),
        ("FREQ=DAILY;COUNT=0", "0 is not 1 or more"),
        ("FREQ=WEEKLY;BYDAY=XX", '"XX" is no weekday, like MO or -1FR'),
        ("FREQ=YEARLY;COUNT=50", "COUNT=50 reaches over more than 40 years"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=1", "COUNT=1 reaches over more than 40 years"),
        ("FREQ=WEEKLY;BYDAY=MO,WE;BYSETPOS=1", "BYSETPOS is understood for months and years only"),
        ("FREQ=DAILY;UNTIL=soon", "UNTIL is neither a date nor a time"),
    ],
)
def test_a_rule_that_is_not_understood_is_refused_whole(text, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        rule(text)


def test_a_rule_that_never_comes_costs_no_more_than_the_days_that_are_asked_about():
    asked = []

    class Counting(date):
        def __new__(cls, year, month, day):
            asked.append(1)
            return super().__new__(cls, year, month, day)

    never = Rule(FIRST, "DAILY", months=frozenset({2}), month_days=frozenset({30}))
    assert list(days(never, Counting(2026, 1, 1), LAST)) == []
    assert len(asked) <= (LAST - FIRST).days + 2


def test_a_count_is_followed_up_to_its_limit():
    yearly = Rule(FIRST, "YEARLY")
    assert counted(yearly, 40) == date(2065, 1, 1)
    assert date(2066, 1, 1) > FIRST + LONGEST_COUNT


@pytest.mark.parametrize(
    ("until", "last"),
    [
        (datetime(2026, 1, 3, 23, 30, tzinfo=UTC), date(2026, 1, 3)),
        (date(2026, 1, 3), date(2026, 1, 3)),
        (datetime(2026, 1, 3) + timedelta(hours=1), date(2026, 1, 3)),  # noqa: DTZ001 - without a zone, as it may be
    ],
)
def test_an_end_is_a_day_or_a_moment(until, last):
    found = rule_of(
        {"FREQ": ["DAILY"], "UNTIL": [until]}, When(datetime.combine(FIRST, datetime.min.time()), None)
    )
    assert found.until.date() == last
