"""Why: an error must be able to point at the character it is about, long after the file was read."""

from typing import NamedTuple

from pydantic import JsonValue

from chaosctl.spec.problems import Path, Problem, Severity, shown


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
