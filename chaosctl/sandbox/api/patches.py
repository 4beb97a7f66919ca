"""Why: clients patch in three languages, and a drill's undo depends on their exact refusals."""

from typing import Any

import jsonpatch
import jsonpointer

from chaosctl.sandbox.api.errors import ApiError, bad_request
from chaosctl.sandbox.api.managed_fields import list_keys
from chaosctl.sandbox.api.objects import Json, copy_json

_ORDER, _DELETE_ITEMS = "$setElementOrder/", "$deleteFromPrimitiveList/"
_MERGED_SETS = frozenset({"finalizers"})


def json_patch(body: Json, operations: Any) -> Json:  # noqa: ANN401  # a client may have sent anything
    """RFC 6902. Raises ApiError 400 for what is no patch, 422 where an operation fails, tests among them."""
    if not isinstance(operations, list) or not all(isinstance(each, dict) for each in operations):
        raise bad_request("error decoding patch: a JSON Patch is a list of operations")
    try:
        changed = jsonpatch.apply_patch(body, operations, in_place=True)
    except jsonpatch.InvalidJsonPatch as error:
        raise bad_request(f"error decoding patch: {error}") from error
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError) as error:
        message = "the server rejected our request due to an error in our request"
        raise ApiError(422, "Invalid", message) from error
    return _an_object(changed)


def merge_patch(body: Json, patch: Any) -> Json:  # noqa: ANN401  # a client may have sent anything
    """RFC 7386. Raises ApiError 400 for what is no object."""
    return _an_object(_merge(body, _an_object(patch)))


def strategic_merge_patch(body: Json, patch: Any) -> Json:  # noqa: ANN401  # a client may have sent anything
    """Kubernetes' own: lists with keys are merged item by item. Raises ApiError 400 for what is no object."""
    try:
        return _an_object(_strategic(body, _an_object(patch)))
    except (AttributeError, KeyError, TypeError) as error:  # a directive with a value that it cannot have
        raise bad_request(f"error decoding patch: {error!r}") from error


def _an_object(value: Any) -> Json:  # noqa: ANN401  # that is the question
    if not isinstance(value, dict):
        raise bad_request("error decoding patch: cannot unmarshal into an object")
    return value


def _merge(value: Any, patch: Any) -> Any:  # noqa: ANN401  # any JSON
    if not isinstance(patch, dict):
        return copy_json(patch)
    merged = dict(value) if isinstance(value, dict) else {}
    for key, change in patch.items():
        if change is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), change)
    return merged


def _strategic(value: Any, patch: Any) -> Any:  # noqa: ANN401  # any JSON
    if not isinstance(patch, dict):
        return copy_json(patch)
    directive = patch.get("$patch")
    if directive == "delete":
        return {}
    merged = dict(value) if isinstance(value, dict) and directive != "replace" else {}
    for key, change in patch.items():
        _merge_member(merged, key, change)
    for key, order in patch.items():
        if key.startswith(_ORDER):
            _sort(merged, key.removeprefix(_ORDER), order)
    if kept := patch.get("$retainKeys"):
        return {key: member for key, member in merged.items() if key in kept}
    return merged


def _merge_member(merged: Json, key: str, change: Any) -> None:  # noqa: ANN401  # any JSON
    if key.startswith(_DELETE_ITEMS):
        field = key.removeprefix(_DELETE_ITEMS)
        merged[field] = [item for item in merged.get(field) or () if item not in change]
    elif key.startswith("$"):
        return
    elif change is None:
        merged.pop(key, None)
    elif isinstance(change, list):
        merged[key] = _merge_list(key, merged.get(key) or [], change)
    else:
        merged[key] = _strategic(merged.get(key), change)


def _merge_list(field: str, items: list[Any], changes: list[Any]) -> list[Any]:
    if field in _MERGED_SETS:
        return list(dict.fromkeys([*items, *changes]))
    replace = {"$patch": "replace"}
    real = [change for change in changes if change != replace]
    keys = list_keys(field, real) if real else None
    if keys is None:
        return list(copy_json(real))
    return _merge_items(keys[0], [] if replace in changes else items, real)


def _merge_items(key: str, items: list[Json], changes: list[Json]) -> list[Json]:
    merged = {item.get(key): item for item in items}
    for change in changes:
        if change.get("$patch") == "delete":
            merged.pop(change[key], None)
        else:
            merged[change[key]] = _strategic(merged.get(change[key]), change)
    return list(merged.values())


def _sort(merged: Json, field: str, order: list[Any]) -> None:
    """Put a list into the order that the client saw; what it did not know comes last."""
    items = merged.get(field)
    if not isinstance(items, list):
        return
    keys = list_keys(field, items)
    wanted = [_identity(entry, keys) for entry in order]

    def rank(item: Any) -> int:  # noqa: ANN401  # any JSON
        identity = _identity(item, keys)
        return wanted.index(identity) if identity in wanted else len(wanted)

    merged[field] = sorted(items, key=rank)


def _identity(item: Any, keys: tuple[str, ...] | None) -> Any:  # noqa: ANN401  # any JSON
    return item.get(keys[0]) if keys and isinstance(item, dict) else item
