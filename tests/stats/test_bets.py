"""Why: every test here is a mixture of the same bets; if one could gain by chance, all of them would lie."""

import math
from functools import reduce

import pytest

from chaosctl.stats import above, below, grown, more_needed
from chaosctl.stats.bets import log_sum

OBJECTIVES = [0.001, 0.01, 0.3]


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("side", [below, above])
def test_no_bet_gains_in_the_mean_while_the_rate_is_at_the_objective(side, objective):
    bets = side(objective)
    pairs = zip(bets.bad, bets.good, strict=True)

    assert [objective * bad + (1 - objective) * good for bad, good in pairs] == pytest.approx(
        [1] * len(bets.bad)
    )


@pytest.mark.parametrize("side", [below, above])
def test_the_shares_of_a_mixture_are_one(side):
    assert math.exp(log_sum(side(0.01).shares)) == pytest.approx(1)


def test_a_window_that_is_all_good_or_all_bad_counts_as_one_trial():
    bets = below(0.01)

    assert bets.bounded(0.0) == bets.counted(0, 1)
    assert bets.bounded(1.0) == bets.counted(1, 1)


def test_a_window_counts_by_its_share_in_between():
    bets = above(0.01)
    expected = [0.25 * bad + 0.75 * good for bad, good in zip(bets.bad, bets.good, strict=True)]

    assert [math.exp(gain) for gain in bets.bounded(0.25)] == pytest.approx(expected)


def test_trials_add_up_in_any_order():
    bets = above(0.01)
    apart = reduce(grown, [bets.counted(1, 30), bets.counted(0, 20), bets.counted(4, 50)], bets.stake)

    assert bets.worth(apart) == pytest.approx(bets.worth(bets.counted(5, 100)))


@pytest.mark.parametrize("bad", [0, 3, 20])
def test_so_many_more_good_ones_are_exactly_enough(bad):
    bets = below(0.01)
    wealth = bets.counted(bad, 200)
    more = more_needed(bets, wealth, 3.0)

    assert bets.worth(grown(wealth, bets.counted(0, more))) >= 3.0
    assert bets.worth(grown(wealth, bets.counted(0, more - 1))) < 3.0


def test_sums_of_logarithms_neither_overflow_nor_vanish():
    assert log_sum([1000.0, 1000.0]) == pytest.approx(1000 + math.log(2))
    assert log_sum([-math.inf, -math.inf]) == -math.inf
    assert log_sum([math.inf, 0.0]) == math.inf


@pytest.mark.parametrize("level", [-3.0, 1.0, 3.0, 4.2, 4.5, 9.0])
@pytest.mark.parametrize("bad", [0, 2, 5])
def test_evidence_reaches_a_level_when_it_is_worth_so_much(bad, level):
    bets = below(0.01)
    wealth = bets.counted(bad, 450)

    assert bets.reaches(wealth, level) is (bets.worth(wealth) >= level)
    assert bets.reaches(wealth, bets.worth(wealth))
