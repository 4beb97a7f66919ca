"""Why: undo must leave no field behind that is ours in name. So the fake keeps managedFields, simply.

As the API server does for updates: whoever changes a field owns it, and nobody else does any more.
"""

import json
from collections.abc import Iterator
from typing import cast

from pydantic import JsonValue

from chaosctl.changes import look
from chaosctl.model import Json

Path = tuple[str, ...]
SERVERS = {"uid", "resourceVersion", "managedFields", "creationTimestamp", "name", "namespace", "generation"}


def managed(before: Json, after: Json, manager: str) -> list[JsonValue]:
    """The managedFields after `manager` made `before` into `after`."""
    owners = _owners(after)
    old, new = dict(_leaves(before)), dict(_leaves(after))
    changed = {path for path in old | new if old.get(path) != new.get(path)}
    for paths in owners.values():
        paths.difference_update(changed)
    owners.setdefault(manager, set()).update(changed & new.keys())
    return [_entry(name, paths, after) for name, paths in owners.items() if paths]


def _owners(body: Json) -> dict[str, set[Path]]:
    entries = cast("list[Json]", look(body, "/metadata/managedFields") or [])
    return {str(entry["manager"]): set(_paths(entry["fieldsV1"])) for entry in entries if entry}


def _leaves(body: Json) -> Iterator[tuple[Path, str]]:
    metadata = cast("Json", body.get("metadata") or {})
    own: Json = {key: value for key, value in metadata.items() if key not in SERVERS}
    for key, value in (body | {"metadata": own}).items():
        if key not in ("status", "apiVersion", "kind"):
            yield from _below((f"f:{key}",), value)


def _below(path: Path, value: JsonValue) -> Iterator[tuple[Path, str]]:
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from _below((*path, f"f:{key}"), child)
    elif (
        isinstance(value, list) and value and all(isinstance(item, dict) and "name" in item for item in value)
    ):
        for item in cast("list[Json]", value):
            yield from _below((*path, "k:" + json.dumps({"name": item["name"]})), item)
    else:
        yield path, json.dumps(value, sort_keys=True)


def _paths(tree: JsonValue) -> Iterator[Path]:
    for key, below in cast("Json", tree).items():
        if below:
            yield from ((key, *rest) for rest in _paths(below))
        else:
            yield (key,)


def _entry(manager: str, paths: set[Path], body: Json) -> JsonValue:
    tree: Json = {}
    for path in sorted(paths):
        node = tree
        for key in path:
            node = cast("Json", node.setdefault(key, {}))
    return {
        "manager": manager,
        "operation": "Update",
        "apiVersion": body.get("apiVersion"),
        "fieldsType": "FieldsV1",
        "fieldsV1": tree,
    }
