"""Why: "2 of 50 failed" says little without how far off the true share may be.

The exact interval of Clopper & Pearson (Biometrika 26, 1934): its bounds are quantiles of beta distributions,
found here by bisection on the regularised incomplete beta function. That is computed from its continued
fraction (Abramowitz & Stegun 26.5.8) by the modified Lentz method (Thompson & Barnett, 1986).
"""

import math
from collections.abc import Iterator

BISECTIONS = 60  # halves of [0, 1] until a double tells no difference that anybody reads
FRACTIONS = 100_000
PRECISE = 1e-15
TINY = 1e-300


def clopper_pearson(bad: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The bounds of a share of which `bad` in `n` were seen; they miss it in at most 1 - confidence of cases.

    Raises ValueError unless 0 ≤ bad ≤ n and n > 0.
    """
    if not 0 <= bad <= n or n == 0:
        raise ValueError(f"{bad} of {n} is no share")
    tail = (1 - confidence) / 2
    low = _quantile(tail, bad, n - bad + 1) if bad else 0.0
    high = _quantile(1 - tail, bad + 1, n - bad) if bad < n else 1.0
    return low, high


def _quantile(probability: float, a: float, b: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if incomplete_beta(middle, a, b) < probability else (low, middle)
    return (low + high) / 2


def incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), for 0 ≤ x ≤ 1 and a, b > 0."""
    if x in (0.0, 1.0):
        return x
    if x > (a + 1) / (a + b + 2):  # the fraction converges quickly on this side of the mean only
        return 1 - incomplete_beta(1 - x, b, a)
    log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    front = math.exp(a * math.log(x) + b * math.log1p(-x) - log_beta)
    return front / (a * _continued_fraction(_coefficients(x, a, b)))


def _coefficients(x: float, a: float, b: float) -> Iterator[float]:
    """The partial numerators d_1, d_2, … of 1 + d_1 / (1 + d_2 / (1 + …))."""
    for m in range(FRACTIONS):
        yield -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        yield (m + 1) * (b - m - 1) * x / ((a + 2 * m + 1) * (a + 2 * m + 2))


def _continued_fraction(numerators: Iterator[float]) -> float:
    value = upper = 1.0
    lower = 0.0
    for numerator in numerators:
        lower = 1 / _not_zero(1 + numerator * lower)
        upper = _not_zero(1 + numerator / upper)
        value *= upper * lower
        if abs(upper * lower - 1) < PRECISE:
            break
    return value


def _not_zero(value: float) -> float:
    return value if abs(value) > TINY else TINY
