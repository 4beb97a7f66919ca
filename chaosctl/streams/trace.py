"""Why: no process is as true as what was recorded; a trace of arrivals can be sent again, at another rate.

CSV, a row for each request: when it came, in seconds or as a date, in the first column or in one that is
named so. Other columns are left alone. The Azure traces of language models are read as they are.
"""

import csv
import math
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from heapq import merge
from itertools import count, islice, takewhile
from random import Random

from chaosctl.errors import Invalid
from chaosctl.spec.arrivals import Trace

MOST_ROWS = 10_000_000
TIMES = frozenset({"timestamp", "time", "arrival", "arrived_at", "arrivaltime", "ts"})


def offsets(lines: Iterable[str], name: str) -> Sequence[float]:
    """Seconds since the first request of each. Raises Invalid with the line."""
    found, column = array("d"), 0
    for line, row in enumerate(_rows(lines, name), 1):
        if line == 1:
            column, names = _column(row)
            if names:
                continue
        where = f"{name}:{line}"
        if len(row) <= column:
            raise Invalid(f"{where}: no time")
        found.append(_moment(row[column], where))
        if len(found) > 1 and found[-1] < found[-2]:
            raise Invalid(f"{where}: earlier than the request before; sort the trace by time")
        if len(found) > MOST_ROWS:
            raise Invalid(f"{name}: more than {MOST_ROWS} requests; cut it")
    if len(found) < 2:  # noqa: PLR2004  one request has no rate
        raise Invalid(f"{name}: a trace has at least two requests, a row each")
    if found[-1] == found[0]:
        raise Invalid(f"{name}: all requests come at the same moment, so it has no rate")
    first = found[0]
    return array("d", (one - first for one in found))


def replayed(trace: Sequence[float], process: Trace, random: Random) -> Iterator[float]:
    """When requests are due: once through the trace, or without end where it repeats.

    Thinned: each request is kept by chance. Superposed: so many traces at once, each begun somewhere by
    chance, so that bursts even out. Compressed: the same in less time, so that bursts are shorter, too.
    """
    scale = process.scale
    if scale.superpose is not None:
        begun = [random.random() * trace[-1] for _ in range(scale.superpose)]
        return merge(*(_through(trace, moment, process.repeat) for moment in begun))
    whole = _through(trace, 0.0, process.repeat)
    if scale.thin is not None:
        share = scale.thin
        return (one for one in whole if random.random() < share)
    return (one / scale.compress for one in whole) if scale.compress else whole


def expected(trace: Sequence[float], process: Trace, seconds: float) -> float:
    """How many requests are due in the first seconds, on average."""
    scale = process.scale
    if scale.superpose is not None:
        laps = seconds / _length(trace)
        return scale.superpose * len(trace) * (laps if process.repeat else min(laps, 1))
    there = takewhile(lambda one: one < seconds * (scale.compress or 1), _through(trace, 0.0, process.repeat))
    return sum(1 for _ in there) * (scale.thin or 1)


def _through(trace: Sequence[float], begin: float, repeat: bool) -> Iterator[float]:  # noqa: FBT001
    """From a moment of the trace to its end, then from its start: each once, or again and again."""
    length, first = _length(trace), bisect_left(trace, begin)
    for lap in count() if repeat else range(1):
        start = lap * length - begin
        yield from (start + one for one in islice(trace, first, None))
        yield from (start + length + one for one in islice(trace, first))


def _length(trace: Sequence[float]) -> float:
    """In seconds, to where one more request would come."""
    return trace[-1] * len(trace) / (len(trace) - 1)


def _rows(lines: Iterable[str], name: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(lines)
    except csv.Error as wrong:
        raise Invalid(f"{name} is not CSV: {wrong}") from wrong


def _column(row: Sequence[str]) -> tuple[int, bool]:
    """Where the time stands, and whether this row is one of names."""
    names = [name.strip().lower() for name in row]
    found = next((index for index, name in enumerate(names) if name in TIMES), None)
    return (0, False) if found is None else (found, True)


def _moment(cell: str, where: str) -> float:
    """In seconds: a number as it is, or a date. Raises Invalid."""
    try:
        return _finite(float(cell))
    except ValueError:
        pass
    try:
        date = datetime.fromisoformat(cell.strip())
    except ValueError as wrong:
        raise Invalid(f"{where}: {cell[:40]!r} is neither seconds nor a date") from wrong
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError(number)
    return number
