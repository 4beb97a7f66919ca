"""Why: what users felt is said in answers and in error-budget minutes that anybody can recompute.

Error-budget minutes are minutes of full outage: the sum over readings of bad share times length. Readings of
one check that overlap are counted once, and each probe is counted through one check only.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from chaosctl.model import Counts
from chaosctl.report.document import HarmRow
from chaosctl.report.history import History
from chaosctl.report.text import between, clean
from chaosctl.report.words import label
from chaosctl.spec import Check, ClockName, Role
from chaosctl.stats import clopper_pearson

WORDS = {
    "error-rate": "requests failed",
    "agreement": "answers were wrong",
    "latency": "requests were too slow",
}


def rows(history: History) -> tuple[HarmRow, ...]:
    """One row for each probe that counts, over everything since the first write; the worst first.

    What shows that the fault bit, or tells a clock, is no harm by itself.
    """
    inject = history.state.clocks.get(ClockName.INJECT)
    if inject is None:
        return ()
    felt = [check for check in history.watchers() if check.role is not Role.EFFECT and check.tells is None]
    found = [_row(history, check) for check in felt]
    return tuple(sorted((row for row in found if row), key=lambda row: -row.bad))


def words(check: Check) -> str:
    """What a bad observation of this check is."""
    return WORDS.get(str((check.probe or {}).get("kind")), f"observations broke {clean(label(check))}")


def _row(history: History, check: Check) -> HarmRow | None:
    counted = list(_counted(history, check))
    n, bad = sum(reading.n for _, reading in counted), sum(reading.bad for _, reading in counted)
    if not n:
        return None
    low, high = clopper_pearson(bad, n)
    budget = sum(reading.bad / reading.n * (reading.end - reading.start) / _MINUTE for _, reading in counted)
    evidence = tuple(seq for seq, _ in counted)
    lasted = _lasted([reading for _, reading in counted if reading.bad])
    return HarmRow(label(check), words(check), bad, n, low, high, lasted, budget, evidence)


_MINUTE = timedelta(minutes=1)


def _counted(history: History, check: Check) -> Iterator[tuple[int, Counts]]:
    """Counts since the first write, each stretch of time once."""
    end = history.zero
    for sample in history.of(check):
        reading = sample.reading
        if isinstance(reading, Counts) and reading.start >= end:
            end = reading.end
            yield sample.seq, reading


def _lasted(broken: Sequence[Counts]) -> str:
    """From the first bad observation to the last one, within bounds where they are not known exactly."""
    if not broken:
        return ""
    first, last = broken[0], broken[-1]
    longest = (last.last_bad or last.end) - (first.first_bad or first.start)
    shortest = (last.last_bad or last.start) - (first.first_bad or first.end)
    return between(max(shortest, timedelta()), longest)
