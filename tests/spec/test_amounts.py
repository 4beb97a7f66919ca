"""Why: whoever writes 2% must get two in a hundred, and whoever writes 2 must be asked what of."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from chaosctl.spec import Amount, Duration, Rate, Share, show_amount, show_duration, show_rate, show_share
from chaosctl.spec.amounts import amount, duration, duration_text, rate, rate_text, share, unit_of

DURATIONS = st.timedeltas(min_value=timedelta(), max_value=timedelta(days=400))


class Everything(BaseModel):
    hold: Duration
    part: Share
    often: Rate
    bound: Amount


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("3m", 180),
        ("1h30m", 5400),
        ("250ms", 0.25),
        ("1.5s", 1.5),
        ("1d", 86400),
        (0, 0),
        ("0", 0),
    ],
)
def test_a_duration_is_read_with_its_unit(text, seconds):
    assert duration(text) == timedelta(seconds=seconds)


@given(DURATIONS)
def test_a_duration_is_written_as_it_is_read(value):
    assert duration(duration_text(value)) == value


@given(st.floats(min_value=1e-9, max_value=1e9))
def test_a_rate_is_written_as_it_is_read(value):
    assert rate(rate_text(value)) == value


@pytest.mark.parametrize(
    ("read", "value", "message"),
    [
        (duration, 30, "30 has no unit: write 30s for seconds"),
        (duration, "soon", '"soon" is no duration: write it like 90s, 3m, 1h30m or 250ms'),
        (duration, "-3s", '"-3s" is no duration: write it like 90s, 3m, 1h30m or 250ms'),
        (duration, True, '"True" is no duration: write it like 90s, 3m, 1h30m or 250ms'),
        (duration, "99999999999999h", '"99999999999999h" is longer than anybody can wait'),
        (share, 50, "50 is not between 0% and 100%: write 50% for 50 in a hundred"),
        (share, "150%", "150% is not between 0% and 100%"),
        (share, "half", '"half" is no share: write it like 2% or 0.02'),
        (rate, 50, "50 has no unit: write 50/s for 50 a second"),
        (rate, "50/d", '"50/d" is no rate: write it like 50/s or 300/m'),
        (amount, None, '"None" is no amount: write it like 1%, 250ms or 3'),
        (amount, "9" * 50, f'"{"9" * 40}…" is too large'),
    ],
)
def test_a_wrong_amount_says_how_to_write_it(read, value, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        read(value)


@pytest.mark.parametrize(
    ("written", "value", "unit"),
    [
        ("1%", 0.01, "share"),
        ("250ms", 0.25, "seconds"),
        (3, 3.0, ""),
        ("-5%", -0.05, "share"),
        ("3", 3.0, ""),
    ],
)
def test_a_bound_is_a_number_in_the_unit_it_was_written_in(written, value, unit):
    assert (amount(written), unit_of(written)) == (value, unit)


def test_a_model_reads_its_own_json():
    value = Everything.model_validate({"hold": "90s", "part": "2%", "often": "300/m", "bound": "250ms"})
    assert value.often == 5
    assert Everything.model_validate_json(value.model_dump_json()) == value


def test_a_model_names_the_field_that_is_wrong():
    with pytest.raises(ValidationError, match=r"(?s)often.*50 has no unit"):
        Everything.model_validate({"hold": "90s", "part": 0.5, "often": 50, "bound": 1})


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (timedelta(), "0 s"),
        (timedelta(milliseconds=250), "250 ms"),
        (timedelta(seconds=90), "90 s"),
        (timedelta(minutes=3), "3 m"),
        (timedelta(minutes=4, seconds=10), "4 m 10 s"),
        (timedelta(minutes=90), "1 h 30 m"),
    ],
)
def test_people_see_durations_in_words_that_fit_their_size(value, shown):
    assert show_duration(value) == shown


def test_people_see_units():
    assert show_share(0.02) == "2 %"
    assert show_rate(50) == "50/s"
    assert [show_amount(0.029, "share"), show_amount(0.25, "seconds"), show_amount(3, "replicas")] == [
        "2.9 %",
        "250 ms",
        "3 replicas",
    ]
    assert show_amount(3, "") == "3"
