"""A histogram knows every value to 0.8 % or a microsecond, and adds up."""

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosctl.errors import Invalid
from chaosctl.streams.histogram import Histogram, merged

SECONDS = st.floats(0, 1e6)


def counted(values):
    made = Histogram()
    for value in values:
        made.add(value)
    return made


@given(SECONDS)
def test_a_value_is_known_to_a_hundredth_or_a_microsecond(value):
    found = counted([value]).quantile(0.5)
    assert abs(found - value) <= max(1e-6, 0.005 * value)


@given(st.lists(SECONDS, min_size=1), st.lists(SECONDS))
def test_merging_counts_what_both_counted(one, other):
    whole = counted([*one, *other])
    both = merged([counted(one), counted(other)])
    assert both.counts == whole.counts
    assert both.n == len(one) + len(other)


@given(st.lists(SECONDS))
def test_it_comes_back_from_json(values):
    given = counted(values)
    assert Histogram.decode(json.loads(json.dumps(given.encode()))).counts == given.counts


def test_quantiles_are_those_of_the_sorted_values():
    random = Random(1)
    values = sorted(random.lognormvariate(-4, 1) for _ in range(10_000))
    found = counted(values)
    for share in (0.01, 0.5, 0.9, 0.99, 0.999, 1.0):
        expected = values[max(0, round(share * 10_000) - 1)]
        assert found.quantile(share) == pytest.approx(expected, rel=0.005)
    assert found.mean == pytest.approx(sum(values) / 10_000, rel=0.005)
    assert found.largest == pytest.approx(values[-1], rel=0.008)


def test_what_is_above_is_counted_by_whole_buckets():
    assert counted([0.1] * 3 + [0.5] * 2).above(0.2) == 2


def test_an_empty_one_has_no_values():
    empty = Histogram()
    assert (empty.n, empty.quantile(0.99), empty.mean, empty.largest) == (0, 0.0, 0.0, 0.0)


def test_too_small_and_too_long_ones_count_at_the_ends():
    assert counted([-1.0]).quantile(1) < 1e-6
    assert counted([1e9]).n == 1


@pytest.mark.parametrize("numbers", [[1], [1, -1], [-1, 1], [1.5, 1], [1, True], [99999, 1]])
def test_what_is_no_histogram_is_refused(numbers):
    with pytest.raises(Invalid):
        Histogram.decode(numbers)
