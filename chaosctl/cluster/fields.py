"""Why: who changed a field, and whether it is still ours in name, stands in managedFields and nowhere else.

The form is FieldsV1: a tree of `f:KEY` for members and `k:{...}` for the elements of lists that have keys; a
tree that ends early owns everything below.
"""

import json
from collections.abc import Sequence
from typing import cast

from pydantic import JsonValue

from chaosctl.changes import look
from chaosctl.model import Json, Op

MANAGER = "chaosctl"
PATH = "/metadata/managedFields"


def manager_of(seen: Json, path: str) -> str:
    """Who wrote the value at a JSON Pointer last, or "" where nobody says so."""
    owners = [entry for entry in _entries(seen) if _owns(entry.get("fieldsV1"), seen, path.split("/")[1:])]
    newest = max(owners, key=lambda entry: str(entry.get("time", "")), default={})
    return str(newest.get("manager", ""))


def appliers_of(seen: Json, path: str) -> tuple[str, ...]:
    """Everybody who holds the value at a JSON Pointer by server-side apply."""
    return tuple(
        str(entry.get("manager"))
        for entry in _entries(seen)
        if entry.get("operation") == "Apply" and _owns(entry.get("fieldsV1"), seen, path.split("/")[1:])
    )


def forget_us(seen: Json) -> tuple[Op, ...]:
    """Take our name off the object: else the team's next server-side apply conflicts with us."""
    entries = _entries(seen)
    others: Sequence[JsonValue] = [entry for entry in entries if entry.get("manager") != MANAGER]
    if len(others) == len(entries):
        return ()
    # One empty entry is the documented way to leave nobody. Kubernetes 1.37 takes an empty list for the same,
    # though its documentation says that it does not.
    return (Op(op="replace", path=PATH, value=list(others) or [{}]),)


def _entries(seen: Json) -> list[Json]:
    return cast("list[Json]", look(seen, PATH) or [])


def _owns(tree: JsonValue, node: JsonValue, keys: Sequence[str]) -> bool:
    if not isinstance(tree, dict) or not keys:
        return isinstance(tree, dict)
    below = [key for key in tree if key != "."]
    if not below:
        return "." not in tree
    key = keys[0].replace("~1", "/").replace("~0", "~")
    child = look(node, f"/{keys[0]}")
    if not isinstance(node, list):
        return f"f:{key}" in tree and _owns(tree[f"f:{key}"], child, keys[1:])
    return any(_names(name, child) and _owns(tree[name], child, keys[1:]) for name in below)


def _names(key: str, item: JsonValue) -> bool:
    kind, _, value = key.partition(":")
    wanted: JsonValue = json.loads(value) if kind in ("k", "v") else None
    if isinstance(wanted, dict) and isinstance(item, dict):
        return all(item.get(name) == part for name, part in wanted.items())
    return kind == "v" and wanted == item
