"""Why: change freezes are kept in calendars, and a calendar that is misread lets a drill into a freeze.

iCalendar (RFC 5545). What is not understood is an error, and then nothing runs. Every event closes, also one
that is marked as free, for calendars mark whole days so; only cancelled ones do not. Zones are taken by their
names; what a file says itself about a zone is not used. icalendar is known only here.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
from icalendar.error import BrokenCalendarProperty
from icalendar.prop import vDDDLists, vDDDTypes

from chaosctl.calendars.rules import When, rule_of
from chaosctl.calendars.span import Event
from chaosctl.errors import Invalid
from chaosctl.spec.windows import MAX_BYTES

MAX_EVENTS = 5000
MAX_RULES = 100
LONGEST = timedelta(days=400)  # of what repeats
YEARS, LONGEST_OF_ALL = range(1900, 2201), timedelta(days=36525)
_Entry = Any  # a component of the library; what its properties hold is checked here
_BROKEN = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, BrokenCalendarProperty)


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
    moved = {str(entry.get("UID")): set[When]() for entry in entries}
    return tuple(event for entry in _masters_last(entries) for event in _understood(entry, moved, name))


def _without_zones(text: str) -> str:
    kept, inside = [], False
    for line in text.splitlines():
        inside = inside or line.strip().upper() == "BEGIN:VTIMEZONE"
        if not inside:
            kept.append(line)
        inside = inside and line.strip().upper() != "END:VTIMEZONE"
    return "\r\n".join(kept) + "\r\n"


def _masters_last(entries: Iterable[_Entry]) -> list[_Entry]:
    """Those that stand for one time of another event first, as that one must leave the time out."""
    return sorted(entries, key=lambda entry: "RECURRENCE-ID" not in entry)


def _understood(entry: _Entry, moved: dict[str, set[When]], name: str) -> Iterator[Event]:
    summary = " ".join(str(entry.get("SUMMARY", "")).split())[:80] or "an event without a name"
    try:
        yield from _events(entry, summary, moved)
    except _BROKEN as error:
        raise Invalid(f'{name}: "{summary}" cannot be read: {_first_line(error)}') from None


def _events(entry: _Entry, summary: str, moved: dict[str, set[When]]) -> Iterator[Event]:
    if entry.errors:
        raise ValueError(f"{entry.errors[0][0]}: {entry.errors[0][1]}")
    start = _time(entry["DTSTART"], "DTSTART")
    stand_ins = moved[str(entry.get("UID"))]
    if "RECURRENCE-ID" in entry:
        stand_ins.add(_replaced(entry["RECURRENCE-ID"]))
    if str(entry.get("STATUS", "")).upper() == "CANCELLED":
        return
    length = _length(entry, start)
    if length == timedelta():
        return  # a moment
    _checked(start, length)
    if length > LONGEST and "RRULE" in entry:
        raise ValueError(f"it lasts longer than {LONGEST.days} days, and repeats")
    rule = rule_of(dict(entry["RRULE"]), start) if "RRULE" in entry else None
    left_out = {one.on_the_wall_of(start) for one in (*_listed(entry, "EXDATE"), *stand_ins)}
    if "RECURRENCE-ID" in entry:
        left_out = set()
    if start.wall not in left_out or rule:
        yield Event(summary, start.wall, length, start.where, rule, frozenset(left_out))
    for added, lasts in _added(entry, length):
        _checked(added, lasts)
        if added.on_the_wall_of(start) not in left_out:
            yield Event(summary, added.wall, lasts, added.where)


def _checked(start: When, length: timedelta) -> None:
    if length < timedelta():
        raise ValueError("it ends before it begins")
    if start.wall.year not in YEARS or length > LONGEST_OF_ALL:
        raise ValueError(f"it lies outside of the years {YEARS[0]} to {YEARS[-1]}")


def _replaced(written: vDDDTypes) -> When:
    """The time of another event that this one stands for."""
    if str(written.params.get("RANGE", "")):
        raise ValueError("RECURRENCE-ID with RANGE is not understood; end the event, and begin a new one")
    return _time(written, "RECURRENCE-ID")


def _time(written: vDDDTypes, name: str) -> When:
    value = written.dt
    if isinstance(value, datetime):
        named = written.params.get("TZID")
        if value.tzinfo is None and named:
            raise ValueError(f'{name}: no time zone is called "{named}"; use a name like Europe/Berlin')
        where = value.tzinfo
        if where is not None and not isinstance(where, ZoneInfo):
            where, value = ZoneInfo("UTC"), value.astimezone(ZoneInfo("UTC"))
        return When(value.replace(tzinfo=None), where)
    if isinstance(value, date):
        return When(datetime.combine(value, time()), None, is_date=True)
    raise ValueError(f"{name} is neither a date nor a time")


def _length(entry: _Entry, start: When) -> timedelta:
    if "DTEND" in entry:
        return _until_the_end(start, _time(entry["DTEND"], "DTEND"))
    if "DURATION" in entry:
        lasts = entry["DURATION"].dt
        if not isinstance(lasts, timedelta):
            raise TypeError("DURATION is no length of time")
        return lasts
    return timedelta(days=1) if start.is_date else timedelta()


def _until_the_end(start: When, end: When) -> timedelta:
    if (start.where is None) != (end.where is None):
        raise ValueError("of DTSTART and DTEND, one has a time zone and one has none")
    return end.on_the_wall_of(start) - start.wall


def _added(entry: _Entry, length: timedelta) -> Iterator[tuple[When, timedelta]]:
    """Single times beside the rule's (RDATE), some with a length of their own."""
    for one in _dates(entry, "RDATE"):
        if not isinstance(one.dt, tuple):
            yield _time(one, "RDATE"), length
            continue
        begin, end = one.dt
        yield _time(vDDDTypes(begin), "RDATE"), end if isinstance(end, timedelta) else end - begin


def _listed(entry: _Entry, name: str) -> Iterator[When]:
    return (_time(one, name) for one in _dates(entry, name))


def _dates(entry: _Entry, name: str) -> Iterator[vDDDTypes]:
    found = entry.get(name, [])
    for each in found if isinstance(found, list) else [found]:
        if not isinstance(each, vDDDLists):
            raise TypeError(f"{name} is no list of dates")
        for one in each.dts:
            one.params.update(each.params)  # the zone is named once for all of them
            yield one


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200] or type(error).__name__
