"""Why: server-side apply tells owners apart by managedFields, so every write must record who set what.

A set of fields is a tree of FieldsV1: `f:name` is a field, `k:{"name":"x"}` an item of a keyed list, `v:"x"`
an item of a set; `.` means the step itself where something below it is meant too. A path is the tuple of
steps from the root to what is meant.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from chaosctl.copying import copy_json
from chaosctl.sandbox.api.objects import Json, timestamp

Path = tuple[str, ...]
Fields = dict[str, Any]

_KEYS: dict[str, tuple[tuple[str, ...], ...]] = {
    "containers": (("name",),),
    "initContainers": (("name",),),
    "ephemeralContainers": (("name",),),
    "volumes": (("name",),),
    "env": (("name",),),
    "imagePullSecrets": (("name",),),
    "secrets": (("name",),),
    "ports": (("containerPort", "protocol"), ("port", "protocol")),
    "volumeMounts": (("mountPath",),),
    "volumeDevices": (("devicePath",),),
    "conditions": (("type",),),
    "ownerReferences": (("uid",),),
    "hostAliases": (("ip",),),
    "addresses": (("type",),),
    "topologySpreadConstraints": (("topologyKey", "whenUnsatisfiable"),),
}
_IMPLIED = {"protocol": "TCP"}  # a key that may be left out, and then means this
ATOMIC = frozenset(
    {
        "selector", "nodeSelector", "labelSelector", "podSelector", "namespaceSelector", "roleRef",
        "fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "involvedObject",
    }
)  # fmt: skip
SETS = frozenset({"finalizers"})
MAPS = frozenset({"labels", "annotations", "data", "binaryData", "limits", "requests"})  # of values, by key
BEFORE_APPLY = "before-first-apply"
_SERVER_OWNED = frozenset(
    {
        "name", "namespace", "uid", "resourceVersion", "creationTimestamp", "generation",
        "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields", "selfLink",
    }
)  # fmt: skip


class Writer(NamedTuple):
    """Who writes, and how. Applying and updating are told apart, and so are subresources."""

    manager: str
    operation: str = "Update"
    subresource: str = ""


def list_keys(field: str, items: list[Any]) -> tuple[str, ...] | None:
    """The fields that tell the items of a list apart, or None where the list is replaced as a whole."""
    for keys in _KEYS.get(field, ()):
        if all(isinstance(item, dict) and all(k in item or k in _IMPLIED for k in keys) for item in items):
            return keys
    return None


def item_key(item: Json, keys: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(item.get(key, _IMPLIED.get(key)) for key in keys)


def leaves(value: Any, path: Path = (), field: str = "") -> Iterator[tuple[Path, Any]]:  # noqa: ANN401  # any JSON
    """Every owned field of an object with its value; items of keyed lists and sets count as such too."""
    if isinstance(value, dict) and (value or not path) and field not in ATOMIC:
        for name, item in value.items():
            if not _server_owned(path, name):
                yield from leaves(item, (*path, f"f:{name}"), name)
    elif isinstance(value, list) and field in SETS:
        yield from (((*path, f"v:{json.dumps(item)}"), item) for item in value)
    elif isinstance(value, list) and value and (keys := list_keys(field, value)):
        for item in value:
            step = "k:" + json.dumps(
                dict(zip(keys, item_key(item, keys), strict=True)), separators=(",", ":")
            )
            yield (*path, step), None
            yield from leaves(item, (*path, step))
    else:
        yield path, value


def _server_owned(path: Path, name: str) -> bool:
    return (not path and name in {"apiVersion", "kind"}) or (
        path == ("f:metadata",) and name in _SERVER_OWNED
    )


def differences(old: Json, new: Json) -> tuple[set[Path], set[Path]]:
    """The paths that were set or changed, and those that went."""
    trimmed_old = {key: value for key, value in old.items() if value != new.get(key)}
    trimmed_new = {key: value for key, value in new.items() if value != old.get(key)}
    before, after = dict(_with_maps(trimmed_old)), dict(_with_maps(trimmed_new))
    changed = {path for path, value in after.items() if path not in before or before[path] != value}
    return changed, before.keys() - after.keys()


def _with_maps(body: Json) -> Iterator[tuple[Path, Any]]:
    """The leaves, and the maps that hold some of them: whoever adds the first key to one owns it."""
    for path, value in leaves(body):
        yield path, value
        if len(path) > 1 and path[-2].removeprefix("f:") in MAPS:
            yield path[:-1], None


def paths_of(fields: Fields, path: Path = ()) -> set[Path]:
    """The leaves of a FieldsV1 tree."""
    found: set[Path] = set()
    for step, below in fields.items():
        inner = path if step == "." else (*path, step)
        found |= paths_of(below, inner) if below else {inner}
    return found


def fields_of(paths: Iterable[Path]) -> Fields:
    """The FieldsV1 tree of these paths."""
    tree: Fields = {}
    for path in sorted(paths, key=len):
        below = tree
        for step in path:
            below = below.setdefault(step, {})
    return _marked(tree, (), set(paths))


def _marked(tree: Fields, path: Path, paths: set[Path]) -> Fields:
    """With a `.` wherever a step and something below it are both meant; sorted, as a server writes it."""
    own: Fields = {".": {}} if tree and path in paths else {}
    return own | {step: _marked(tree[step], (*path, step), paths) for step in sorted(tree)}


def track(old: Json | None, new: Json, writer: Writer, group_version: str) -> list[Json]:
    """The managedFields after an update: the writer owns what it changed, nobody owns what went."""
    if old is not None and _names_nobody(old, new):
        return []
    changed, went = differences(old or {}, new)
    entries = _starting_entries(old, new)
    if not changed and not went:
        return entries
    kept = [_without(entry, changed | went) for entry in entries if not _is(entry, writer)]
    own = {path for entry in entries if _is(entry, writer) for path in paths_of(entry["fieldsV1"])} - went
    result = [entry for entry in kept if entry["fieldsV1"]]
    return [*result, _entry(writer, own | changed, group_version)] if own | changed else result


def _names_nobody(old: Json, new: Json) -> bool:
    """Whether the client emptied the list, or it was empty; then updates name nobody until an apply."""
    sent = new["metadata"].get("managedFields")
    return sent in ([], [{}]) or not old["metadata"].get("managedFields")


def _starting_entries(old: Json | None, new: Json) -> list[Json]:
    """What the client sent, if it can be read."""
    sent: list[Json] = new["metadata"].get("managedFields") or []
    if sent and all(_is_entry(each) for each in sent):
        return sent
    return (old or {"metadata": {}})["metadata"].get("managedFields") or []


def _is_entry(sent: Json) -> bool:
    named = sent.get("manager") and sent.get("operation") in {"Apply", "Update"}
    return bool(named) and _is_tree(sent.get("fieldsV1"))


def _is_tree(fields: Any) -> bool:  # noqa: ANN401  # that is the question
    return isinstance(fields, dict) and all(_is_tree(below) for below in fields.values())


def _is(entry: Json, writer: Writer) -> bool:
    return Writer(entry["manager"], entry["operation"], entry.get("subresource", "")) == writer


def _without(entry: Json, paths: set[Path]) -> Json:
    own = paths_of(entry["fieldsV1"])
    left = own - paths
    return entry if left == own else {**entry, "fieldsV1": fields_of(left), "time": timestamp()}


def _entry(writer: Writer, paths: Iterable[Path], group_version: str) -> Json:
    entry: Json = {
        "manager": writer.manager,
        "operation": writer.operation,
        "apiVersion": group_version,
        "time": timestamp(),
        "fieldsType": "FieldsV1",
        "fieldsV1": fields_of(paths),
    }
    return entry | ({"subresource": writer.subresource} if writer.subresource else {})


def before_first_apply(live: Json, group_version: str) -> list[Json]:
    """Where nobody is named, everything that is there counts as somebody's."""
    return [_entry(Writer(BEFORE_APPLY), dict(leaves(live)), group_version)]


def applied(
    managed: list[Json], writer: Writer, wanted: set[Path], lost: set[Path], group_version: str
) -> list[Json]:
    """The managedFields after an apply: the writer owns exactly what it wants, `lost` changed hands."""
    kept = [_without(entry, lost) for entry in managed if not _is(entry, writer)]
    own = next((entry for entry in managed if _is(entry, writer)), None)
    fields = fields_of(wanted)
    mine = own if own and own["fieldsV1"] == fields else _entry(writer, wanted, group_version)
    return [entry for entry in [*kept, copy_json(mine)] if entry["fieldsV1"]]


def owned_by(managed: list[Json], writer: Writer) -> set[Path]:
    return {path for entry in managed if _is(entry, writer) for path in paths_of(entry.get("fieldsV1", {}))}
