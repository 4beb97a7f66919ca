"""Why: whoever made a mistake should see the place, the reason and the way out, and all mistakes at once."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from enum import StrEnum
from typing import NamedTuple

from chaosctl.errors import Invalid

MAX_PROBLEMS = 100
MAX_NAMES = 100
LONGEST_NAME = 80
_WIDEST = 160
_RED, _YELLOW, _PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[0m"

Path = tuple[str | int, ...]
"""Where in a document: keys and indices from its root."""


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


class Problem(NamedTuple):
    """One thing that is wrong with a file. Line and column count from 1; 0 means the file as a whole."""

    file: str
    message: str
    hint: str = ""
    field: str = ""
    line: int = 0
    column: int = 0
    width: int = 1
    excerpt: str = ""
    severity: Severity = Severity.ERROR

    def render(self, *, color: bool = False) -> str:
        """What, where and what to do, with the line it is about; plain text unless `color`."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        label = "warning: " if self.severity is Severity.WARNING else ""
        head = _harmless("  ".join(part for part in (place, self.field, f"{label}{self.message}") if part))
        if self.line and self.excerpt.strip():
            return f"{head}\n{self._pointed(color=color)}"
        return f"{head}; {_harmless(self.hint)}" if self.hint else head

    def _pointed(self, *, color: bool) -> str:
        text, column = _window(self.excerpt, self.column - 1)
        carets = "^" * max(1, min(self.width, len(text) - column))
        if color:
            carets = f"{_RED if self.severity is Severity.ERROR else _YELLOW}{carets}{_PLAIN}"
        return f"{self.line:>5} | {text}\n      | {' ' * column}{carets} {_harmless(self.hint)}".rstrip()


class Mistakes(Invalid):
    """A file that is wrong, with everything that is wrong with it, up to MAX_PROBLEMS."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = _first(problems)
        super().__init__("\n".join(problem.render() for problem in self.problems))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant."""
    by_folded = {_folded(name): name for name in known}
    close = get_close_matches(_folded(word[:LONGEST_NAME]), by_folded, n=1)
    return by_folded[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint: the nearest known name, or all of them where none is near; "" where there are too many."""
    names = sorted(known)
    if len(names) > MAX_NAMES:
        return ""
    close = nearest(word, names)
    if close:
        return f'did you mean "{close}"?'
    return f"known: {', '.join(names)}" if names else ""


def shown(path: Path) -> str:
    """A path as people write it: `spec.expect[0].clock`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part[:LONGEST_NAME]}" for part in path)
    return "".join(parts).removeprefix(".")


def _first(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    more = len(problems) - MAX_PROBLEMS
    if more <= 0:
        return tuple(problems)
    return (*problems[:MAX_PROBLEMS], Problem(problems[0].file, f"and {more} more", "mend these first"))


def _folded(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "")


def _window(line: str, column: int) -> tuple[str, int]:
    """A part of a long line that shows the column, in characters that a terminal cannot be fooled by."""
    start = 0 if len(line) <= _WIDEST else max(0, column - _WIDEST // 2)
    part = line[start : start + _WIDEST]
    return _harmless(part), column - start


def _harmless(text: str) -> str:
    """Characters that a terminal would obey are replaced; no text gets longer or shorter."""
    return "".join(char if char.isprintable() else " " if char == "\t" else "\ufffd" for char in text)
