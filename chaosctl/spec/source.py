"""Why: a file may come from anybody, and an error must be able to point at the character it is about.

Read from YAML's events rather than from its objects: nothing is constructed that was not asked for, and every
key and value keeps its place. JSON is YAML. What YAML 1.1 and 1.2 read differently is refused.
"""

import re
import stat
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import NamedTuple, NoReturn

import yaml
from pydantic import JsonValue

from chaosctl.errors import Invalid
from chaosctl.spec.problems import Mistakes, Path, Problem, Severity, shown

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 50
MAX_VALUES = 20_000
_MAX_EXACT = 2**53
_LONGEST_SHOWN = 40
_YAML_TAG = "tag:yaml.org,2002:"

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVER = yaml.resolver.Resolver()
_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(\.[0-9]*)?([eE][-+]?[0-9]+)?")
_BOOLS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


class Place(NamedTuple):
    """Where something stands. Line and column count from 1."""

    line: int
    column: int
    width: int = 1


class Source:
    """A document as it was written: its plain tree, and the place of every key and value."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.lines = text.split("\n")
        self.tree: JsonValue = None
        self.problems: list[Problem] = []
        self.plain: dict[Path, str] = {}
        """The text of every scalar without quotes."""
        self.keys: dict[Path, Place] = {}
        self.values: dict[Path, Place] = {}

    def problem(
        self,
        path: Path,
        message: str,
        hint: str = "",
        *,
        key: bool = False,
        severity: Severity = Severity.ERROR,
    ) -> Problem:
        """Something wrong at a path: at its key or value, or at the nearest thing around it that exists."""
        return self.problem_at(self._place(path, key=key), message, hint, shown(path), severity)

    def problem_at(
        self, place: Place, message: str, hint: str = "", field: str = "", severity: Severity = Severity.ERROR
    ) -> Problem:
        line = self.lines[place.line - 1] if 0 < place.line <= len(self.lines) else ""
        return Problem(self.name, message, hint, field, *place, line, severity)

    def _place(self, path: Path, *, key: bool) -> Place:
        first, second = (self.keys, self.values) if key else (self.values, self.keys)
        while path not in first and path not in second and path:
            path, first, second = path[:-1], self.keys, self.values
        return first.get(path) or second.get(path) or Place(1, 1)


def read(path: FilePath) -> Source:
    """The document in a file. Raises Invalid, or Mistakes where it has places to point at."""
    return parse(_text(path), str(path))


def parse(text: str, name: str) -> Source:
    """The document in a text; `name` is what errors call it. Raises Mistakes."""
    text = _clean(text)
    source = Source(name, text)
    try:
        _Reader(source, yaml.parse(text, Loader=_LOADER)).document()
    except yaml.MarkedYAMLError as error:
        raise Mistakes([*source.problems, _syntax(source, error)]) from None
    except yaml.YAMLError as error:
        raise Mistakes([Problem(name, f"cannot be read as YAML: {_first_line(error)}")]) from None
    return source


def _text(path: FilePath) -> str:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise Invalid(f"{path} is a folder; name a file in it")
        if not stat.S_ISREG(mode):
            raise Invalid(f"{path} is not a regular file; name a YAML or JSON file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise Invalid(_unreadable(path, error)) from None
    return _decoded(path, data)


def _unreadable(path: FilePath, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{path} does not exist; check the name and the folder you are in"
    if isinstance(error, PermissionError):
        return f"{path} may not be read by you; give yourself read permission (chmod u+r)"
    reason = error.strerror if isinstance(error, OSError) else "not a file name"
    return f"{str(path)[:200]!r} cannot be read: {reason}"


def _decoded(path: FilePath, data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise Invalid(
            f"{path} is larger than 1 MiB; a playbook or drill is a few kB: is this the right file?"
        )
    if b"\0" in data:
        raise Invalid(f"{path} is a binary file; playbooks and drills are YAML or JSON in UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Invalid(f"{path}:{line} is not UTF-8; save the file in that encoding") from None
    if not text.strip():
        raise Invalid(f"{path} is empty; chaosctl schema playbook says what belongs in it")
    return text


def _syntax(source: Source, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
    what = str(error.problem or error.context)
    around = "".join(source.lines[max(0, place.line - 2) : place.line])
    return source.problem_at(place, f"not valid YAML: {what}", _syntax_hint(what, around))


def _syntax_hint(what: str, around: str) -> str:
    if "mapping values are not allowed" in what:
        return 'put a text with ": " in it in quotes'
    if "cannot start any token" in what:
        return "put a text that starts with this in quotes, and indent with spaces only"
    return 'quote parameters: "${name}"' if "${" in around else ""


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


class _Reader:
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
        return _clean(event.value)

    def _sequence(self, path: Path) -> JsonValue:
        result: list[JsonValue] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            result.append(self._value(event, (*path, len(result))))
        return result

    def _scalar(self, event: yaml.Event, path: Path) -> JsonValue:
        text = _clean(str(getattr(event, "value", "")))
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


def _clean(text: str) -> str:
    """Lone halves of surrogate pairs cannot be printed or stored."""
    return text.encode("utf-8", "replace").decode()


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _place(event: yaml.Event) -> Place:
    start, end = event.start_mark, event.end_mark
    if start is None or end is None:
        return Place(1, 1)
    one_line = end.line == start.line and isinstance(event, yaml.ScalarEvent)
    width = end.column - start.column if one_line else 1
    return Place(start.line + 1, start.column + 1, max(1, width))
