"""Why: a number must look the same wherever a person meets it, and foreign text must not act on its reader.

A share is written in percent, a time in the unit that suits it, an uncertain time with its bounds.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from chaosctl.model import Interval
from chaosctl.spec import Bounds

LONGEST = 300  # characters of foreign text in one place
BLOCKS = "▁▂▃▄▅▆▇█"
ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|.)?")
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)


def clean(text: str, limit: int = LONGEST) -> str:
    """Foreign text without escapes, control and direction characters, cut where it is too long."""
    plain = UNSEEN.sub("\N{REPLACEMENT CHARACTER}", ESCAPES.sub("", text[: 4 * limit]))
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


def percent(share: float) -> str:
    """A share, 0 to 1: 0 %, 0.03 %, 2.7 %, 99.6 %, 100 %."""
    value = 100 * share
    distance = min(abs(value), abs(100 - value))
    digits = 0 if distance < 1e-9 else 1 if distance >= 1 else 2  # noqa: PLR2004 - a percent needs more digits near its ends
    return f"{_trimmed(value, digits)} %"


def count(number: int) -> str:
    return f"{number:,}"


def seconds(value: float) -> str:
    """A length of time: 41 ms, 1.4 s, 90 s, 3 min 5 s, 2 h 3 min."""
    if 0 < abs(value) < 0.9995:  # noqa: PLR2004 - below a second people think in milliseconds
        return f"{_trimmed(value * 1000, 1 if abs(value) < 0.01 else 0)} ms"  # noqa: PLR2004 - two digits matter
    if abs(value) < 119.95:  # noqa: PLR2004 - people count up to two minutes in seconds
        return f"{_trimmed(value, 1)} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (0 if hours else rest, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def length(value: timedelta) -> str:
    return seconds(value.total_seconds())


def between(shortest: timedelta, longest: timedelta) -> str:
    """A length that is known within bounds: 15 s [14 s, 16 s]."""
    if longest - shortest < timedelta(milliseconds=50):
        return length(longest)
    return f"{length((shortest + longest) / 2)} [{length(shortest)}, {length(longest)}]"


def moment(at: datetime) -> str:
    """A moment in UTC: 2026-03-01 10:00:24Z."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def time_of_day(at: datetime) -> str:
    """The time in UTC to a tenth of a second: 10:00:24.1."""
    return f"{at.astimezone(UTC):%H:%M:%S.%f}"[:-5]


def around(interval: Interval) -> str:
    """When, within bounds: 10:00:24.1, or 10:00:24.1 to 10:00:25.1."""
    low, high = time_of_day(interval.low), time_of_day(interval.high)
    return low if low == high else f"{low} to {high}"


def offset(since: timedelta) -> str:
    """A place on the run's time axis: T+00:24, T-01:05."""
    total = round(abs(since.total_seconds()))
    sign = "-" if since < timedelta() and total else "+"
    hours, minutes = divmod(total // 60, 60)
    clock = f"{minutes:02}:{total % 60:02}"
    return f"T{sign}{hours}:{clock}" if hours else f"T{sign}{clock}"


def quantity(value: float, unit: str) -> str:
    """A value of a check, in its unit."""
    match unit:
        case "share":
            return percent(value)
        case "seconds":
            return seconds(value)
        case "":
            return _plain(value)
    return f"{_plain(value)} {unit.removesuffix('s') if abs(value) == 1 else unit}"


def bounds(holds: Bounds, unit: str) -> str:
    """What must hold: ≤ 1 %, ≥ 99 %, 2 to 3; ≤ steady + 50 ms where it counts from the steady state."""
    low = None if holds.min is None else _bound(holds.min, unit, from_steady=holds.from_steady)
    high = None if holds.max is None else _bound(holds.max, unit, from_steady=holds.from_steady)
    if low is not None and high is not None:
        return f"= {low}" if low == high else f"{low} to {high}"
    if low is None and high is None:
        return "any value"
    return f"≥ {low}" if high is None else f"≤ {high}"


def _bound(value: float, unit: str, *, from_steady: bool) -> str:
    if not from_steady:
        return quantity(value, unit)
    return f"steady {'-' if value < 0 else '+'} {quantity(abs(value), unit)}"


def sparkline(values: Iterable[float]) -> str:
    """One block a value, from the lowest to the highest."""
    known = list(values)
    low, high = min(known, default=0.0), max(known, default=0.0)
    if high <= low:
        return BLOCKS[0] * len(known)
    return "".join(BLOCKS[int((value - low) / (high - low) * (len(BLOCKS) - 1))] for value in known)


def plural(number: int, word: str) -> str:
    """1 reading, 2 readings, 2 near misses, 2 entries."""
    many = f"{word[:-1]}ies" if word.endswith("y") else f"{word}es" if word.endswith("s") else f"{word}s"
    return f"{count(number)} {word if number == 1 else many}"


def listed(parts: Iterable[str]) -> str:
    """a; a and b; a, b and c."""
    *most, last = list(parts) or [""]
    return f"{', '.join(most)} and {last}" if most else last


def _plain(value: float) -> str:
    return count(int(value)) if float(value).is_integer() else f"{value:g}"


def _trimmed(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
