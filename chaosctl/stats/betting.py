"""Why: requests that fail together are not independent; the share of bad ones of each window may be.

What is tested is the mean of values in [0, 1], one a window, whatever their distribution, as long as each is
expected to be on the wrong side of the objective given those before (Waudby-Smith & Ramdas, Estimating means
of bounded random variables by betting, JRSS B 86(1), 2024). What happens within a window is free.
"""

from collections.abc import Iterable
from functools import reduce

from chaosctl.stats.bets import Bets, above, below, grown


def log_evidence_mean_below(values: Iterable[float], objective: float) -> float:
    """Logarithm of the evidence against "the mean is at or above the objective"."""
    return _evidence(values, below(objective))


def log_evidence_mean_above(values: Iterable[float], objective: float) -> float:
    """Logarithm of the evidence against "the mean is at or below the objective"."""
    return _evidence(values, above(objective))


def _evidence(values: Iterable[float], bets: Bets) -> float:
    return bets.worth(reduce(grown, map(bets.bounded, values), bets.stake))
