"""Why: an event is written on the clock on a wall; whether a drill may run is asked about moments."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from chaosctl.calendars.recurrence import days
from chaosctl.calendars.span import Event, Span
from chaosctl.spec.zones import moment

_ONE_DAY = timedelta(days=1)


def spans(events: Iterable[Event], home: ZoneInfo, first: date, last: date) -> Iterator[Span]:
    """What events close of the days from `first` to `last`; `home` is the zone of those without one."""
    for event in events:
        where = event.where or home
        why = f'the blackout "{event.summary}" lasts'
        for start in _starts(event, first - event.length - _ONE_DAY, last + _ONE_DAY):
            yield Span(moment(start, where), moment(start + event.length, where), why)


def _starts(event: Event, first: date, last: date) -> Iterator[datetime]:
    if event.rule is None:
        if first <= event.start.date() <= last:
            yield event.start
        return
    for day in days(event.rule, first, last):
        start = datetime.combine(day, event.start.time())
        if event.rule.until is not None and start > event.rule.until:
            return
        if start not in event.without:
            yield start
