"""Why: orders come from people and over the network; a wrong one gets one sentence that says what is wrong.

A table of readers describes each part of a fault: the fields that it may have, and how each is read.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple, TypeVar

Part = TypeVar("Part")
Reader = Callable[[Any, str], Any]
"""From JSON and the field's name to a value. Raises ValueError."""

FAULT = "the fault"
LONGEST_SHOWN = 50
LARGEST_PORT = 65535


class Place(NamedTuple):
    """A host and a port."""

    host: str
    port: int


def order(content: object, fault: Callable[..., Part], readers: Mapping[str, Reader]) -> Part | None:
    """The fault to switch to, from JSON; None for an empty object. Raises ValueError with what is wrong."""
    body = an_object(content, "the order", ("fault", "until"))
    if not body:
        return None
    if set(body) != {"fault", "until"}:
        raise ValueError("an order has a fault and until when it lasts, or is empty")
    if set(an_object(body["fault"], FAULT, tuple(readers))) <= {"seed"}:
        raise ValueError(f"{FAULT} has none of {', '.join(name for name in readers if name != 'seed')}")
    return part(partial(fault, moment(body["until"])), readers)(body["fault"], FAULT)


def an_object(content: object, name: str, fields: tuple[str, ...]) -> dict[str, object]:
    if not isinstance(content, dict):
        raise ValueError(f"{name} must be a JSON object")  # noqa: TRY004  one error for whatever is wrong
    if unknown := sorted(set(content) - set(fields)):
        shown = str(unknown[0])[:LONGEST_SHOWN]
        raise ValueError(f"{name} has no field {shown!r}; it has {', '.join(fields)}")
    return content


def part(
    kind: Callable[..., Part], readers: Mapping[str, Reader], needs: tuple[str, ...] = ()
) -> Callable[[object, str], Part]:
    """A reader of an object with these fields; of those that it needs, there must be one that is not 0."""

    def read(content: object, name: str) -> Part:
        body = an_object(content, name, tuple(readers))
        if needs and not any(body.get(field) for field in needs):
            raise ValueError(f"{name} needs {' or '.join(needs)}")
        prefix = "" if name == FAULT else f"{name}."
        return kind(**{snake(field): readers[field](body[field], prefix + field) for field in body})

    return read


def snake(camel: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", camel)


def number(largest: float, smallest: float = 0) -> Reader:
    def read(value: object, name: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not smallest <= value <= largest:
            raise ValueError(f"{name} must be a number from {smallest:g} to {largest:g}")
        return float(value)

    return read


def whole(smallest: int, largest: int) -> Reader:
    def read(value: object, name: str) -> int:
        if type(value) is not int or not smallest <= value <= largest:
            raise ValueError(f"{name} must be a whole number from {smallest} to {largest}")
        return value

    return read


def one_of(*choices: str) -> Reader:
    def read(value: object, name: str) -> str:
        if not isinstance(value, str) or value not in choices:
            raise ValueError(f"{name} must be one of {', '.join(choices)}")
        return value

    return read


def text(longest: int) -> Reader:
    def read(value: object, name: str) -> str:
        if not isinstance(value, str) or len(value) > longest:
            raise ValueError(f"{name} must be a text of at most {longest} characters")
        return value

    return read


def a_place(value: object, name: str) -> Place:
    try:
        return place(str(value))
    except ValueError:
        raise ValueError(f"{name} must be host:port") from None


def place(written: str) -> Place:
    """From `host:port`. Raises ValueError."""
    host, colon, port = written.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > LARGEST_PORT:
        raise ValueError(f"{written} is not host:port")
    return Place(host.strip("[]"), int(port))


def moment(value: object) -> float:
    """Seconds since the Unix epoch."""
    try:
        read = datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError("until must be a time like 2030-01-01T10:00:00Z") from None
    if read.tzinfo is None:
        raise ValueError("until must name its time zone; write Z for UTC")
    return read.astimezone(UTC).timestamp()


def seed(value: object, name: str) -> int:
    if type(value) is not int:
        raise ValueError(f"{name} must be a whole number")
    return value


share = number(1)
