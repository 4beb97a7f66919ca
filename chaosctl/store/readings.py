"""Why: a drill measures thousands of times; in columns a reading takes a tenth of its JSON.

What does not come back from the columns exactly as it went in is no reading for us, and is kept as JSON in
the chain like any other event. So nothing is ever lost to the compact form.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple, cast

from pydantic import JsonValue

from chaosctl.changes import same
from chaosctl.model import Json

MEASURED = "measured"
LONGEST = 600  # characters of a text: an index of PostgreSQL takes 2.7 KB, and a character may take 4 bytes
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Columns(NamedTuple):
    """A `measured` event in columns. Times are microseconds since 1970; None where there is nothing.

    `bad` marks counted events, `value` a level, neither a probe without data. `note` is the detail of a
    level, or why there is no data.
    """

    at: int
    subject: str
    note: str
    bad: int | None = None
    n: int | None = None
    value: float | None = None
    start: int | None = None
    end: int | None = None
    first_bad: int | None = None
    last_bad: int | None = None
    complement: bool | None = None


def compact(event: Json) -> Columns | None:
    """The event in columns, or None where columns cannot say all of it."""
    if event.get("type") != MEASURED:
        return None
    try:
        columns = _columns(event)
        exact = same(expand(columns), event) and all(map(_fits, (columns.subject, columns.note)))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None
    return columns if exact else None


def expand(columns: Columns) -> Json:
    """The event that the columns came from. Raises OverflowError for times that no calendar has."""
    event: Json = {"type": MEASURED, "at": _text(columns.at), "check": columns.subject}
    if columns.bad is not None:
        return event | {"reading": _counts(columns), "why": columns.note}
    if columns.value is not None:
        return event | {"reading": _level(columns), "why": ""}
    return event | {"reading": None, "why": columns.note}


def _columns(event: Json) -> Columns:
    reading = cast("dict[str, JsonValue] | None", event["reading"])
    at, subject, why = _micros(event["at"]), cast("str", event["check"]), cast("str", event["why"])
    if reading is None:
        return Columns(at, subject, why)
    shared = {"n": reading["n"], "start": _micros(reading["start"]), "end": _micros(reading["end"])}
    if reading["reading"] == "level":
        return Columns(at, subject, reading["detail"], value=reading["value"], **shared)  # type: ignore[arg-type]  # expand() tells
    bad = {name: _optional(reading[name]) for name in ("first_bad", "last_bad")}
    return Columns(at, subject, why, bad=reading["bad"], complement=reading["complement"], **shared, **bad)  # type: ignore[arg-type]  # expand() tells


def _counts(columns: Columns) -> Json:
    return {
        "reading": "counts",
        "bad": columns.bad,
        "n": columns.n,
        "start": _text(columns.start or 0),
        "end": _text(columns.end or 0),
        "first_bad": None if columns.first_bad is None else _text(columns.first_bad),
        "last_bad": None if columns.last_bad is None else _text(columns.last_bad),
        "complement": bool(columns.complement),
    }


def _level(columns: Columns) -> Json:
    return {
        "reading": "level",
        "value": columns.value,
        "start": _text(columns.start or 0),
        "end": _text(columns.end or 0),
        "n": columns.n,
        "detail": columns.note,
    }


def _fits(text: str) -> bool:
    """Whether any database keeps it as it is."""
    return len(text) <= LONGEST and "\0" not in text


def _optional(text: JsonValue) -> int | None:
    return None if text is None else _micros(text)


def _micros(text: JsonValue) -> int:
    return (datetime.fromisoformat(cast("str", text)) - EPOCH) // MICROSECOND


def _text(micros: int) -> str:
    """As pydantic writes a moment in UTC."""
    return (EPOCH + micros * MICROSECOND).isoformat().replace("+00:00", "Z")
