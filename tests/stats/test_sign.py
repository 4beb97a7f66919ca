"""Why: a percentile has no rate of its own, but being above it has."""

import random

import pytest

from chaosctl.stats import (
    log_evidence_greater,
    log_evidence_percentile_beyond,
    log_evidence_percentile_within,
    share_above,
    threshold,
)
from chaosctl.stats.sign import signs


def test_a_percentile_within_a_limit_is_a_share_of_slower_ones():
    assert share_above(99) == 0.01
    assert share_above(50) == 0.5


def test_a_p99_is_shown_within_a_limit_and_beyond_it():
    assert log_evidence_percentile_within(0, 410, 99) >= threshold(0.05, 1)
    assert log_evidence_percentile_beyond(30, 410, 99) >= threshold(0.05)
    assert log_evidence_percentile_within(4, 410, 99) < threshold(0.05)


def test_pairs_are_compared_by_their_signs_and_ties_say_nothing():
    assert signs([(1, 2), (2, 1), (3, 3), (0, 9)]) == (2, 3)


@pytest.mark.parametrize(("shift", "shown"), [(1.0, True), (0.0, False)])
def test_what_is_greater_in_most_pairs_is_shown_to_be(shift, shown):
    """Heavy tails: the mean of a Cauchy distribution does not exist, its signs do."""
    draw = random.Random(3)
    pairs = [(0.0, shift + (draw.gauss(0, 1) / draw.gauss(0, 1))) for _ in range(400)]

    assert (log_evidence_greater(pairs) >= threshold(0.05)) is shown
