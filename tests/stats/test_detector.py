"""Why: an alarm that comes too often is switched off, one that comes late is of no use."""

from datetime import timedelta
from functools import reduce

import numpy as np
import pytest

from chaosctl.stats import above, alarm_level, idle, log_evidence_above, run_length_for, threshold, watched

SECOND = timedelta(seconds=1)


def seconds_to_alarm(bad, objective, level, n=50):
    """After how many seconds of n requests the alarm is raised; one more than there are if it is not."""
    bets, detector = above(objective), idle(above(objective))
    for second, found in enumerate(bad, 1):
        detector = watched(detector, bets.counted(int(found), n))
        if bets.worth(detector) >= level:
            return second
    return len(bad) + 1


def test_an_alarm_is_false_within_a_time_with_the_probability_that_the_run_length_says():
    level, horizon, runs = alarm_level(timedelta(minutes=10), SECOND), 60, 1000
    drawn = np.random.default_rng(11).binomial(50, 0.01, (runs, horizon))

    false = sum(seconds_to_alarm(row, 0.01, level) <= horizon for row in drawn)

    assert false / runs <= 60 / 600 + 0.01


def test_five_percent_of_errors_are_seen_within_six_seconds_at_a_run_length_of_an_hour():
    level = alarm_level(timedelta(hours=1), SECOND)
    drawn = np.random.default_rng(12).binomial(50, 0.05, (500, 60))

    assert np.median([seconds_to_alarm(row, 0.01, level) for row in drawn]) <= 6


def test_a_long_good_time_delays_no_alarm():
    level = alarm_level(timedelta(hours=1), SECOND)

    assert seconds_to_alarm([0] * 3600 + [10] * 10, 0.01, level) - 3600 <= 2
    assert log_evidence_above(100, 50 * 3610, 0.01) < threshold(0.05)


def test_a_detector_is_the_sum_of_the_e_processes_that_were_begun_at_every_update():
    bets = above(0.01)
    gains = [bets.counted(bad, 50) for bad in (0, 2, 1, 4)]
    counts = [(7, 200), (7, 150), (5, 100), (4, 50)]

    detector = reduce(watched, gains, idle(bets))

    whole = np.logaddexp.reduce([log_evidence_above(bad, n, 0.01) for bad, n in counts])
    assert bets.worth(detector) == pytest.approx(whole)


def test_a_detector_neither_overflows_nor_vanishes():
    bets = above(0.01)
    certain = watched(watched(idle(bets), bets.counted(10**6, 10**6)), bets.counted(10**6, 10**6))

    assert bets.worth(certain) > 1e6
    assert bets.worth(watched((-(10.0**6),) * len(bets.shares), bets.stake)) == pytest.approx(0)


def test_the_level_is_the_run_length_in_updates():
    assert alarm_level(timedelta(hours=1), SECOND) == pytest.approx(np.log(3600))
    assert alarm_level(SECOND, timedelta(seconds=5)) == 0
    assert run_length_for(0.05, timedelta(minutes=1)) == timedelta(minutes=20)
