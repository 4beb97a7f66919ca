"""Why: the verdict is a function of the final state, so that only other evidence can change it."""

from enum import StrEnum
from typing import NamedTuple

from chaosctl.engine.clocks import clock_finding
from chaosctl.engine.judge import Finding, is_over_run, realised
from chaosctl.engine.lacking import lacking
from chaosctl.engine.state import Life, State
from chaosctl.engine.tables import Stage
from chaosctl.spec import Check, Role


class Result(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    ABORTED = "aborted"
    INCONCLUSIVE = "inconclusive"
    REFUSED = "refused"


class RevertStatus(StrEnum):
    CLEAN = "clean"
    SUPERSEDED = "superseded"
    INCOMPLETE = "incomplete"


EXIT = {Result.PASSED: 0, Result.FAILED: 1, Result.REFUSED: 2, Result.ABORTED: 3, Result.INCONCLUSIVE: 4}
REVERT_INCOMPLETE = 5
BUG = 70
WORST_FIRST = (REVERT_INCOMPLETE, BUG, 2, 1, 3, 4, 0)


class Verdict(NamedTuple):
    result: Result
    revert: RevertStatus
    why: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        return REVERT_INCOMPLETE if self.revert is RevertStatus.INCOMPLETE else EXIT[self.result]


def worst(codes: list[int]) -> int:
    """Of several runs the worst decides."""
    return min(codes, key=WORST_FIRST.index, default=0)


def finding(state: State, check: Check) -> Finding:
    """What a check comes to, whatever it reads."""
    if check.clock is not None:
        return clock_finding(state, check)
    if is_over_run(check):
        return realised(check, state.judge(check))
    return state.judge(check).finding


def clocks_decided(state: State) -> bool:
    """Whether there is nothing more to learn from the clocks."""
    clocks = [check for check in state.plot.having(Role.EXPECT) if check.clock and not check.never]
    return bool(clocks) and all(clock_finding(state, check) is not Finding.OPEN for check in clocks)


def verdict(state: State) -> Verdict:
    """Refuted beats stopped beats not shown; only what was shown passes."""
    revert = _revert_status(state)
    if state.refused:
        return Verdict(Result.REFUSED, revert, state.refused)
    for result, reasons in (
        (Result.FAILED, _refuted(state)),
        (Result.ABORTED, (state.stop,) if state.stop else ()),
        (Result.INCONCLUSIVE, _not_shown(state)),
    ):
        if reasons:
            return Verdict(result, revert, tuple(reasons))
    return Verdict(Result.PASSED, revert)


def _revert_status(state: State) -> RevertStatus:
    stages = {life.stage for life in state.lives.values()}
    if Stage.STUCK in stages:
        return RevertStatus.INCOMPLETE
    return RevertStatus.SUPERSEDED if Stage.SUPERSEDED in stages else RevertStatus.CLEAN


def _refuted(state: State) -> tuple[str, ...]:
    """Expectations that did not hold, and a steady state that certainly did not come back."""
    if state.opened_at is None:
        return ()
    expected = _found(state, Role.EXPECT, Finding.REFUTED, "did not hold")
    broken = _found(state, Role.STEADY, Finding.REFUTED, "did not come back") if state.closed_at else ()
    return expected + broken


def _not_shown(state: State) -> tuple[str, ...]:
    entries = tuple(reason for name, life in state.lives.items() for reason in _unproven(name, life))
    undecided = _found(state, Role.EXPECT, Finding.OPEN, "is not decided")
    unsteady = _found(state, Role.STEADY, Finding.OPEN, "is not shown to have come back")
    return entries + undecided + unsteady


def _unproven(name: str, life: Life) -> list[str]:
    if life.stage is Stage.SKIPPED:
        return [f"{name}: not injected: {life.why}"]
    lost = [f"{name}: ended early: {life.lost}"] if life.lost else []
    return lost if life.felt else [*lost, f"{name}: no effect measured"]


def _found(state: State, role: Role, wanted: Finding, words: str) -> tuple[str, ...]:
    checks = state.plot.having(role)
    found = [check for check in checks if finding(state, check) is wanted]
    return tuple(f"{check.name} {words}{_lacking(state, check)}" for check in found)


def _lacking(state: State, check: Check) -> str:
    more = lacking(check, state.judge(check))
    return f": {more}" if more else ""
