"""Why: a label selector that cannot be read is refused word for word as a real server does.

The grammar: requirements with commas between them, each `key`, `!key`, `key OPERATOR value` or
`key in (value, …)`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from chaosctl.sandbox.api.errors import bad_request
from chaosctl.sandbox.api.names import KEY_RULE, QUALIFIED, VALUE, VALUE_RULE

Test = Callable[[Mapping[str, str]], bool]
_TOKEN = re.compile(r"==|!=|[=!(),<>]|[^\s=!(),<>]+")
_OPERATORS = ("in", "notin", "=", "==", "!=", "<", ">")
_SPECIAL = frozenset("=!(),<>") | {"==", "!="}
_LISTED = "in, notin, =, ==, !=, gt, lt"


class _Unreadable(Exception):
    """The text is no selector."""


class _Requirement(NamedTuple):
    key: str
    operator: str
    values: tuple[str, ...] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        found = labels.get(self.key)
        match self.operator:
            case "exists":
                return found is not None
            case "!":
                return found is None
            case "in" | "=" | "==":
                return found in self.values
            case "notin" | "!=":
                return found not in self.values
        return self._compares(found)

    def _compares(self, found: str | None) -> bool:
        if found is None or not found.isdecimal():
            return False
        wanted = int(self.values[0])
        return int(found) > wanted if self.operator == ">" else int(found) < wanted


def parse(text: str) -> list[Test]:
    """What labels must satisfy. Raises ApiError 400."""
    try:
        return [each.holds for each in _Reader(text).requirements()]
    except _Unreadable as error:
        raise bad_request(str(error)) from None


class _Reader:
    """Reads one selector; the end of the text is an empty token."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = [*_TOKEN.findall(text), ""]

    def requirements(self) -> Iterator[_Requirement]:
        if not self._next:
            return
        if not self._is_key(self._next):
            raise _Unreadable(f"found '{self._next}', expected: !, identifier, or 'end of string'")
        while True:
            try:
                yield self._requirement()
            except _Unreadable as error:
                raise _Unreadable(f"unable to parse requirement: {error}") from None
            end = self._take()
            if not end:
                return
            if end != ",":
                raise _Unreadable(f"found '{end}', expected: ',' or 'end of string'")
            if not self._is_key(self._next):
                raise _Unreadable(f"found '{self._next}', expected: identifier after ','")

    @property
    def _next(self) -> str:
        return self._tokens[0]

    def _take(self) -> str:
        return self._tokens.pop(0) if len(self._tokens) > 1 else ""

    @staticmethod
    def _is_key(word: str) -> bool:
        return bool(word) and (word == "!" or word not in _SPECIAL)

    def _requirement(self) -> _Requirement:
        absent = self._next == "!"
        if absent:
            self._take()
        key = self._key()
        if absent or self._next in {"", ","}:
            return _Requirement(key, "!" if absent else "exists")
        operator = self._take()
        if operator not in _OPERATORS:
            raise _Unreadable(f"found '{operator}', expected: {_LISTED}")
        values = self._values() if operator in {"in", "notin"} else (self._value(),)
        return _Requirement(key, operator, _checked(key, operator, values))

    def _key(self) -> str:
        key = self._take()
        if not key or key in _SPECIAL:
            raise _Unreadable(f"found '{key}', expected: identifier")
        if not QUALIFIED.fullmatch(key):
            raise _Unreadable(f'<nil>: Invalid value: "{key}": {KEY_RULE}')
        return key

    def _value(self) -> str:
        if self._next in {"", ","}:
            return ""
        value = self._take()
        if value in _SPECIAL:
            raise _Unreadable(f"found '{value}', expected: identifier")
        return value

    def _values(self) -> tuple[str, ...]:
        opening = self._take()
        if opening != "(":
            raise _Unreadable(f"found '{opening}' expected: '('")
        found = [""]
        while (word := self._take()) != ")":
            if word == ",":
                found.append("")
            elif not word or word in _SPECIAL or found[-1]:
                raise _Unreadable(f"found '{word}', expected: ')'")
            else:
                found[-1] = word
        return tuple(found)


def _checked(key: str, operator: str, values: tuple[str, ...]) -> tuple[str, ...]:
    for index, value in enumerate(values):
        if not VALUE.fullmatch(value):
            raise _Unreadable(f'values[{index}][{key}]: Invalid value: "{value}": {VALUE_RULE}')
        if operator in {"<", ">"} and not value.isdecimal():
            why = "for 'Gt', 'Lt' operators, the value must be an integer"
            raise _Unreadable(f'values[{index}][{key}]: Invalid value: "{value}": {why}')
    return values
