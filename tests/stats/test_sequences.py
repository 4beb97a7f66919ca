"""Why: an interval in a report that is written at any time must hold at that time."""

import numpy as np
import pytest

from chaosctl.stats import clopper_pearson, log_evidence_below, mean_sequence, rate_sequence, threshold

LOOKS = (25, 100, 400)


def test_a_rate_leaves_its_sequence_at_any_look_in_at_most_alpha_of_runs():
    drawn = np.cumsum(np.random.default_rng(21).random((300, LOOKS[-1])) < 0.1, axis=1)

    def left(row):
        bounds = [rate_sequence(int(row[n - 1]), n, alpha=0.1) for n in LOOKS]
        return any(not low <= 0.1 <= high for low, high in bounds)

    wrong = sum(map(left, drawn))

    assert clopper_pearson(wrong, len(drawn), confidence=0.99)[0] <= 0.1


def test_a_rate_at_the_border_is_just_refuted():
    _, high = rate_sequence(3, 500)

    assert log_evidence_below(3, 500, high) == pytest.approx(threshold(0.025), abs=1e-6)


@pytest.mark.parametrize(("bad", "n"), [(0, 50), (7, 50), (50, 50)])
def test_what_holds_at_every_look_is_wider_than_what_holds_at_one(bad, n):
    (low, high), (once_low, once_high) = rate_sequence(bad, n), clopper_pearson(bad, n)

    assert low <= once_low <= bad / n <= once_high <= high


def test_without_observations_everything_is_possible():
    assert rate_sequence(0, 0) == (0, 1)
    assert mean_sequence([]) == (0, 1)


def test_the_mean_of_windows_of_one_trial_is_a_rate():
    assert mean_sequence([1.0] * 4 + [0.0] * 96) == pytest.approx(rate_sequence(4, 100))


def test_windows_that_vary_less_than_trials_are_known_better():
    low, high = mean_sequence([0.1] * 100)
    wide_low, wide_high = rate_sequence(10, 100)

    assert wide_low < low < 0.1 < high < wide_high
