"""Why: what counted readings say for and against an objective is the same for every role and every unit.

Evidence is gathered from the beginning of a stretch. `below` are bets that the rate is below the objective:
they certify. `above` are bets that it is above: they raise the alarm, as an e-process that remembers all, or
as an e-detector, for which a long good time hides no break. A request counts by itself, or the share of bad
ones of a window does.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

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


class Open(NamedTuple):
    """A window that is not full yet."""

    since: datetime
    bad: int
    n: int


@dataclass(frozen=True)
class Evidence:
    """What the requests of one stretch, or its windows, add up to.

    `bad` and `n` count its requests; `open` is the window that is not full yet.
    """

    below: Wealth = ()
    above: Wealth = ()
    bad: int = 0
    n: int = 0
    open: Open | None = None


NOTHING = Evidence()


def weighed(evidence: Evidence, check: Check, rule: Tested, reading: Counts) -> Evidence:
    """The evidence with one reading more."""
    allowed, bad, n = objective(check, reading), evidence.bad + reading.bad, evidence.n + reading.n
    for_it, against = below(allowed), above(allowed)
    if rule.window is None:
        gains = for_it.counted(reading.bad, reading.n), against.counted(reading.bad, reading.n)
    else:
        open_ = _wider(evidence.open, reading)
        if reading.end - open_.since < rule.window:
            return replace(evidence, bad=bad, n=n, open=open_)
        gains = for_it.bounded(open_.bad / open_.n), against.bounded(open_.bad / open_.n)
    certificate = grown(evidence.below or for_it.stake, gains[0])
    if detects(check, rule):
        return Evidence(certificate, watched(evidence.above or idle(against), gains[1]), bad, n)
    return Evidence(certificate, grown(evidence.above or against.stake, gains[1]), bad, n)


def certifies(evidence: Evidence, rule: Tested, allowed: float, stretch: int) -> bool:
    """Whether the rate is shown to be below what is allowed, at the k-th attempt."""
    return bool(evidence.below) and below(allowed).reaches(evidence.below, threshold(rule.alpha, stretch))


def alarms(evidence: Evidence, check: Check, rule: Tested, allowed: float) -> bool:
    """Whether the rate is shown to be above what is allowed."""
    return bool(evidence.above) and above(allowed).reaches(evidence.above, _alarm_level(check, rule))


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


def _wider(open_: Open | None, reading: Counts) -> Open:
    if open_ is None:
        return Open(reading.start, reading.bad, reading.n)
    return Open(open_.since, open_.bad + reading.bad, open_.n + reading.n)


def _alarm_level(check: Check, rule: Tested) -> float:
    if detects(check, rule):
        return alarm_level(rule.run_length, rule.window or check.every)
    return threshold(rule.false_alarm)
