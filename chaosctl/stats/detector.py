"""Why: what was good for an hour and broke a second ago must be seen now, whatever the hour says.

An e-detector is the sum of e-processes, one begun at every update: that of Shiryaev and Roberts follows from
M' = gain (M + 1). While nothing is wrong its expectation grows by at most 1 an update, so it reaches c after
c updates or later in the mean, and within t updates with a probability of at most t / c (Shin, Ramdas &
Rinaldo, E-detectors: a nonparametric framework for sequential change detection, NEJSDS 2(2), 2024; Shiryaev,
On optimum methods in quickest detection problems, 1963; Roberts, A comparison of some control chart
procedures, Technometrics 8, 1966).
"""

from datetime import timedelta
from math import exp, inf, log, log1p

from chaosctl.stats.bets import Bets, Wealth

IDLE = -inf
FLAT = 40.0  # from here on, log(1 + e^x) is x in double precision


def idle(bets: Bets) -> Wealth:
    """A detector that has seen nothing."""
    return (IDLE,) * len(bets.shares)


def watched(detector: Wealth, gains: Wealth) -> Wealth:
    """The detector after an update that gained so much: all that were begun go on, and one more begins."""
    pairs = zip(detector, gains, strict=True)
    return tuple([(log1p(exp(m)) if m < FLAT else m) + gain for m, gain in pairs])


def alarm_level(run_length: timedelta, update: timedelta) -> float:
    """The log value to raise the alarm at: a false one comes after `run_length` in the mean, or later."""
    return log(max(run_length / update, 1.0))


def run_length_for(false_alarm: float, horizon: timedelta) -> timedelta:
    """The run length at which an alarm is false within this time with at most this probability."""
    return horizon / false_alarm
