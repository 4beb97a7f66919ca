"""Why: whoever asks whether a drill may run now wants a yes, or the reason and the next time.

Windows are on the clock on the wall of their time zone. What is closed wins over what is open, and a run must
fit in whole: one that the end of a window or a freeze would catch in the middle is refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from chaosctl.calendars.span import Event, Span, joined, without
from chaosctl.spec.amounts import show_duration
from chaosctl.spec.windows import Windows
from chaosctl.spec.zones import moment, zone

HORIZON = timedelta(days=400)
_NO_TIME = timedelta()
_BEFORE = timedelta(days=2)
_MONTH = timedelta(days=32)
_ONE_DAY = timedelta(days=1)


@lru_cache(maxsize=128)
def calendar_of(windows: Windows, blackout: str = "") -> "Calendar":
    """The calendar of these windows, and of the text of their blackout. Raises Invalid."""
    place = windows.blackout
    if place is None:
        return Calendar(windows)
    from chaosctl.calendars.ics import read  # noqa: PLC0415 - 3 MiB, which most drills do not need

    return Calendar(windows, read(blackout, str(place)))


@dataclass(frozen=True, eq=False)
class Calendar:
    """Says when a drill may run. Made by `calendar_of`."""

    windows: Windows
    events: tuple[Event, ...] = ()

    def refusal(self, start: datetime, lasts: timedelta = _NO_TIME) -> str | None:
        """Why a run that starts then and may last so long may not, and when it may; None where it may."""
        later = self.opening(start, lasts)
        if later == start:
            return None
        why = self._shut(start, lasts) or self._outside(start, lasts)
        return f"{why}; next possible: {self.show(later) if later else f'not within {HORIZON.days} days'}"

    def lets(self, start: datetime, lasts: timedelta = _NO_TIME) -> bool:
        """Whether a run that starts then and may last so long may run."""
        return self.opening(start, lasts) == start

    def opening(self, after: datetime, lasts: timedelta = _NO_TIME) -> datetime | None:
        """The first moment, from `after` on, at which a run that may last so long may start."""
        for span in _openings(self, after.date()):
            start = max(span.start, after)
            if start < span.end and start + lasts <= span.end:
                return start
        return None

    def show(self, at: datetime) -> str:
        """A moment for people, as the clock on the windows' wall shows it."""
        return f"{at.astimezone(self._zone):%a %Y-%m-%d %H:%M %Z}"

    @cached_property
    def _zone(self) -> ZoneInfo:
        return zone(self.windows.timezone)

    def _shut(self, start: datetime, lasts: timedelta) -> str | None:
        for span in _closed(self, start.date()):
            if span.start <= start < span.end:
                return f"{span.why} until {self.show(span.end)}"
            if start < span.start < start + lasts:
                return f"{span.why} from {self.show(span.start)}, before {_it_is_over(lasts)}"
        return None

    def _outside(self, start: datetime, lasts: timedelta) -> str | None:
        weekly = joined(self.weekly(start.date() - _BEFORE, start.date() + HORIZON))
        around = next((span for span in weekly if start < span.end), None)
        if around is None or start < around.start:
            only = ", ".join(map(str, self.windows.only))
            return f"outside {only} ({self.windows.timezone}): it is {self.show(start)}"
        if around.end < start + lasts:
            return f"its window closes at {self.show(around.end)}, before {_it_is_over(lasts)}"
        return None

    def weekly(self, first: date, last: date) -> Iterator[Span]:
        """What is open by the week, from one day to another; all of it where no hours are named."""
        if not self.windows.only:
            begin, end = (datetime.combine(day, time()) for day in (first, last))
            yield Span(moment(begin, self._zone), moment(end, self._zone))
            return
        for number in range((last - first).days):
            midnight = datetime.combine(first + number * _ONE_DAY, time())
            today = [one for one in self.windows.only if midnight.weekday() in one.days]
            for one in sorted(today, key=lambda one: one.start):
                start, until = (midnight + timedelta(minutes=at) for at in (one.start, one.until))
                yield Span(moment(start, self._zone), moment(until, self._zone))

    def closures(self, first: date, last: date) -> Iterator[Span]:
        """Holidays and blackouts that touch the days from `first` to `last`."""
        if self.windows.holidays:
            yield from self._holidays(first, last)
        if self.events:
            from chaosctl.calendars.blackout import spans  # noqa: PLC0415

            yield from spans(self.events, self._zone, first, last)

    def _holidays(self, first: date, last: date) -> Iterator[Span]:
        from chaosctl.calendars.holidays import public_holidays  # noqa: PLC0415 - 10 MiB

        code = self.windows.holidays
        for year in range(first.year, last.year + 1):
            for day, name in public_holidays(code, year).items():
                midnights = (datetime.combine(day, time()) + step for step in (_NO_TIME, _ONE_DAY))
                start, end = (moment(midnight, self._zone) for midnight in midnights)
                yield Span(start, end, f'"{name}" is a holiday in {code},')


ALWAYS = Calendar(Windows())
"""The calendar of a drill without windows."""


def _openings(calendar: Calendar, day: date) -> tuple[Span, ...]:
    """When it is open, from before a day (of UTC) to HORIZON after it."""
    return _looked_up(calendar, _month(day))[0]


def _closed(calendar: Calendar, day: date) -> tuple[Span, ...]:
    """Holidays and blackouts of the same days, in order."""
    return _looked_up(calendar, _month(day))[1]


def _month(day: date) -> date:
    """The first of the days for which the same look-up is good."""
    return date.fromordinal(day.toordinal() // _MONTH.days * _MONTH.days)


@lru_cache(maxsize=128)
def _looked_up(calendar: Calendar, month: date) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    first, last = month - _BEFORE, month + _MONTH + HORIZON
    closed = sorted(calendar.closures(first, last), key=lambda span: span.start)
    return tuple(without(joined(calendar.weekly(first, last)), joined(closed))), tuple(closed)


def _it_is_over(lasts: timedelta) -> str:
    return f"a run that may last {show_duration(lasts)} is over"
