"""Why: a clock on the wall skips an hour in spring and shows one twice in autumn; what is meant is one rule.

A wall time that comes twice means the first one. One that does not come means the first moment after the gap.
So every wall time means one moment, and later wall times never mean earlier moments.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from chaosctl.spec.problems import nearest

_LONGEST_SHOWN = 60


def zone(name: str) -> ZoneInfo:
    """A time zone by its name, as in `Europe/Berlin`. Raises ValueError."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        close = nearest(name, available_timezones())
        hint = f"did you mean {close}?" if close else "write it like Europe/Berlin or UTC"
        raise ValueError(f'no time zone is called "{name[:_LONGEST_SHOWN]}"; {hint}') from None


def moment(wall: datetime, where: ZoneInfo) -> datetime:
    """The moment, in UTC, that a wall time (without a zone) means."""
    early = wall.replace(tzinfo=where, fold=0).astimezone(UTC)
    if early.astimezone(where).replace(tzinfo=None) == wall:
        return early
    return _after_the_gap(wall.replace(tzinfo=where, fold=1).astimezone(UTC), early, where)


def wall_time(at: datetime, where: ZoneInfo) -> datetime:
    """What the clock on the wall shows, without a zone."""
    return at.astimezone(where).replace(tzinfo=None)


def _after_the_gap(before: datetime, after: datetime, where: ZoneInfo) -> datetime:
    """The change of the clock between two moments, to the second."""
    offset = after.astimezone(where).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        before, after = (
            (before, middle) if middle.astimezone(where).utcoffset() == offset else (middle, after)
        )
    return after


def _known(name: str) -> str:
    zone(name)
    return name


TimeZone = Annotated[str, AfterValidator(_known), Field(examples=["Europe/Berlin"])]
