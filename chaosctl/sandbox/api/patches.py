"""Why: clients patch in three languages, and a drill's undo depends on their exact refusals."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import jsonpatch
import jsonpointer

from chaosctl.copying import copy_json
from chaosctl.sandbox.api.errors import bad_request, internal, rejected_patch
from chaosctl.sandbox.api.managed_fields import list_keys
from chaosctl.sandbox.api.objects import Json

_ORDER, _DELETE_ITEMS = "$setElementOrder/", "$deleteFromPrimitiveList/"
_MERGED_SETS = frozenset({"finalizers"})
_KEYED = frozenset({"containers", "initContainers", "volumes", "env"})  # whose items must have their key


class _Replace(jsonpatch.ReplaceOperation):
    """A real server replaces also what is not there."""

    def apply(self, obj: Any) -> Any:  # noqa: ANN401  # any JSON
        inner, part = self.pointer.to_last(obj)
        if isinstance(inner, dict) and part is not None:
            inner[part] = self.operation["value"]
            return obj
        return super().apply(obj)


class _Test(jsonpatch.TestOperation):
    """For a real server what is not there is null."""

    def apply(self, obj: Any) -> Any:  # noqa: ANN401  # any JSON
        inner, part = self.pointer.to_last(obj)
        absent = isinstance(inner, dict) and part is not None and part not in inner
        return obj if absent and self.operation["value"] is None else super().apply(obj)


class _Patch(jsonpatch.JsonPatch):
    operations = MappingProxyType({**jsonpatch.JsonPatch.operations, "replace": _Replace, "test": _Test})


def json_patch(body: Json, operations: Any) -> Json:  # noqa: ANN401  # a client may have sent anything
    """RFC 6902. Raises ApiError 400 for what is no patch, 422 where an operation fails, tests among them."""
    if not isinstance(operations, list) or not all(isinstance(each, dict) for each in operations):
        raise bad_request("error decoding patch: a JSON Patch is a list of operations")
    failures = (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError, KeyError)
    try:
        changed = _Patch(operations).apply(body, in_place=True)
    except failures as error:
        raise rejected_patch() from error
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
    directive = patch.get("$patch", "merge")
    if directive not in {"merge", "replace", "delete"}:
        raise internal(f"unknown patch type: {directive} in map: {_in_go(patch)}")
    before = value if isinstance(value, dict) and directive == "merge" else {}
    merged = dict(before)
    for key, change in patch.items():
        _merge_member(merged, key, change)
    for key, order in patch.items():
        if key.startswith(_ORDER):
            field = key.removeprefix(_ORDER)
            merged[field] = _sorted(field, merged.get(field) or [], order, before.get(field) or [])
    if kept := patch.get("$retainKeys"):
        return {key: member for key, member in merged.items() if key in kept}
    return merged


def _merge_member(merged: Json, key: str, change: Any) -> None:  # noqa: ANN401  # any JSON
    if key.startswith(_DELETE_ITEMS):
        field = key.removeprefix(_DELETE_ITEMS)
        merged[field] = [item for item in merged.get(field) or () if item not in change]
    elif key.startswith("$"):
        return
    elif change is None or (isinstance(change, dict) and change.get("$patch") == "delete"):
        merged.pop(key, None)
    elif isinstance(change, list):
        merged[key] = _merge_list(key, merged.get(key) or [], change)
    else:
        merged[key] = _strategic(merged.get(key), change)


def _merge_list(field: str, items: list[Any], changes: list[Any]) -> list[Any]:
    if field in _MERGED_SETS:
        return _sorted(field, list(dict.fromkeys([*items, *changes])), changes, items)
    replace = {"$patch": "replace"}
    real = [change for change in changes if change != replace]
    keys = list_keys(field, real) if real else None
    if keys is None:
        _check_keys(field, real)
        return list(copy_json(real))
    if replace in changes:
        return _merge_items(keys[0], [], real)
    return _sorted(field, _merge_items(keys[0], items, real), real, items)


def _check_keys(field: str, changes: list[Any]) -> None:
    """Raises ApiError 500, as a real server does."""
    for change in changes:
        if field in _KEYED and isinstance(change, dict) and "name" not in change:
            raise internal(f"map: {_in_go(change)} does not contain declared merge key: name")


def _merge_items(key: str, items: list[Json], changes: list[Json]) -> list[Json]:
    merged = {item.get(key): item for item in items}
    for change in changes:
        if change.get("$patch") == "delete":
            merged.pop(change[key], None)
        else:
            merged[change[key]] = _strategic(merged.get(change[key]), change)
    return list(merged.values())


def _sorted(field: str, items: list[Any], named: Sequence[Any], before: Sequence[Any]) -> list[Any]:
    """The items that a patch names in its order, the others among them as they were.

    Where a patch names one that is new, it comes before the others; so it is in kube-apiserver.
    """
    keys = list_keys(field, items)
    first = [_identity(each, keys) for each in named]
    was = [_identity(each, keys) for each in before]
    patched = [each for each in items if _identity(each, keys) in first]
    patched.sort(key=lambda each: first.index(_identity(each, keys)))
    others = [each for each in items if _identity(each, keys) not in first]
    result = []
    while others and patched:
        left, right = _identity(others[0], keys), _identity(patched[0], keys)
        earlier = left in was and right in was and was.index(left) < was.index(right)
        result.append((others if earlier else patched).pop(0))
    return [*result, *others, *patched]


def _identity(item: Any, keys: tuple[str, ...] | None) -> Any:  # noqa: ANN401  # any JSON
    return item.get(keys[0]) if keys and isinstance(item, dict) else item


def _in_go(value: Any) -> str:  # noqa: ANN401  # any JSON
    """A map as a real server's messages show it."""
    if not isinstance(value, dict):
        return str(value)
    return "map[" + " ".join(f"{key}:{_in_go(item)}" for key, item in sorted(value.items())) + "]"
