"""Why: what counted readings say for and against an objective is the same for every role and every unit.

Evidence is gathered from the beginning of a stretch. `below` are bets that the rate is below the objective:
they certify. `above` are bets that it is above: they raise the alarm, as an e-process that remembers all, or
as an e-detector, for which a long good time hides no break. A request counts by itself, or the share of bad
ones of a window does.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chaosctl.model import Counts
from chaosctl.spec import Check, EDetector, Role, Tested
from chaosctl.stats import (
    Wealth,
    above,
    alarm_level,
    below,
    grown,
    idle,
    more_needed,
    threshold,
    watched,
)


@dataclass(frozen=True)
class Evidence:
    """What the requests of one stretch, or its windows, add up to.

    `bad` and `n` count its requests; the window that is open has `open_bad` of `open_n` since `open_since`.
    """

    below: Wealth = ()
    above: Wealth = ()
    bad: int = 0
    n: int = 0
    open_bad: int = 0
    open_n: int = 0
    open_since: datetime | None = None


NOTHING = Evidence()


def weighed(evidence: Evidence, check: Check, rule: Tested, reading: Counts) -> Evidence:
    """The evidence with one reading more."""
    evidence = replace(evidence, bad=evidence.bad + reading.bad, n=evidence.n + reading.n)
    allowed = objective(check, reading)
    if rule.window is None:
        for_it, against = (bets.counted(reading.bad, reading.n) for bets in (below(allowed), above(allowed)))
        return _updated(evidence, allowed, for_it, against, detecting=detects(check, rule))
    evidence, share = _windowed(evidence, reading, rule.window)
    if share is None:
        return evidence
    for_it, against = (bets.bounded(share) for bets in (below(allowed), above(allowed)))
    return _updated(evidence, allowed, for_it, against, detecting=detects(check, rule))


def certifies(evidence: Evidence, rule: Tested, allowed: float, stretch: int) -> bool:
    """Whether the rate is shown to be below what is allowed, at the k-th attempt."""
    return bool(evidence.below) and below(allowed).worth(evidence.below) >= threshold(rule.alpha, stretch)


def alarms(evidence: Evidence, check: Check, rule: Tested, allowed: float) -> bool:
    """Whether the rate is shown to be above what is allowed."""
    return bool(evidence.above) and above(allowed).worth(evidence.above) >= _alarm_level(check, rule)


def still_needed(evidence: Evidence, rule: Tested, allowed: float, stretch: int) -> float:
    """How many requests more, or windows, without a bad one certify; inf if none do."""
    bets = below(allowed)
    return more_needed(bets, evidence.below or bets.stake, threshold(rule.alpha, stretch))


def objective(check: Check, reading: Counts) -> float:
    """The bad share that the check allows."""
    if reading.complement:
        return 1 - (check.holds.min or 0.0)
    return 1.0 if check.holds.max is None else check.holds.max


def detects(check: Check, rule: Tested) -> bool:
    """Whether an e-detector raises the alarm: where asked for, and for relapses of the steady state."""
    return isinstance(rule, EDetector) or check.role is Role.STEADY


def _windowed(evidence: Evidence, reading: Counts, window: timedelta) -> tuple[Evidence, float | None]:
    """The reading added to the open window; its share of bad ones, once it is full."""
    since = evidence.open_since or reading.start
    bad, n = evidence.open_bad + reading.bad, evidence.open_n + reading.n
    if reading.end - since < window:
        return replace(evidence, open_bad=bad, open_n=n, open_since=since), None
    return replace(evidence, open_bad=0, open_n=0, open_since=None), bad / n


def _updated(
    evidence: Evidence, allowed: float, for_it: Wealth, against: Wealth, *, detecting: bool
) -> Evidence:
    certificate = grown(evidence.below or below(allowed).stake, for_it)
    if detecting:
        alarm = watched(evidence.above or idle(above(allowed)), against)
    else:
        alarm = grown(evidence.above or above(allowed).stake, against)
    return replace(evidence, below=certificate, above=alarm)


def _alarm_level(check: Check, rule: Tested) -> float:
    if detects(check, rule):
        return alarm_level(rule.run_length, rule.window or check.every)
    return threshold(rule.false_alarm)
