"""Why: whoever is left with a change that we could not undo needs the exact command, not advice."""

import json
import shlex
from collections.abc import Iterator
from functools import reduce

from pydantic import JsonValue

from chaosctl.cluster.ledger import Line
from chaosctl.model import Create, Edit, Patch, Ref


def by_hand(line: Line, options: str = "") -> str:
    """Shell commands that undo a line, one for each change; those that fail were undone already.

    `options` are those by which kubectl reaches the cluster.
    """
    kubectl = f"kubectl {options}".rstrip()
    return "\n".join(f"{kubectl} {rest}" for step in reversed(line.plan) for rest in _commands(step))


def _commands(step: object) -> Iterator[str]:
    match step:
        case Patch():
            for edit in step.edits:
                kind, patch = _patch(edit)
                yield f"{_on(step.ref, 'patch')} --type={kind} -p {shlex.quote(json.dumps(patch))}"
        case Create():
            yield f"{_on(step.ref, 'delete')} --ignore-not-found"


def _patch(edit: Edit) -> tuple[str, JsonValue]:
    """What was taken away is merged in: the map that it was in may be gone with it."""
    keys = [key.replace("~1", "/").replace("~0", "~") for key in edit.path.split("/")[1:]]
    if edit.after is not None or any(key.isdecimal() for key in keys):
        return "json", [*_operations(edit)]
    return "merge", reduce(lambda inner, key: {key: inner}, reversed(keys), edit.before)


def _operations(edit: Edit) -> list[dict[str, JsonValue]]:
    if edit.after is None:
        return [{"op": "add", "path": edit.path, "value": edit.before}]
    test: dict[str, JsonValue] = {"op": "test", "path": edit.path, "value": edit.after}
    if edit.before is None:
        return [test, {"op": "remove", "path": edit.path}]
    return [test, {"op": "replace", "path": edit.path, "value": edit.before}]


def _on(ref: Ref, verb: str) -> str:
    group = ref.api_version.rpartition("/")[0]
    kind = f"{ref.kind.lower()}.{group}" if group else ref.kind.lower()
    namespace = f"-n {shlex.quote(ref.namespace)} " if ref.namespace else ""
    return f"{namespace}{verb} {kind} {shlex.quote(ref.name)}"
