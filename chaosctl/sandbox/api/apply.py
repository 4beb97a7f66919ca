"""Why: teams deploy by server-side apply, and a drill must meet the conflicts that it causes."""

import json
from collections import defaultdict
from typing import Any

from chaosctl.copying import copy_json
from chaosctl.sandbox.api import quantities
from chaosctl.sandbox.api.errors import ApiError, bad_request
from chaosctl.sandbox.api.managed_fields import (
    ATOMIC,
    SETS,
    Path,
    Writer,
    applied,
    before_first_apply,
    item_key,
    leaves,
    list_keys,
    owned_by,
    paths_of,
)
from chaosctl.sandbox.api.objects import Json

_CLIENT_SIDE = "kubectl-client-side-apply"


def merge(
    live: Json | None, config: Json, writer: Writer, group_version: str, *, force: bool
) -> tuple[Json, list[Json]]:
    """The object and its managedFields after an apply. Raises ApiError 400, 409 with every conflict."""
    if config.get("metadata", {}).get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    config = copy_json(config)
    quantities.normalise(config["kind"], config)
    wanted = dict(leaves(config))
    if live is None:
        return config, applied([], writer, set(wanted), set(), group_version)
    managed: list[Json] = live["metadata"].get("managedFields") or before_first_apply(live, group_version)
    taken = _taken(live, managed, writer, wanted)
    if taken and not force and not _takes_over(writer, taken):
        raise _conflict(taken)
    lost = {path for _, path in taken}
    merged = _overlay(_without_abandoned(live, managed, writer, set(wanted)), config)
    return merged, applied(managed, writer, set(wanted), lost, group_version)


def _taken(
    live: Json, managed: list[Json], writer: Writer, wanted: dict[Path, Any]
) -> list[tuple[Json, Path]]:
    """What others own and the writer would change: (their entry, the path)."""
    present = dict(leaves(live))
    return [
        (entry, path)
        for entry in managed
        if (entry["manager"], entry["operation"]) != (writer.manager, writer.operation)
        for path in sorted(paths_of(entry.get("fieldsV1", {})) & wanted.keys())
        if path in present and present[path] != wanted[path]
    ]


def _takes_over(writer: Writer, taken: list[tuple[Json, Path]]) -> bool:
    """Whether it is kubectl going from client-side to server-side apply: no conflict with itself."""
    return writer.manager == "kubectl" and all(entry["manager"] == _CLIENT_SIDE for entry, _ in taken)


def _conflict(taken: list[tuple[Json, Path]]) -> ApiError:
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f"conflict with {_shown(entry)}",
            "field": _dotted(path),
        }
        for entry, path in taken
    ]
    return ApiError(409, "Conflict", f"Apply failed with {_told(causes)}", {"causes": causes})


def _told(causes: list[Json]) -> str:
    """One conflict on a line; several by the manager that they are with."""
    if len(causes) == 1:
        return f"1 conflict: {causes[0]['message']}: {causes[0]['field']}"
    by_manager: dict[str, list[str]] = defaultdict(list)
    for cause in causes:
        by_manager[cause["message"].replace("conflict", "conflicts", 1)].append(cause["field"])
    lines = (f"{who}:" + "".join(f"\n- {field}" for field in by_manager[who]) for who in sorted(by_manager))
    return f"{len(causes)} conflicts: " + "\n".join(lines)


def _shown(entry: Json) -> str:
    using = f" using {entry['apiVersion']}" if entry["operation"] == "Update" else ""
    subresource = f' with subresource "{entry["subresource"]}"' if entry.get("subresource") else ""
    return f'"{entry["manager"]}"{subresource}{using}'


def _dotted(path: Path) -> str:
    """A path as people read it: `.spec.template.spec.containers[name="c"].image`."""
    text = ""
    for step in path:
        if step.startswith("f:"):
            text += f".{step[2:]}"
        elif step.startswith("k:"):
            keys = json.loads(step[2:]).items()
            text += "[" + ",".join(f"{key}={json.dumps(value)}" for key, value in keys) + "]"
        elif step.startswith("v:"):
            text += f"[={step[2:]}]"
    return text


def _overlay(value: Any, config: Any, field: str = "") -> Any:  # noqa: ANN401  # any JSON
    if isinstance(config, dict) and isinstance(value, dict) and field not in ATOMIC:
        return {**value, **{key: _overlay(value.get(key), item, key) for key, item in config.items()}}
    if isinstance(config, list) and isinstance(value, list):
        if field in SETS:
            return list(dict.fromkeys([*value, *config]))
        if (keys := list_keys(field, config)) and list_keys(field, value) == keys:
            return _overlay_items(value, config, keys)
    return copy_json(config)


def _overlay_items(items: list[Json], config: list[Json], keys: tuple[str, ...]) -> list[Json]:
    merged = {item_key(item, keys): item for item in items}
    for wanted in config:
        key = item_key(wanted, keys)
        merged[key] = _overlay(merged.get(key), wanted)
    return list(merged.values())


def _without_abandoned(live: Json, managed: list[Json], writer: Writer, wanted: set[Path]) -> Json:
    """The object without what the writer once applied, no longer wants, and nobody else owns."""
    others: set[Path] = set()
    for entry in managed:
        if (entry["manager"], entry["operation"]) != (writer.manager, writer.operation):
            others |= paths_of(entry.get("fieldsV1", {}))
    kept = copy_json(live)
    for path in sorted(owned_by(managed, writer) - wanted - others, key=len):
        _remove(kept, path)
    return dict(kept)


def _remove(value: Any, path: Path) -> None:  # noqa: ANN401  # any JSON
    step, rest = path[0], path[1:]
    if step.startswith("f:") and isinstance(value, dict):
        _remove_member(value, step[2:], rest)
    elif step.startswith("v:") and isinstance(value, list) and json.loads(step[2:]) in value:
        value.remove(json.loads(step[2:]))
    elif step.startswith("k:") and isinstance(value, list):
        keys = json.loads(step[2:])
        for item in [item for item in value if item_key(item, tuple(keys)) == tuple(keys.values())]:
            if not rest:
                value.remove(item)
            else:
                _remove(item, rest)


def _remove_member(value: Json, name: str, rest: Path) -> None:
    if not rest:
        value.pop(name, None)
    elif name in value:
        _remove(value[name], rest)
        if value[name] in ({}, []):
            del value[name]
