"""Why: a percentile, a knee or a cost has no formula for how far off it may be; drawing again tells.

The percentile interval of the bootstrap (Efron & Tibshirani, An introduction to the bootstrap, 1993, chapter
13). It is approximate, for values that are independent, and it holds for one look: it decides no verdict.
"""

from collections.abc import Callable, Sequence
from random import Random

RESAMPLES = 2_000


def bootstrap_interval(
    values: Sequence[float],
    statistic: Callable[[Sequence[float]], float],
    seed: int,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
) -> tuple[float, float]:
    """The bounds of a statistic of these values; the same seed draws the same. Raises ValueError for none."""
    if not values:
        raise ValueError("no values")
    random = Random(seed)  # noqa: S311 - it must repeat
    drawn = sorted(statistic(random.choices(values, k=len(values))) for _ in range(resamples))
    tail = (1 - confidence) / 2
    return _at(drawn, tail), _at(drawn, 1 - tail)


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[round(share * (len(ordered) - 1))]
