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
from chaosctl.spec.zones import moment, wall_time, zone

HORIZON = timedelta(days=400)
_NO_TIME = timedelta()
_ONE_DAY = timedelta(days=1)


@lru_cache(maxsize=128)
def calendar_of(windows: Windows, blackout: str = "") -> "Calendar":
    """The calendar of these windows, and of the text of their blackout. Raises Invalid."""
    place = windows.blackout
    if place is None:
        return Calendar(windows)
    from chaosctl.calendars.ics import read  # noqa: PLC0415 - 9 MiB, which most drills do not need

    return Calendar(windows, read(blackout, str(place)))


@dataclass(frozen=True, eq=False)
class Calendar:
    """Says when a drill may run. Made by `calendar_of`."""

    windows: Windows
    events: tuple[Event, ...] = ()

    def refusal(self, start: datetime, lasts: timedelta = _NO_TIME) -> str | None:
        """Why a run that starts then and may last so long may not, and when it may; None where it may."""
        why = self._shut(start, lasts) or self._outside(start, lasts)
        if why is None:
            return None
        later = self.opening(start, lasts)
        return f"{why}; next possible: {self.show(later) if later else f'not within {HORIZON.days} days'}"

    def opening(self, after: datetime, lasts: timedelta = _NO_TIME) -> datetime | None:
        """The first moment, from `after` on, at which a run that may last so long may start."""
        for span in self.openings(after):
            start = max(span.start, after)
            if start + lasts <= span.end:
                return start
        return None

    def openings(self, after: datetime) -> Iterator[Span]:
        """When it is open, in order: from what is open at `after`, to HORIZON later."""
        return without(joined(self._weekly(after)), joined(_closed(self, after.date())))

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
        around = next((span for span in joined(self._weekly(start)) if start < span.end), None)
        if around is None or start < around.start:
            only = ", ".join(map(str, self.windows.only))
            return f"outside {only} ({self.windows.timezone}): it is {self.show(start)}"
        if around.end < start + lasts:
            return f"its window closes at {self.show(around.end)}, before {_it_is_over(lasts)}"
        return None

    def _weekly(self, after: datetime) -> Iterator[Span]:
        """The spans of every week, holidays and blackouts aside; all of the time where there are none."""
        end = after + HORIZON
        if not self.windows.only:
            yield Span(after, end)
            return
        day = wall_time(after, self._zone).date() - 2 * _ONE_DAY
        while (midnight := datetime.combine(day, time())) < wall_time(end, self._zone):
            today = [one for one in self.windows.only if day.weekday() in one.days]
            for one in sorted(today, key=lambda one: one.start):
                start, until = (midnight + timedelta(minutes=at) for at in (one.start, one.until))
                yield Span(moment(start, self._zone), moment(until, self._zone))
            day += _ONE_DAY

    def closures(self, first: date, last: date) -> Iterator[Span]:
        """Holidays and blackouts that touch the days from `first` to `last`."""
        if self.windows.holidays:
            yield from self._holidays(first, last)
        if self.events:
            from chaosctl.calendars.blackout import spans  # noqa: PLC0415

            yield from spans(self.events, self._zone, first, last)

    def _holidays(self, first: date, last: date) -> Iterator[Span]:
        from chaosctl.calendars.holidays import public_holidays  # noqa: PLC0415 - 19 MiB

        code = self.windows.holidays
        for year in range(first.year, last.year + 1):
            for day, name in public_holidays(code, year).items():
                midnights = (datetime.combine(day, time()) + step for step in (_NO_TIME, _ONE_DAY))
                start, end = (moment(midnight, self._zone) for midnight in midnights)
                yield Span(start, end, f'"{name}" is a holiday in {code},')


ALWAYS = Calendar(Windows())
"""The calendar of a drill without windows."""


@lru_cache(maxsize=256)
def _closed(calendar: Calendar, day: date) -> tuple[Span, ...]:
    """What is closed from a day (of UTC) on, in order; looked up once a day."""
    found = calendar.closures(day - 2 * _ONE_DAY, day + HORIZON + 2 * _ONE_DAY)
    return tuple(sorted(found, key=lambda span: span.start))


def _it_is_over(lasts: timedelta) -> str:
    return f"a run that may last {show_duration(lasts)} is over"
