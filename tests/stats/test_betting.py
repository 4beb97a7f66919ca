"""Why: failures that come together must not look like many independent ones."""

import numpy as np
import pytest

from chaosctl.stats import (
    clopper_pearson,
    log_evidence_mean_above,
    log_evidence_mean_below,
    samples_needed,
    threshold,
)
from chaosctl.stats.bets import above, below

ALPHA = 0.05
RUNS = 2_000


def ever_reached(side, values, objective):
    """How many of the runs, one a row, reach the threshold at any time. All bets at once, in numpy."""
    bets = side(objective)
    bad, good = np.array(bets.bad)[:, None], np.array(bets.good)[:, None]
    wealth, reached = np.zeros((len(bets.bad), len(values))), np.zeros(len(values), bool)
    for column in values.T:
        with np.errstate(divide="ignore"):
            wealth += np.log(column * bad + (1 - column) * good)
        best = wealth + np.array(bets.shares)[:, None]
        reached |= np.logaddexp.reduce(best, axis=0) >= threshold(ALPHA)
    return int(reached.sum())


def at_most_alpha(wrong):
    return clopper_pearson(wrong, RUNS, confidence=0.99)[0] <= ALPHA


def clustered(rate, spread, windows, seed):
    """Shares of windows of 50 requests that fail together: beta-binomial with this correlation."""
    draw = np.random.default_rng(seed)
    more = 1 / spread - 1
    rates = draw.beta(rate * more, (1 - rate) * more, (RUNS, windows))
    return draw.binomial(50, rates) / 50


@pytest.mark.parametrize("spread", [0.01, 0.5])
@pytest.mark.parametrize("side", [below, above])
def test_a_mean_at_the_objective_is_decided_wrongly_in_at_most_alpha_of_runs(side, spread):
    values = clustered(0.05, spread, 300, seed=5)

    assert at_most_alpha(ever_reached(side, values, 0.05))


def test_clusters_are_certified_in_time_when_they_are_rare_enough():
    values = clustered(0.002, 0.1, 800, seed=6)

    assert ever_reached(below, values, 0.02) > 0.99 * RUNS


def test_windows_without_a_failure_need_as_many_as_the_formula_says():
    needed = int(samples_needed(0.05, ALPHA))

    assert log_evidence_mean_below([0.0] * needed, 0.05) >= threshold(ALPHA, 1)
    assert log_evidence_mean_below([0.0] * (needed - 1), 0.05) < threshold(ALPHA, 1)


def test_windows_that_are_all_bad_are_refuted_at_once():
    assert log_evidence_mean_above([1.0, 1.0], 0.01) >= threshold(ALPHA)
    assert log_evidence_mean_above([], 0.01) == pytest.approx(0)
