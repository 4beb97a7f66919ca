"""Why: from YAML's events nothing is constructed that was not asked for, and every value keeps its place.

JSON is YAML. What YAML 1.1 and 1.2 read differently is refused.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple, NoReturn

import yaml
from pydantic import JsonValue

from chaosctl.spec.places import Place, Source
from chaosctl.spec.problems import Mistakes, Path, shown

MAX_DEPTH = 50
MAX_VALUES = 20_000
_MAX_EXACT = 2**53
_LONGEST_SHOWN = 40
_YAML_TAG = "tag:yaml.org,2002:"

_RESOLVER = yaml.resolver.Resolver()
_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(\.[0-9]*)?([eE][-+]?[0-9]+)?")
_BOOLS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def printable(text: str) -> str:
    """Without lone halves of surrogate pairs, which cannot be printed or stored."""
    return text.encode("utf-8", "replace").decode()


class Builder:
    """Builds the tree from events. Whatever can wait is noted in the source; the rest raises Mistakes."""

    def __init__(self, source: Source, events: Iterator[yaml.Event]) -> None:
        self.source = source
        self.events = events
        self.count = 0

    def document(self) -> None:
        self._next(), self._next()  # the stream's start, the document's start
        event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            self._stop(event, "nothing but comments", "chaosctl schema playbook says what belongs here")
        self.source.tree = self._value(event, ())
        self._next()
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            self._stop(after, "a second document", "write each into a file of its own")

    def _next(self) -> yaml.Event:
        return next(self.events, yaml.StreamEndEvent())

    def _value(self, event: yaml.Event, path: Path) -> JsonValue:
        self._limits(event, path)
        self.source.values[path] = _place(event)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        return self._scalar(event, path)

    def _limits(self, event: yaml.Event, path: Path) -> None:
        self.count += 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            self._stop(
                event, "anchors and aliases are not allowed", "write the value out, or use a parameter"
            )
        if len(path) > MAX_DEPTH:
            self._stop(event, f"nested more than {MAX_DEPTH} deep", "nothing here needs that")
        if self.count > MAX_VALUES:
            self._stop(event, f"more than {MAX_VALUES} values", "is this the right file?")
        tag = getattr(event, "tag", None)
        if tag:
            self._note(
                event,
                path,
                f"the tag {_short(tag.replace(_YAML_TAG, '!!'))} is not allowed",
                "remove it; files hold plain values only",
            )

    def _mapping(self, path: Path) -> JsonValue:
        result: dict[str, JsonValue] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            self._limits(event, path)
            key = self._key(event, path)
            if key in result:
                first = self.source.keys[(*path, key)].line
                self._note(event, (*path, key), "written twice", f"the first is in line {first}")
                self._value(self._next(), (*path, f"{key} (again)"))
                continue
            self.source.keys[(*path, key)] = _place(event)
            result[key] = self._value(self._next(), (*path, key))
        return result

    def _key(self, event: yaml.Event, path: Path) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            self._stop(event, "a key must be a text", "is a brace or a quote missing?")
        if not event.style and not isinstance(_plain(event.value), str):
            self._note(event, path, f"the key {_short(event.value)} is not read as text", "put it in quotes")
        return printable(event.value)

    def _sequence(self, path: Path) -> JsonValue:
        result: list[JsonValue] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            result.append(self._value(event, (*path, len(result))))
        return result

    def _scalar(self, event: yaml.Event, path: Path) -> JsonValue:
        text = printable(str(getattr(event, "value", "")))
        if getattr(event, "style", None):
            return text
        self.source.plain[path] = text
        value = _plain(text)
        if isinstance(value, _Ambiguous):
            self._note(
                event, path, f"{_short(text)} {value.why}", f'write it plainly, or quote it: "{_short(text)}"'
            )
            return text
        return value

    def _note(self, event: yaml.Event, path: Path, message: str, hint: str) -> None:
        self.source.problems.append(self.source.problem_at(_place(event), message, hint, shown(path)))

    def _stop(self, event: yaml.Event, message: str, hint: str) -> NoReturn:
        problem = self.source.problem_at(_place(event), message, hint)
        raise Mistakes([*self.source.problems, problem])


class _Ambiguous(NamedTuple):
    why: str


def _plain(text: str) -> JsonValue | _Ambiguous:
    """What a scalar without quotes means."""
    if text in {"", "~", "null", "Null", "NULL"}:
        return None
    if text.casefold() in _BOOLS and text in {text.lower(), text.upper(), text.capitalize()}:
        return _BOOLS[text.casefold()]
    match = _NUMBER.fullmatch(text)
    if match:
        return _number(text, exact=not any(match.groups()))
    tag = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call] # the stubs lack it
    if tag in {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}:
        return _Ambiguous("means different numbers to different readers of YAML")
    return text


def _number(text: str, *, exact: bool) -> JsonValue | _Ambiguous:
    number = float(text)
    if abs(number) > _MAX_EXACT:
        return _Ambiguous("is too large for a number")
    return int(text) if exact else number


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _place(event: yaml.Event) -> Place:
    start, end = event.start_mark, event.end_mark
    if start is None or end is None:
        return Place(1, 1)
    one_line = end.line == start.line and isinstance(event, yaml.ScalarEvent)
    width = end.column - start.column if one_line else 1
    return Place(start.line + 1, start.column + 1, max(1, width))
