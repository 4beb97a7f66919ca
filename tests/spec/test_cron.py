"""Why: what people write in a crontab means the same everywhere, or a drill runs on the wrong day."""

import re

import pytest

from chaosctl.spec.cron import MACROS, parse

EVERY_HOUR, EVERY_MONTH = frozenset(range(24)), frozenset(range(1, 13))


@pytest.mark.parametrize(
    ("field", "days"),
    [
        ("0", {0}),
        ("7", {0}),
        ("sun", {0}),
        ("SUN", {0}),
        ("2", {2}),
        ("tue", {2}),
        ("mon-fri", {1, 2, 3, 4, 5}),
        ("5-7", {5, 6, 0}),
        ("0-7", {0, 1, 2, 3, 4, 5, 6}),
        ("fri-mon", {5, 6, 0, 1}),
        ("sat-sun", {6, 0}),
        ("6-2", {6, 0, 1, 2}),
        ("1-5/2", {1, 3, 5}),
        ("*/3", {0, 3, 6}),
        ("mon,wed,7", {1, 3, 0}),
    ],
)
def test_weekdays_count_from_sunday_by_both_its_numbers(field, days):
    assert parse(f"0 10 * * {field}").weekdays == days


@pytest.mark.parametrize(
    ("text", "minutes", "hours"),
    [
        ("*/15 * * * *", {0, 15, 30, 45}, EVERY_HOUR),
        ("5/20 * * * *", {5, 25, 45}, EVERY_HOUR),
        ("0 22-2 * * *", {0}, {22, 23, 0, 1, 2}),
        ("0 22-4/3 * * *", {0}, {22, 1, 4}),
        ("0,30 9-10 * * *", {0, 30}, {9, 10}),
    ],
)
def test_ranges_steps_and_lists(text, minutes, hours):
    cron = parse(text)
    assert (cron.minutes, cron.hours, cron.months) == (minutes, hours, EVERY_MONTH)


def test_a_star_restricts_nothing_and_everything_else_does():
    assert parse("0 0 * * 1").days is None
    assert parse("0 0 13 * *").weekdays is None
    assert parse("0 0 */1 * 1").days is None
    both = parse("0 0 */2 * 1")
    assert (len(both.days), both.weekdays) == (16, {1})


def test_months_have_names():
    assert parse("0 0 1 jan,Mar-may *").months == {1, 3, 4, 5}


@pytest.mark.parametrize("macro", MACROS)
def test_macros_stand_for_their_fields(macro):
    assert parse(macro) == parse(macro.upper()) == parse(MACROS[macro])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", '"" has 0 fields, not five'),
        ("0 10 * *", "has 4 fields, not five: minute, hour, day of the month, month, weekday"),
        ("0 0 10 * * 2", "has 6 fields"),
        ("60 * * * *", 'the minute "60" is not 0 to 59'),
        ("0 24 * * *", 'the hour "24" is not 0 to 23'),
        ("0 0 0 * *", 'the day of the month "0" is not 1 to 31'),
        ("0 0 * 13 *", 'the month "13" is not 1 to 12, or jan to dec'),
        ("0 0 * * 8", 'the weekday "8" is not 0 to 6, or sun to sat'),
        ("0 0 * * funday", 'the weekday "funday" is not'),
        ("*/0 * * * *", 'the minute "*/0" steps by 0'),
        ("*-5 * * * *", "is not a value, a range or a step"),
        ("1- * * * *", "is not a value, a range or a step"),
        ("-1 * * * *", "is not a value, a range or a step"),
        ("1, * * * *", "is not a value, a range or a step"),
        ("0 0 L * *", 'the day of the month "L" is not'),
        ("0 0 * * 1#2", "is not a value, a range or a step"),
        ("0 0 30 2 *", '"0 0 30 2 *" never comes: none of these months has a day 30'),
        ("0 0 31 apr,jun *", "none of these months has a day 31"),
        ("@reboot", '"@reboot" is not known here; known: @yearly'),
        ("@every 5m", "has 2 fields"),
        ("٣ * * * *", "is not a value, a range or a step"),
        ("9" * 5000 + " * * * *", "the minute"),
    ],
)
def test_what_is_no_cron_says_which_field_and_why(text, message):
    with pytest.raises(ValueError, match=re.escape(message)) as raised:
        parse(text)
    assert len(str(raised.value)) < 300


def test_a_day_that_no_month_has_is_fine_where_a_weekday_is_enough():
    assert parse("0 0 30 2 1").weekdays == {1}
