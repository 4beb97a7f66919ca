"""Why: a parameter can change a value, never the shape of a playbook or a part of a text.

So `${name}` stands for a whole value, and is replaced in the tree before anything looks at it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from pydantic import JsonValue

from chaosctl.model import Json
from chaosctl.spec.places import Source
from chaosctl.spec.problems import LONGEST_NAME, Path, Problem, did_you_mean

_WHOLE = re.compile(r"\$\{([^{}]*)\}")
PARAMETERS: Path = ("spec", "parameters")


def declared(tree: JsonValue) -> Mapping[str, Json]:
    """The parameters that a playbook has, whatever else is wrong with it."""
    value = look(tree, PARAMETERS)
    if not isinstance(value, dict):
        return {}
    return {name: body if isinstance(body, dict) else {} for name, body in value.items()}


def as_texts(source: Source, paths: Iterable[Path]) -> JsonValue:
    """The tree with the scalars at these paths as the texts that were written: 1.20 stays "1.20"."""
    texts = {path: source.plain[path] for path in paths if source.plain.get(path)}
    return _mapped(source.tree, texts.get)


def samples(tree: JsonValue) -> Mapping[str, str]:
    """Every parameter's default, or else its example, to check a playbook with."""
    found = {name: body.get("default", body.get("example")) for name, body in declared(tree).items()}
    return {name: str(value) for name, value in found.items() if value is not None}


def declaration_problems(source: Source) -> Iterator[Problem]:
    """Parameters that are used but unknown, known but unused, or cannot be checked."""
    known = declared(source.tree)
    uses = dict(_uses(source))
    for path, name in uses.items():
        if name not in known:
            yield source.problem(
                path, f'unknown parameter "{name[:LONGEST_NAME]}"', did_you_mean(name, known)
            )
    for name, body in known.items():
        if name not in uses.values():
            yield source.problem(
                (*PARAMETERS, name), "unused parameter", f'write "${{{name}}}" where it belongs', key=True
            )
        if body.get("default") is None and body.get("example") is None:
            hint = "give an example, so that the playbook can be checked"
            yield source.problem((*PARAMETERS, name), "neither default nor example", hint, key=True)
    yield from _parts(source, known)


def given_problems(source: Source, given: Mapping[str, str]) -> Iterator[Problem]:
    """Parameters that are given but unknown, or required but missing."""
    known = declared(source.tree)
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known) or "the playbook has no parameters"
            yield Problem(source.name, f'unknown parameter "{name}"', hint)
    for name, body in known.items():
        if body.get("default") is None and name not in given:
            about = str(body.get("description", "")).strip()
            hint = f"add --set {name}=VALUE" + (f" ({about})" if about else "")
            yield source.problem((*PARAMETERS, name), f'the parameter "{name}" has no value', hint, key=True)


def filled(tree: JsonValue, values: Mapping[str, str]) -> JsonValue:
    """The tree with every `${name}` that has a value replaced by it."""

    def fill(path: Path, value: JsonValue) -> JsonValue:
        name = None if path[:2] == PARAMETERS else _name(value)
        return value if name is None else values.get(name, value)

    return _mapped(tree, fill)


def look(tree: JsonValue, path: Path) -> JsonValue:
    """The value at a path, or None."""
    for key in path:
        if isinstance(tree, dict) and isinstance(key, str):
            tree = tree.get(key)
        elif isinstance(tree, list) and isinstance(key, int) and key < len(tree):
            tree = tree[key]
        else:
            return None
    return tree


def scalars(tree: JsonValue, path: Path = ()) -> Iterator[tuple[Path, JsonValue]]:
    """Every scalar of a tree with its path."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from scalars(value, (*path, key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from scalars(value, (*path, index))
    else:
        yield path, tree


def _uses(source: Source) -> Iterator[tuple[Path, str]]:
    for path, value in scalars(source.tree):
        name = None if path[:2] == PARAMETERS else _name(value)
        if name is not None:
            yield path, name


def _parts(source: Source, known: Mapping[str, Json]) -> Iterator[Problem]:
    """A known parameter inside a longer text: it would stay as it is, which nobody means."""
    for path, value in scalars(source.tree):
        if not isinstance(value, str) or path[:2] == PARAMETERS or _name(value) is not None:
            continue
        if any(name in known for name in _WHOLE.findall(value)):
            yield source.problem(
                path, "a parameter replaces whole values only", "make the whole text a parameter"
            )


def _name(value: JsonValue) -> str | None:
    match = _WHOLE.fullmatch(value) if isinstance(value, str) else None
    return match[1] if match else None


def _mapped(tree: JsonValue, change: Callable[[Path, JsonValue], JsonValue], path: Path = ()) -> JsonValue:
    if isinstance(tree, dict):
        return {key: _mapped(value, change, (*path, key)) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_mapped(value, change, (*path, index)) for index, value in enumerate(tree)]
    return change(path, tree)
