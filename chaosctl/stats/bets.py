"""Why: no single bet suits every rate, so evidence is a mixture of bets, and the same bets serve every test.

Each bet names a rate r against the objective m. A value x in [0, 1] multiplies its wealth by

    x r/m + (1 - x) (1 - r)/(1 - m)

which is expected to be at most 1 while the mean of x, given what was seen, is on the wrong side of m. For a
trial (x is 0 or 1) that is the likelihood ratio; for the share of a window it is a bet of a fraction of what
one has (Waudby-Smith & Ramdas, Estimating means of bounded random variables by betting, JRSS B 86(1), 2024,
section 4). Mixtures go back to Robbins (Statistical methods related to the law of the iterated logarithm,
1970). All wealth is kept as logarithms.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from operator import add

GRID = 24
REACH = 10.0  # the lower grid goes from the objective down to a tenth of it; the bet on 0 covers the rest
LONGEST = 2**40  # nobody waits for so many

Wealth = tuple[float, ...]
"""The logarithm of what each bet of a mixture has grown to."""


@dataclass(frozen=True)
class Bets:
    """A mixture: the logarithm of each bet's share, and what a bad and a good trial multiply it by."""

    shares: Wealth
    bad: tuple[float, ...]
    good: tuple[float, ...]

    @cached_property
    def logs(self) -> tuple[tuple[float, float], ...]:
        """The logarithms of `bad` and `good`, bet by bet."""
        return tuple((_log(worse), _log(better)) for worse, better in zip(self.bad, self.good, strict=True))

    @property
    def stake(self) -> Wealth:
        """The wealth before anything was seen."""
        return (0.0,) * len(self.shares)

    def counted(self, bad: int, n: int) -> Wealth:
        """What `n` trials, `bad` of them bad, add to the wealth of each bet."""
        good = n - bad  # 0 times an infinite logarithm is nothing
        if bad and good:
            return tuple([bad * worse + good * better for worse, better in self.logs])
        if bad:
            return tuple([bad * worse for worse, _ in self.logs])
        return tuple([good * better for _, better in self.logs]) if good else self.stake

    def bounded(self, value: float) -> Wealth:
        """What one value in [0, 1] adds to the wealth of each bet."""
        if value in (0.0, 1.0):
            return self.counted(int(value), 1)
        pairs = zip(self.bad, self.good, strict=True)
        return tuple([_log(value * worse + (1 - value) * better) for worse, better in pairs])

    def worth(self, wealth: Wealth) -> float:
        """The logarithm of the mixture's evidence."""
        return log_sum(map(add, self.shares, wealth))

    def reaches(self, wealth: Wealth, level: float) -> bool:
        """Whether the evidence is at least so much. Mostly one bet alone tells, which is quicker."""
        best: float = max(map(add, self.shares, wealth))
        if best >= level or best + math.log(len(self.shares)) < level:
            return best >= level
        return self.worth(wealth) >= level


@lru_cache(maxsize=64)
def below(objective: float) -> Bets:
    """Bets against "the rate is at or above the objective".

    Half of the mixture is on a rate of 0, half on rates between 0 and the objective. One of 0 can never be
    shown, one of 1 by any good trial.
    """
    if objective <= 0:
        return Bets((0.0,), (1.0,), (1.0,))
    if objective >= 1:
        return Bets((0.0,), (1.0,), (math.inf,))
    rates = [objective * REACH ** (-i / GRID) for i in range(1, GRID + 1)]
    return _against(objective, [(0.0, 0.5), *((rate, 0.5 / GRID) for rate in rates)])


@lru_cache(maxsize=64)
def above(objective: float) -> Bets:
    """Bets against "the rate is at or below the objective", on rates between it and 1.

    One bad trial refutes an objective of 0; nothing refutes one of 1.
    """
    if objective <= 0:
        return Bets((0.0,), (math.inf,), (1.0,))
    if objective >= 1:
        return Bets((0.0,), (1.0,), (1.0,))
    return _against(objective, [(objective ** (1 - i / GRID), 1 / GRID) for i in range(1, GRID + 1)])


def grown(wealth: Wealth, gains: Wealth) -> Wealth:
    """The wealth after an observation that gained so much."""
    return tuple(map(add, wealth, gains))


def more_needed(bets: Bets, wealth: Wealth, level: float) -> float:
    """How many good observations more bring the evidence to this level; inf if none do."""
    high = 1
    while not _reaches(bets, wealth, high, level):
        high *= 2
        if high > LONGEST:
            return math.inf
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _reaches(bets, wealth, middle, level) else (middle, high)
    return high


def log_sum(terms: Iterable[float]) -> float:
    """The logarithm of a sum of which the logarithms are given."""
    terms = list(terms)
    largest = max(terms)
    if math.isinf(largest):
        return largest
    return largest + math.log(sum([math.exp(term - largest) for term in terms]))


def _log(ratio: float) -> float:
    return math.log(ratio) if ratio > 0 else -math.inf


def _reaches(bets: Bets, wealth: Wealth, more: int, level: float) -> bool:
    return bets.reaches(grown(wealth, bets.counted(0, more)), level)


def _against(objective: float, grid: list[tuple[float, float]]) -> Bets:
    rates = [rate for rate, _ in grid]
    return Bets(
        shares=tuple(math.log(share) for _, share in grid),
        bad=tuple(rate / objective for rate in rates),
        good=tuple((1 - rate) / (1 - objective) for rate in rates),
    )
