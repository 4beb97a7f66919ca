"""Why: "wrong in at most alpha of runs" is a promise that verdicts are built on."""

import math
from itertools import accumulate

import numpy as np
import pytest

from chaosctl.stats import clopper_pearson, log_evidence_above, log_evidence_below, samples_needed, threshold

ALPHA = 0.05
RUNS = 2_000


def bad_counts(rate, horizon, seed):
    """The running number of bad observations, one row a run."""
    drawn = np.random.default_rng(seed).random((RUNS, horizon)) < rate
    return np.cumsum(drawn, axis=1, dtype=np.int32)


def at_most_alpha(wrong):
    """Whether so many wrong runs are no evidence that more than alpha of all runs are wrong."""
    low, _ = clopper_pearson(int(wrong), RUNS, confidence=0.99)
    return low <= ALPHA


def most_that_certify(objective, horizon):
    """For n = 1, 2, …: the largest number of bad ones that still certifies, -1 where none does."""

    def grown(bad, n):
        return bad + (log_evidence_below(bad + 1, n, objective) >= threshold(ALPHA))

    return np.array(list(accumulate(range(1, horizon + 1), grown, initial=-1))[1:])


def fewest_that_alarm(objective, horizon):
    """For n = 1, 2, …: the smallest number of bad ones that raises the alarm; n + 1 where none does."""

    def raised(bad, n):
        while bad <= n and log_evidence_above(bad, n, objective) < threshold(ALPHA):
            bad += 1
        return bad

    return np.array(list(accumulate(range(1, horizon + 1), raised, initial=0))[1:])


@pytest.mark.parametrize(("objective", "horizon"), [(0.01, 4_000), (0.1, 2_000)])
def test_a_rate_at_the_objective_is_certified_in_at_most_alpha_of_runs(objective, horizon):
    seen = bad_counts(objective, horizon, seed=1)

    wrong = (seen <= most_that_certify(objective, horizon)).any(axis=1).sum()

    assert at_most_alpha(wrong)


@pytest.mark.parametrize(("objective", "horizon"), [(0.01, 4_000), (0.1, 2_000)])
def test_a_rate_at_the_objective_raises_an_alarm_in_at_most_alpha_of_runs(objective, horizon):
    seen = bad_counts(objective, horizon, seed=2)

    wrong = (seen >= fewest_that_alarm(objective, horizon)).any(axis=1).sum()

    assert at_most_alpha(wrong)


def test_a_rate_well_below_the_objective_is_certified_in_nearly_every_run():
    seen = bad_counts(0.001, 1_500, seed=3)

    right = (seen <= most_that_certify(0.01, 1_500)).any(axis=1).mean()

    assert right > 0.98


def test_an_outage_raises_the_alarm_within_a_few_requests():
    assert log_evidence_above(3, 3, 0.01) >= threshold(ALPHA)


def test_one_bad_answer_in_a_hundred_raises_no_alarm_at_one_percent():
    assert log_evidence_above(1, 100, 0.01) < 0


def test_a_perfect_one_percent_objective_is_certified_in_8_seconds_at_50_a_second():
    assert samples_needed(0.01, ALPHA) / 50 == pytest.approx(8.3, abs=0.15)


@pytest.mark.parametrize("objective", [0.001, 0.02, 0.5, 1.0])
def test_the_samples_needed_are_exactly_those_that_certify(objective):
    needed = samples_needed(objective, ALPHA)

    assert log_evidence_below(0, needed, objective) >= threshold(ALPHA, 1)
    assert log_evidence_below(0, needed - 1, objective) < threshold(ALPHA, 1)


def test_nothing_is_known_without_observations():
    assert log_evidence_below(0, 0, 0.01) == pytest.approx(0)
    assert log_evidence_above(0, 0, 0.01) == pytest.approx(0)


@pytest.mark.parametrize("objective", [0.0, -0.5])
def test_an_objective_of_zero_can_be_refuted_but_never_shown(objective):
    assert samples_needed(objective, ALPHA) == math.inf
    assert log_evidence_below(0, 10**6, objective) == 0
    assert log_evidence_above(1, 10**6, objective) == math.inf
    assert log_evidence_above(0, 10**6, objective) == 0


@pytest.mark.parametrize("objective", [1.0, 1.5])
def test_an_objective_of_one_can_be_shown_but_never_refuted(objective):
    assert log_evidence_below(5, 6, objective) == math.inf
    assert log_evidence_below(6, 6, objective) == 0
    assert log_evidence_above(6, 6, objective) == 0


def test_all_attempts_together_spend_no_more_than_alpha():
    assert sum(math.exp(-threshold(ALPHA, k)) for k in range(1, 10_000)) == pytest.approx(ALPHA, rel=1e-3)
    assert math.exp(-threshold(ALPHA)) == pytest.approx(ALPHA)


def test_a_million_observations_neither_overflow_nor_vanish():
    assert log_evidence_below(0, 10**6, 0.01) > 1_000
    assert log_evidence_below(10**6, 10**6, 0.01) < -1_000
    assert log_evidence_above(10**6, 10**6, 0.01) > 1_000
