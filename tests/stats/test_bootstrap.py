"""Why: an interval that changes with every reading of the same report helps nobody."""

from statistics import median

import numpy as np
import pytest

from chaosctl.stats import bootstrap_interval

VALUES = [float(x) for x in np.random.default_rng(1).exponential(1.0, 200)]


def test_the_same_seed_draws_the_same():
    assert bootstrap_interval(VALUES, median, 7) == bootstrap_interval(VALUES, median, 7)
    assert bootstrap_interval(VALUES, median, 7) != bootstrap_interval(VALUES, median, 8)


def test_more_confidence_is_wider():
    low, high = bootstrap_interval(VALUES, median, 7, confidence=0.8)
    wide_low, wide_high = bootstrap_interval(VALUES, median, 7, confidence=0.99)

    assert wide_low < low < median(VALUES) < high < wide_high


def test_the_truth_is_inside_about_as_often_as_it_says():
    draw = np.random.default_rng(2)
    samples = [[float(x) for x in draw.exponential(1.0, 60)] for _ in range(200)]

    def holds(sample):
        low, high = bootstrap_interval(sample, np.mean, 1, confidence=0.9, resamples=200)
        return low <= 1.0 <= high

    assert 0.8 <= np.mean([holds(sample) for sample in samples]) <= 0.97


def test_no_values_have_no_interval():
    with pytest.raises(ValueError, match="no values"):
        bootstrap_interval([], median, 1)
