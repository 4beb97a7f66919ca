"""Why: a drill looks after every reading, and must not find what it looks for merely by looking often.

An e-process is a bet against a hypothesis that cannot be expected to gain while the hypothesis is true. By
Ville's inequality its value ever reaches 1/alpha with a probability of at most alpha, so one may stop and
decide at any time (Ville, Étude critique de la notion de collectif, 1939; Waudby-Smith & Ramdas, Estimating
means of bounded random variables by betting, JRSS B 86(1), 2024).

The bets here are likelihood ratios of Bernoulli trials against the objective, mixed over a fixed grid of
rates. They depend on the data through (bad, n) alone, and are computed as logarithms.
"""

import math
from collections.abc import Iterable
from functools import lru_cache

GRID = 24
REACH = 10.0  # the lower grid goes from the objective down to a tenth of it; the bet on 0 covers the rest

Weighted = tuple[tuple[float, float], ...]


def log_evidence_below(bad: int, n: int, objective: float) -> float:
    """Logarithm of the evidence against "the rate of bad ones is at or above the objective".

    Half of the bet is on a rate of 0, half on rates between 0 and the objective. An objective outside of
    [0, 1] counts as its nearer end; one of 0 can never be shown.
    """
    if objective <= 0:
        return 0.0
    if objective >= 1:
        return math.inf if bad < n else 0.0
    return _mixture(bad, n, objective, _grid_below(objective))


def log_evidence_above(bad: int, n: int, objective: float) -> float:
    """Logarithm of the evidence against "the rate of bad ones is at or below the objective".

    The bet is on rates between the objective and 1. One bad observation refutes an objective of 0; nothing
    refutes one of 1.
    """
    if objective <= 0:
        return math.inf if bad else 0.0
    if objective >= 1:
        return 0.0
    return _mixture(bad, n, objective, _grid_above(objective))


def threshold(alpha: float, stretch: int | None = None) -> float:
    """The log evidence to decide at, wrong with a probability of at most alpha.

    The k-th of several attempts, counted from 1, may spend alpha / (k (k + 1)): in all that sums to alpha.
    """
    return -math.log(alpha) if stretch is None else math.log(stretch * (stretch + 1) / alpha)


def samples_needed(objective: float, alpha: float = 0.05) -> float:
    """How many observations without a bad one certify the objective at the first attempt; inf if none do."""
    if objective <= 0:
        return math.inf
    low, high = 0, 1
    while not _certifies(high, objective, alpha):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _certifies(middle, objective, alpha) else (middle, high)
    return high


def _certifies(n: int, objective: float, alpha: float) -> bool:
    return log_evidence_below(0, n, objective) >= threshold(alpha, 1)


@lru_cache(maxsize=64)
def _grid_below(objective: float) -> Weighted:
    rates = (objective * REACH ** (-i / GRID) for i in range(1, GRID + 1))
    return ((0.0, 0.5), *((rate, 0.5 / GRID) for rate in rates))


@lru_cache(maxsize=64)
def _grid_above(objective: float) -> Weighted:
    return tuple((objective ** (1 - i / GRID), 1 / GRID) for i in range(1, GRID + 1))


def _mixture(bad: int, n: int, objective: float, grid: Weighted) -> float:
    terms = [math.log(weight) + _log_ratio(bad, n, rate, objective) for rate, weight in grid]
    return _log_sum(terms)


def _log_ratio(bad: int, n: int, rate: float, objective: float) -> float:
    return _times(bad, rate / objective) + _times(n - bad, (1 - rate) / (1 - objective))


def _times(count: int, ratio: float) -> float:
    """The logarithm of ratio ** count, where 0 ** 0 is 1."""
    if count == 0:
        return 0.0
    return count * math.log(ratio) if ratio > 0 else -math.inf


def _log_sum(terms: Iterable[float]) -> float:
    terms = list(terms)
    largest = max(terms)
    if largest == -math.inf:
        return largest
    return largest + math.log(sum(math.exp(term - largest) for term in terms))
