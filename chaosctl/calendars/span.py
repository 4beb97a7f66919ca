"""Why: windows, holidays and freezes are all stretches of time; together they say when a drill may run."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chaosctl.calendars.recurrence import Rule


class Span(NamedTuple):
    """From `start` to `end`, which is not a part of it. `why` says for people what it is."""

    start: datetime
    end: datetime
    why: str = ""


class Event(NamedTuple):
    """A time that is closed, on the clock on the wall. Without a zone it is that of the windows."""

    summary: str
    start: datetime
    length: timedelta
    where: ZoneInfo | None
    rule: Rule | None = None
    without: frozenset[datetime] = frozenset()
    """Wall times at which the rule's event does not begin."""


def joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Spans in the order of their starts, those that touch each other made one."""
    current: Span | None = None
    for span in spans:
        if current is not None and span.start <= current.end:
            current = current._replace(end=max(current.end, span.end))
            continue
        if current is not None:
            yield current
        current = span
    if current is not None:
        yield current


def without(spans: Iterable[Span], closed: Iterable[Span]) -> Iterator[Span]:
    """What is left of spans when the closed ones are taken away. Both are in order and do not overlap."""
    gaps = list(closed)
    for span in spans:
        start = span.start
        while gaps and gaps[0].end <= start:
            gaps.pop(0)
        for gap in gaps:
            if gap.start >= span.end:
                break
            if gap.start > start:
                yield Span(start, gap.start)
            start = max(start, gap.end)
        if start < span.end:
            yield Span(start, span.end)
