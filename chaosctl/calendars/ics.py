"""Why: change freezes are kept in calendars, and a calendar that is misread lets a drill into a freeze.

iCalendar (RFC 5545). What is not understood is an error, and then nothing runs. Every event closes, also one that is
marked as free, for calendars mark whole days so; only cancelled ones do not. Zones are taken by their names; what a
file says itself about a zone is not used. icalendar is known only here.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import icalendar
from icalendar.error import BrokenCalendarProperty
from icalendar.prop import vDDDLists, vDDDTypes, vRecur

from chaosctl.calendars.recurrence import Frequency, Nth, Rule, counted
from chaosctl.calendars.span import Event
from chaosctl.errors import Invalid

MAX_BYTES = 1024 * 1024
MAX_EVENTS = 5000
MAX_RULES = 100
LONGEST = timedelta(days=400)
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_FREQUENCIES: dict[str, Frequency] = {
    "DAILY": "DAILY",
    "WEEKLY": "WEEKLY",
    "MONTHLY": "MONTHLY",
    "YEARLY": "YEARLY",
}
_PARTS = frozenset(
    {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS", "WKST"}
)
_NTH = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_BROKEN = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, BrokenCalendarProperty)


class _Time(NamedTuple):
    """A date or a time as written: on the wall, and whose wall; a date is its first moment, and has none."""

    wall: datetime
    where: ZoneInfo | None
    is_date: bool = False


def read(text: str, name: str) -> tuple[Event, ...]:
    """The events of a calendar; `name` is what errors call it. Raises Invalid."""
    if len(text.encode()) > MAX_BYTES:
        raise Invalid(
            f"{name} is larger than 1 MiB; a calendar of freezes is a few kB: is this the right one?"
        )
    try:
        found = icalendar.Calendar.from_ical(_without_zones(text), multiple=True)
    except _BROKEN as error:
        raise Invalid(f"{name} cannot be read as a calendar (iCalendar): {_first_line(error)}") from None
    if not found or any(one.name != "VCALENDAR" for one in found):
        raise Invalid(f"{name} is no calendar: it must begin with BEGIN:VCALENDAR")
    entries = [entry for one in found for entry in one.walk("VEVENT")]
    if len(entries) > MAX_EVENTS or sum("RRULE" in entry for entry in entries) > MAX_RULES:
        raise Invalid(
            f"{name} has more than {MAX_EVENTS} events, or {MAX_RULES} that repeat; leave out old ones"
        )
    moved = {str(entry.get("UID")): set[datetime]() for entry in entries}
    return tuple(event for entry in _masters_last(entries) for event in _understood(entry, moved, name))


def _without_zones(text: str) -> str:
    kept, inside = [], False
    for line in text.splitlines():
        inside = inside or line.strip().upper() == "BEGIN:VTIMEZONE"
        if not inside:
            kept.append(line)
        inside = inside and line.strip().upper() != "END:VTIMEZONE"
    return "\r\n".join(kept) + "\r\n"


def _masters_last(entries: Iterable[icalendar.Component]) -> list[icalendar.Component]:
    """Those that stand for one time of another event first, as that one must leave the time out."""
    return sorted(entries, key=lambda entry: "RECURRENCE-ID" not in entry)


def _understood(entry: icalendar.Component, moved: dict[str, set[datetime]], name: str) -> Iterator[Event]:
    summary = " ".join(str(entry.get("SUMMARY", "")).split())[:80] or "an event without a name"
    try:
        yield from _events(entry, summary, moved)
    except _BROKEN as error:
        raise Invalid(f'{name}: "{summary}" cannot be read: {_first_line(error)}') from None


def _events(entry: icalendar.Component, summary: str, moved: dict[str, set[datetime]]) -> Iterator[Event]:
    if entry.errors:
        raise ValueError(f"{entry.errors[0][0]}: {entry.errors[0][1]}")
    start = _time(entry["DTSTART"], "DTSTART")
    if "RECURRENCE-ID" in entry:
        _leave_out(entry["RECURRENCE-ID"], moved[str(entry.get("UID"))])
    if str(entry.get("STATUS", "")).upper() == "CANCELLED":
        return
    length = _length(entry, start)
    if length == timedelta():
        return  # a moment
    if length > LONGEST and "RRULE" in entry:
        raise ValueError(f"it lasts longer than {LONGEST.days} days, and repeats")
    rule = _rule(entry["RRULE"], start) if "RRULE" in entry else None
    left_out = frozenset(moved[str(entry.get("UID"))] if rule else ()) | _walls(entry, "EXDATE", start)
    yield Event(summary, start.wall, length, start.where, rule, left_out)
    for added, lasts in _added(entry, length):
        if _on_the_wall_of(start, added) not in left_out:
            yield Event(summary, added.wall, lasts, added.where)


def _leave_out(written: vDDDTypes, walls: set[datetime]) -> None:
    if str(written.params.get("RANGE", "")):
        raise ValueError("RECURRENCE-ID with RANGE is not understood; end the event, and begin a new one")
    walls.add(_time(written, "RECURRENCE-ID").wall)


def _time(written: vDDDTypes, name: str) -> _Time:
    value = written.dt
    if isinstance(value, datetime):
        named = written.params.get("TZID")
        if value.tzinfo is None and named:
            raise ValueError(f'{name}: no time zone is called "{named}"; use a name like Europe/Berlin')
        where = value.tzinfo
        if where is not None and not isinstance(where, ZoneInfo):
            where, value = ZoneInfo("UTC"), value.astimezone(ZoneInfo("UTC"))
        return _Time(value.replace(tzinfo=None), where)
    if isinstance(value, date):
        return _Time(datetime.combine(value, time()), None, is_date=True)
    raise ValueError(f"{name} is neither a date nor a time")


def _length(entry: icalendar.Component, start: _Time) -> timedelta:
    if "DTEND" in entry:
        return _until_the_end(start, _time(entry["DTEND"], "DTEND"))
    if "DURATION" in entry:
        lasts = entry["DURATION"].dt
        if not isinstance(lasts, timedelta):
            raise ValueError("DURATION is no length of time")
        return lasts
    return timedelta(days=1) if start.is_date else timedelta()


def _until_the_end(start: _Time, end: _Time) -> timedelta:
    if (start.where is None) != (end.where is None):
        raise ValueError("of DTSTART and DTEND, one has a time zone and one has none")
    length = _on_the_wall_of(start, end) - start.wall
    if length < timedelta():
        raise ValueError("it ends before it begins")
    return length


def _on_the_wall_of(start: _Time, other: _Time) -> datetime:
    """Another time of the same event, as the wall shows it on which the event's start is written."""
    if start.where is None or other.where is None or start.where == other.where:
        return other.wall
    return other.wall.replace(tzinfo=other.where).astimezone(start.where).replace(tzinfo=None)


def _walls(entry: icalendar.Component, name: str, start: _Time) -> frozenset[datetime]:
    return frozenset(_on_the_wall_of(start, _time(one, name)) for one in _listed(entry, name))


def _added(entry: icalendar.Component, length: timedelta) -> Iterator[tuple[_Time, timedelta]]:
    """Single times beside the rule's (RDATE), some with a length of their own."""
    for one in _listed(entry, "RDATE"):
        if not isinstance(one.dt, tuple):
            yield _time(one, "RDATE"), length
            continue
        begin, end = one.dt
        yield _time(vDDDTypes(begin), "RDATE"), end if isinstance(end, timedelta) else end - begin


def _listed(entry: icalendar.Component, name: str) -> Iterator[vDDDTypes]:
    found = entry.get(name, [])
    for each in found if isinstance(found, list) else [found]:
        if not isinstance(each, vDDDLists):
            raise ValueError(f"{name} is no list of dates")
        yield from each.dts


def _rule(written: vRecur, start: _Time) -> Rule:
    unknown = sorted(set(written) - _PARTS)
    if unknown:
        raise ValueError(f"RRULE: {', '.join(unknown)} is not understood; known: {', '.join(sorted(_PARTS))}")
    frequency = _FREQUENCIES.get(str(_one(written, "FREQ", "")))
    if frequency is None:
        raise ValueError(f"RRULE: FREQ must be one of {', '.join(_FREQUENCIES)}")
    rule = Rule(
        start=start.wall.date(),
        frequency=frequency,
        interval=_positive(_one(written, "INTERVAL", 1)),
        until=_until(_one(written, "UNTIL", None), start),
        months=frozenset(int(month) for month in written.get("BYMONTH", ())),
        month_days=frozenset(int(day) for day in written.get("BYMONTHDAY", ())),
        weekdays=tuple(_nth(str(day)) for day in written.get("BYDAY", ())),
        positions=frozenset(int(place) for place in written.get("BYSETPOS", ())),
        week_start=_WEEKDAYS.index(str(_one(written, "WKST", "MO"))),
    )
    if "COUNT" not in written:
        return rule
    last = counted(rule, _positive(_one(written, "COUNT", 1)))
    return rule._replace(until=datetime.combine(last, time.max))


def _one(written: vRecur, name: str, default: object) -> object:
    values = written.get(name, default)
    return values[0] if isinstance(values, list) else values


def _positive(value: object) -> int:
    number = int(str(value))
    if number < 1:
        raise ValueError(f"RRULE: {number} is not 1 or more")
    return number


def _until(value: object, start: _Time) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime):
        if not isinstance(value, date):
            raise ValueError("RRULE: UNTIL is neither a date nor a time")
        return datetime.combine(value, time.max)
    where = value.tzinfo if isinstance(value.tzinfo, ZoneInfo) else None
    return _on_the_wall_of(start, _Time(value.replace(tzinfo=None), where))


def _nth(text: str) -> Nth:
    match = _NTH.fullmatch(text)
    if match is None:
        raise ValueError(f'RRULE: "{text[:20]}" is no weekday, like MO or -1FR')
    return Nth(_WEEKDAYS.index(match[2]), int(match[1] or 0))


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200] or type(error).__name__
