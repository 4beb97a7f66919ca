"""Why: "inconclusive" is of use to those who hear how much more would have decided it."""

import math
from collections.abc import Iterator
from datetime import timedelta

from chaosctl.engine.evidence import certifies, objective, still_needed
from chaosctl.engine.judge import Finding, Judge, is_over_run, lasting_left
from chaosctl.model import Counts
from chaosctl.spec import Check, KOfN, Tested, show_duration
from chaosctl.stats import rate_sequence

SECOND = timedelta(seconds=1)


def lacking(check: Check, judge: Judge) -> str:
    """What would have decided a check that is open; "" where nothing can be said."""
    if check.probe is None or is_over_run(check) or judge.finding is not Finding.OPEN:
        return ""
    return "; ".join(_parts(check, judge))


def _parts(check: Check, judge: Judge) -> Iterator[str]:
    if isinstance(check.decision, Tested) and isinstance(judge.last, Counts):
        yield from _of_a_test(judge, check.decision, objective(check, judge.last))
    elif isinstance(check.decision, KOfN):
        more = check.decision.n - sum(ok is not None for ok in judge.recent[-check.decision.n :])
        if more > 0:
            yield f"{more} more {_plural(more, 'reading')} would decide it"
    left = lasting_left(judge)
    if left > timedelta():
        rounded = SECOND * math.ceil(left / SECOND)
        yield f"it must be good for {show_duration(rounded)} more"


def _of_a_test(judge: Judge, rule: Tested, allowed: float) -> Iterator[str]:
    seen = judge.evidence
    if certifies(seen, rule, allowed, judge.stretch):
        return
    if seen.n and rule.window is None:
        low, high = rate_sequence(seen.bad, seen.n, rule.alpha)
        yield f"{seen.bad} of {seen.n} were bad, so {_percent(low)} to {_percent(high)} are"
    more = still_needed(seen, rule, allowed, judge.stretch)
    if math.isinf(more):
        yield "no number of answers can show it"
        return
    unit = "sample" if rule.window is None else f"window of {show_duration(rule.window)}"
    yield f"{int(more)} more {_plural(int(more), unit)} without a bad one would show it"


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"


def _plural(n: int, what: str) -> str:
    first, *rest = what.split(" ", 1)
    return " ".join([first if n == 1 else f"{first}s", *rest])
