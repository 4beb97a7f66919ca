"""Why: a median, a percentile or a comparison in pairs needs no distribution, only how many were above.

"The q-quantile is at or below a level" is "at most 1 - q are above it": a p99 within a limit is a share of
slower answers of at most 1 %. Pairs count by the sign of their difference, ties are left out (Dixon & Mood,
The statistical sign test, JASA 41, 1946); what decides is the e-process of trials.
"""

from collections.abc import Iterable

from chaosctl.stats.eprocess import log_evidence_above, log_evidence_below

EVEN = 0.5


def share_above(percentile: float) -> float:
    """The share of values that may be above the level of a percentile, from 0 to 100."""
    return (100 - percentile) / 100


def log_evidence_percentile_within(above: int, n: int, percentile: float) -> float:
    """Logarithm of the evidence against "the percentile is at or above a level" that `above` of n exceed."""
    return log_evidence_below(above, n, share_above(percentile))


def log_evidence_percentile_beyond(above: int, n: int, percentile: float) -> float:
    """Logarithm of the evidence against "the percentile is at or below a level" that `above` of n exceed."""
    return log_evidence_above(above, n, share_above(percentile))


def signs(pairs: Iterable[tuple[float, float]]) -> tuple[int, int]:
    """In how many pairs the second was greater, of how many that differ."""
    greater = [after > before for before, after in pairs if after != before]
    return sum(greater), len(greater)


def log_evidence_greater(pairs: Iterable[tuple[float, float]]) -> float:
    """Logarithm of the evidence against "the second of a pair is greater at most as often as the first"."""
    greater, n = signs(pairs)
    return log_evidence_above(greater, n, EVEN)
