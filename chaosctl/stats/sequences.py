"""Why: an interval that is looked at all the time must hold all the time, not once at the end.

A confidence sequence is every rate that the bets have not refuted. The truth ever leaves it with a
probability of at most alpha, half of it on each side (Darling & Robbins, Confidence sequences for mean,
variance, and median, PNAS 58, 1967; Waudby-Smith & Ramdas, JRSS B 86(1), 2024). The evidence of a mixture
falls or rises with the objective, so that bisection finds the ends.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

from chaosctl.stats.betting import log_evidence_mean_above, log_evidence_mean_below
from chaosctl.stats.eprocess import log_evidence_above, log_evidence_below, threshold

BISECTIONS = 40

Refuted = Callable[[float], bool]


def rate_sequence(bad: int, n: int, alpha: float = 0.05) -> tuple[float, float]:
    """The bounds of a rate of which `bad` of `n` trials were seen so far."""
    level = threshold(alpha / 2)
    too_low = partial(_reach, partial(log_evidence_above, bad, n), level)
    too_high = partial(_reach, partial(log_evidence_below, bad, n), level)
    return _between(bad / n if n else 0.0, too_low, too_high)


def mean_sequence(values: Sequence[float], alpha: float = 0.05) -> tuple[float, float]:
    """The bounds of the mean of values in [0, 1], of which these were seen so far."""
    level = threshold(alpha / 2)
    too_low = partial(_reach, partial(log_evidence_mean_above, values), level)
    too_high = partial(_reach, partial(log_evidence_mean_below, values), level)
    return _between(math.fsum(values) / len(values) if values else 0.0, too_low, too_high)


def _reach(evidence: Callable[[float], float], level: float, objective: float) -> bool:
    return evidence(objective) >= level


def _between(middle: float, too_low: Refuted, too_high: Refuted) -> tuple[float, float]:
    low = _last(too_low, 0.0, middle) if too_low(0.0) else 0.0
    return low, _last(too_high, 1.0, middle) if too_high(1.0) else 1.0


def _last(refuted: Refuted, end: float, inside: float) -> float:
    """The border between what is refuted, at `end`, and what is not."""
    for _ in range(BISECTIONS):
        middle = (end + inside) / 2
        end, inside = (middle, inside) if refuted(middle) else (end, middle)
    return inside
