"""Why: a drill looks after every reading, and must not find what it looks for merely by looking often.

An e-process is a bet against a hypothesis that cannot be expected to gain while the hypothesis is true. By
Ville's inequality its value ever reaches 1/alpha with a probability of at most alpha, so one may stop and
decide at any time (Ville, Étude critique de la notion de collectif, 1939; Ramdas, Grünwald, Vovk & Shafer,
Game-theoretic statistics and safe anytime-valid inference, Statistical Science 38(4), 2023).

Here the observations are trials, and the evidence depends on them through (bad, n) alone.
"""

import math

from chaosctl.stats.bets import above, below, more_needed


def log_evidence_below(bad: int, n: int, objective: float) -> float:
    """Logarithm of the evidence against "the rate of bad ones is at or above the objective".

    An objective outside of [0, 1] counts as its nearer end; one of 0 can never be shown.
    """
    bets = below(objective)
    return bets.worth(bets.counted(bad, n))


def log_evidence_above(bad: int, n: int, objective: float) -> float:
    """Logarithm of the evidence against "the rate of bad ones is at or below the objective".

    One bad observation refutes an objective of 0; nothing refutes one of 1.
    """
    bets = above(objective)
    return bets.worth(bets.counted(bad, n))


def threshold(alpha: float, stretch: int | None = None) -> float:
    """The log evidence to decide at, wrong with a probability of at most alpha.

    The k-th of several attempts, counted from 1, may spend alpha / (k (k + 1)): in all that sums to alpha.
    """
    return -math.log(alpha) if stretch is None else math.log(stretch * (stretch + 1) / alpha)


def samples_needed(objective: float, alpha: float = 0.05, stretch: int = 1) -> float:
    """How many observations without a bad one certify the objective at the k-th attempt; inf if none do.

    Observations are trials, or windows of which the share of bad ones counts. None can do with less than
    ln(1/alpha) / -ln(1 - objective).
    """
    bets = below(objective)
    return more_needed(bets, bets.stake, threshold(alpha, stretch))
