"""Why: a number without its unit is an accident that waits; people write `90s`, `2%` and `50/s`.

Each type reads what people write, keeps a plain value in SI units, and goes back to JSON as a text or a
number that it reads again.
"""

import math
import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, TypeGuard

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_PART = re.compile(rf"({_NUMBER})(ms|s|m|h|d)")
_DURATION = re.compile(rf"(?:{_NUMBER}(?:ms|s|m|h|d))+")
_SHARE = re.compile(rf"({_NUMBER})\s?%")
_RATE = re.compile(rf"({_NUMBER})/(s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LARGEST = 1e15
_LONGEST_SHOWN = 40


def duration(value: object) -> timedelta:
    """A length of time: `90s`, `3m`, `1h30m`, `250ms`. Raises ValueError."""
    if isinstance(value, timedelta):
        return value
    if value in (0, "0") and not isinstance(value, bool):
        return timedelta()
    if _is_number(value):
        raise ValueError(f"{value} has no unit: write {value}s for seconds")
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise ValueError(f"{_quoted(value)} is no duration: write it like 90s, 3m, 1h30m or 250ms")
    return _added(value)


def share(value: object) -> float:
    """A part of a whole, 0 to 1: `2%` or `0.02`. Raises ValueError."""
    number = _percent(value) if isinstance(value, str) else value
    if not _is_number(number):
        raise ValueError(f"{_quoted(value)} is no share: write it like 2% or 0.02")
    if not 0 <= number <= 1:
        hint = "" if isinstance(value, str) else f": write {number:g}% for {number:g} in a hundred"
        raise ValueError(f"{value} is not between 0% and 100%{hint}")
    return float(number)


def rate(value: object) -> float:
    """How often, per second: `50/s`, `300/m`. Raises ValueError."""
    if _is_number(value):
        raise ValueError(f"{value} has no unit: write {value}/s for {value} a second")
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise ValueError(f"{_quoted(value)} is no rate: write it like 50/s or 300/m")
    return _finite(match[1]) / _SECONDS[match[2]]


def amount(value: object) -> float:
    """A bound in a probe's unit: `1%` is 0.01, `250ms` is 0.25 seconds, `3` is 3. Raises ValueError."""
    if _is_number(value):
        return _finite(value)
    text, sign = (value[1:], -1) if isinstance(value, str) and value.startswith("-") else (value, 1)
    if isinstance(text, str) and _DURATION.fullmatch(text):
        return sign * _added(text).total_seconds()
    number = _percent(text) if isinstance(text, str) else None
    if number is None:
        raise ValueError(f"{_quoted(value)} is no amount: write it like 1%, 250ms or 3")
    return sign * number


def unit_of(value: object) -> str:
    """The unit that an amount was written in: "share", "seconds" or "" for a bare number."""
    if not isinstance(value, str):
        return ""
    if value.endswith("%"):
        return "share"
    return "seconds" if _DURATION.fullmatch(value.removeprefix("-")) else ""


def duration_text(value: timedelta) -> str:
    """As people write it and `duration` reads it: `1h30m`."""
    seconds, rest = divmod(value, timedelta(seconds=1))
    hours, minutes = divmod(seconds // 60, 60)
    parts = [(hours, "h"), (minutes, "m"), (seconds % 60, "s")]
    text = "".join(f"{number}{unit}" for number, unit in parts if number)
    return text + (f"{rest.microseconds / 1000:g}ms" if rest else "") or "0s"


def rate_text(value: float) -> str:
    """As people write it and `rate` reads it: `50/s`."""
    return format(Decimal(repr(value)), "f").removesuffix(".0") + "/s"


def show_duration(value: timedelta) -> str:
    """For people: `250 ms`, `90 s`, `4 m 10 s`, `1 h 30 m`."""
    seconds = value.total_seconds()
    if abs(seconds) < 1:
        return f"{seconds * 1000:g} ms" if seconds else "0 s"
    if abs(seconds) < 2 * _SECONDS["m"]:
        return f"{seconds:g} s"
    return " ".join(f"{number} {unit}" for number, unit in _clock_parts(round(seconds)) if number)


def show_share(value: float) -> str:
    """For people: `2 %`."""
    return f"{value * 100:.4g} %"


def show_rate(value: float) -> str:
    """For people: `50/s`."""
    return f"{value:g}/s"


def show_amount(value: float, unit: str) -> str:
    """A value for people, in a probe's unit: `2 %`, `250 ms`, `3 replicas`, `3`."""
    if unit == "share":
        return show_share(value)
    if unit == "seconds":
        return show_duration(timedelta(seconds=value))
    return f"{value:g} {unit}".rstrip()


def _added(text: str) -> timedelta:
    try:
        return sum(
            (timedelta(seconds=float(number) * _SECONDS[unit]) for number, unit in _PART.findall(text)),
            timedelta(),
        )
    except OverflowError:
        raise ValueError(f"{_quoted(text)} is longer than anybody can wait") from None


def _percent(text: str) -> float | None:
    match = _SHARE.fullmatch(text)
    if match:
        return _finite(match[1]) / 100
    return _finite(text) if re.fullmatch(_NUMBER, text) else None


def _finite(value: object) -> float:
    number = float(str(value))
    if not math.isfinite(number) or abs(number) > _LARGEST:
        raise ValueError(f"{_quoted(value)} is too large")
    return number


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _quoted(value: object) -> str:
    text = str(value)
    return f'"{text}"' if len(text) <= _LONGEST_SHOWN else f'"{text[:_LONGEST_SHOWN]}…"'


def _clock_parts(seconds: int) -> tuple[tuple[int, str], ...]:
    minutes, hours = seconds // 60, seconds // 3600
    return (hours, "h"), (minutes % 60, "m"), (seconds % 60, "s")


Duration = Annotated[
    timedelta,
    BeforeValidator(duration),
    PlainSerializer(duration_text, return_type=str, when_used="json"),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": rf"^(({_NUMBER}(ms|s|m|h|d))+|0)$"},
                {"type": "integer", "const": 0},
            ],
            "examples": ["90s", "3m", "250ms"],
        }
    ),
]
Share = Annotated[
    float,
    BeforeValidator(share),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": rf"^{_NUMBER} ?%$"},
                {"type": "number", "minimum": 0, "maximum": 1},
            ],
            "examples": ["2%", 0.02],
        }
    ),
]
Rate = Annotated[
    float,
    BeforeValidator(rate),
    PlainSerializer(rate_text, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": rf"^{_NUMBER}/(s|m|h)$", "examples": ["50/s", "300/m"]}),
]
Amount = Annotated[
    float,
    BeforeValidator(amount),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": rf"^-?({_NUMBER} ?%|({_NUMBER}(ms|s|m|h|d))+)$"},
                {"type": "number"},
            ],
            "examples": ["1%", "250ms", 3],
        }
    ),
]
