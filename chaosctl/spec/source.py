"""Why: a file may come from anybody; whatever is in it, the answer is a document or one clear error."""

import stat
from pathlib import Path

import yaml

from chaosctl.errors import Invalid
from chaosctl.spec.events import Builder, printable
from chaosctl.spec.places import Place, Source
from chaosctl.spec.problems import Mistakes, Problem

MAX_BYTES = 1024 * 1024
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(path: Path) -> Source:
    """The document in a file. Raises Invalid, or Mistakes where it has places to point at."""
    return parse(_text(path), str(path))


def parse(text: str, name: str) -> Source:
    """The document in a text; `name` is what errors call it. Raises Mistakes."""
    text = printable(text)
    source = Source(name, text)
    try:
        Builder(source, yaml.parse(text, Loader=_LOADER)).document()
    except yaml.MarkedYAMLError as error:
        raise Mistakes([*source.problems, _syntax(source, error)]) from None
    except yaml.YAMLError as error:
        raise Mistakes([Problem(name, f"cannot be read as YAML: {_first_line(error)}")]) from None
    return source


def _text(path: Path) -> str:
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


def _unreadable(path: Path, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{path} does not exist; check the name and the folder you are in"
    if isinstance(error, PermissionError):
        return f"{path} may not be read by you; give yourself read permission (chmod u+r)"
    reason = error.strerror if isinstance(error, OSError) else "not a file name"
    return f"{str(path)[:200]!r} cannot be read: {reason}"


def _decoded(path: Path, data: bytes) -> str:
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
