"""Why: an interval in a report must be the one that statisticians know by its name."""

import math

import pytest

from chaosctl.stats import clopper_pearson
from chaosctl.stats.intervals import incomplete_beta


def tail(k, n, p):
    """The probability of k or more of n, term by term."""
    return sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))


@pytest.mark.parametrize(("bad", "n"), [(1, 10), (3, 50), (25, 50), (49, 50), (7, 400)])
def test_each_bound_leaves_half_of_the_doubt_on_its_side(bad, n):
    low, high = clopper_pearson(bad, n)

    assert tail(bad, n, low) == pytest.approx(0.025, rel=1e-6)
    assert 1 - tail(bad + 1, n, high) == pytest.approx(0.025, rel=1e-6)


def test_none_of_n_gives_the_closed_form():
    low, high = clopper_pearson(0, 100)

    assert low == 0
    assert high == pytest.approx(1 - 0.025 ** (1 / 100))


def test_all_of_n_mirrors_none_of_n():
    assert clopper_pearson(40, 40) == pytest.approx(tuple(1 - x for x in reversed(clopper_pearson(0, 40))))


def test_more_confidence_makes_a_wider_interval():
    low, high = clopper_pearson(5, 100, confidence=0.99)
    narrow_low, narrow_high = clopper_pearson(5, 100, confidence=0.9)

    assert low < narrow_low < 0.05 < narrow_high < high


def test_a_million_observations_give_an_interval_as_the_normal_law_has_it():
    low, high = clopper_pearson(10_000, 1_000_000)
    deviation = math.sqrt(0.01 * 0.99 / 1_000_000)

    assert low == pytest.approx(0.01 - 1.96 * deviation, rel=1e-3)
    assert high == pytest.approx(0.01 + 1.96 * deviation, rel=1e-3)


@pytest.mark.parametrize("x", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_the_incomplete_beta_function_is_a_binomial_tail(x):
    assert incomplete_beta(x, 3, 8) == pytest.approx(tail(3, 10, x))


@pytest.mark.parametrize(("bad", "n"), [(-1, 10), (11, 10), (0, 0)])
def test_an_impossible_share_is_refused(bad, n):
    with pytest.raises(ValueError, match="is no share"):
        clopper_pearson(bad, n)
