"""Why: a misspelt field must be refused as by a real server, and `kubectl explain` must find its words.

The client library's models know every field. They are imported late: the first write pays, not the start.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from chaosctl.sandbox.api import structural
from chaosctl.sandbox.api.errors import invalid, undecodable
from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.omit import omit_empty
from chaosctl.sandbox.api.resources import Resource

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

_AMOUNTS = frozenset({"limits", "requests", "hard", "capacity", "allocatable", "used", "overhead"})
_GO = {
    "string_type": "string",
    "int_type": "int32",
    "bool_type": "bool",
    "list_type": "[]",
    "dict_type": "map",
}
_ELSEWHERE = frozenset({"spec.selector"})  # its absence is told together with what follows from it
_METADATA = Resource("v1", "", "ObjectMeta", namespaced=True)
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=\r\n]|=(?=[^=])")
_JSON = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object"}


def check(
    resource: Resource, body: Json, mode: str, definition: Json | None, *, partial: bool = False
) -> list[str]:
    """Warnings about unknown fields, which are removed from the body unless the mode is Strict.

    Mode is Strict, Warn or Ignore; a partial body may lack required fields. Raises ApiError 400 for what
    cannot be decoded, 422 for what is missing.
    """
    if definition is not None:
        body["metadata"] = body.get("metadata") or {}
        _check_built_in(_METADATA, body["metadata"], partial=partial)
        unknown = structural.check(resource, body, definition, partial=partial)
    else:
        unknown = _check_built_in(resource, body, partial=partial)
    if unknown and mode == "Strict":
        raise undecodable(
            resource.group_version, resource.kind, "strict decoding error: " + ", ".join(unknown)
        )
    return unknown if mode == "Warn" else []


def check_part(group_version: str, kind: str, body: Json) -> None:
    """Raises ApiError 400 for what cannot be decoded as a kind that is sent but not stored."""
    part = Resource(group_version, "", kind, namespaced=True)
    _check_built_in(part, body, partial=True)


def _check_built_in(resource: Resource, body: Json, *, partial: bool) -> list[str]:
    kind = model(resource.group_version, resource.kind)
    if kind is None:
        return []
    errors = list(_errors(kind, body))
    if wrong := next((each for each in errors if each["type"] not in {"extra_forbidden", "missing"}), None):
        raise undecodable(resource.group_version, resource.kind, _explain(resource.kind, wrong))
    missing = [_dotted(each["loc"]) for each in errors if each["type"] == "missing"]
    missing = [field for field in missing if field not in _ELSEWHERE]
    if missing and not partial:
        causes = [(field, "FieldValueRequired", "Required value") for field in missing]
        raise invalid(resource.group, resource.kind, (body.get("metadata") or {}).get("name", ""), causes)
    unknown = [each["loc"] for each in errors if each["type"] == "extra_forbidden"]
    for location in unknown:
        _prune(body, location)
    _check_base64(resource, body)
    if not partial:
        omit_empty(kind, body)
    return [f'unknown field "{_dotted(location)}"' for location in unknown]


def _check_base64(resource: Resource, body: Json) -> None:
    """Raises ApiError 400."""
    field = {"Secret": "data", "ConfigMap": "binaryData"}.get(resource.kind, "")
    for text in (body.get(field) or {}).values():
        if wrong := _NOT_BASE64.search(text):
            why = f"illegal base64 data at input byte {wrong.start()}"
            raise undecodable(resource.group_version, resource.kind, why)
        if len(text) % 4:
            why = f"illegal base64 data at input byte {len(text) // 4 * 4}"
            raise undecodable(resource.group_version, resource.kind, why)


def _errors(kind: "type[BaseModel]", body: Json) -> "Iterator[ErrorDetails]":
    from pydantic import ValidationError  # noqa: PLC0415  # late, as the module says

    try:
        kind.model_validate(body, by_alias=True, by_name=False)
    except ValidationError as error:
        for each in error.errors(include_url=False):
            numeric = isinstance(each["input"], int | float) and _AMOUNTS & set(each["loc"])
            if not numeric:  # quantities may be written as numbers; the models know only strings
                yield each


def _explain(kind: str, error: "ErrorDetails") -> str:
    if go := _GO.get(error["type"]):
        got = _JSON.get(type(error["input"]), "null")
        return (
            f"json: cannot unmarshal {got} into Go struct field {kind}.{_dotted(error['loc'])} of type {go}"
        )
    return f"{_dotted(error['loc'])}: {error['msg']}"


def _dotted(location: tuple[int | str, ...]) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return text.removeprefix(".")


def _prune(body: Any, location: tuple[int | str, ...]) -> None:  # noqa: ANN401  # any JSON
    for step in location[:-1]:
        body = body[step]
    body.pop(location[-1])


@lru_cache(maxsize=256)
def model(group_version: str, kind: str) -> "type[BaseModel] | None":
    """The client library's model of a kind, or None if it has none."""
    import kubernetes.client as models  # noqa: PLC0415  # late, as the module says

    group, _, version = group_version.rpartition("/")
    base = version.capitalize() + kind
    names = (base, group.partition(".")[0].capitalize() + base, "Core" + base)
    return next((getattr(models, name) for name in names if hasattr(models, name)), None)


@lru_cache(maxsize=256)
def definitions(group_version: str, kind: str) -> Json:
    """OpenAPI v3 schemas of a built-in kind and of all that it refers to, by name."""
    found = model(group_version, kind)
    if found is None:
        return {}
    schema = found.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
    referred = {name: _open_api(each) for name, each in schema.pop("$defs", {}).items()}
    group, _, version = group_version.rpartition("/")
    identity = [{"group": group, "version": version, "kind": kind}]
    own = {**_open_api(schema), "x-kubernetes-group-version-kind": identity}
    return {**referred, found.__name__: own}


def _open_api(schema: Any) -> Any:  # noqa: ANN401  # any JSON Schema
    """JSON Schema as pydantic writes it, as OpenAPI 3.0 has it: no null types, references inside allOf."""
    if isinstance(schema, list):
        return [_open_api(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    clean = {k: _open_api(v) for k, v in schema.items() if k != "title" or isinstance(v, dict)}
    if isinstance(text := clean.get("description"), str):
        clean["description"] = text.partition("\n\nAttributes:")[0].strip()
    if isinstance(alternatives := clean.get("anyOf"), list):
        del clean["anyOf"]
        rest = {key: value for key, value in clean.items() if key != "default"}
        return {**_one_of([each for each in alternatives if each.get("type") != "null"]), **rest}
    if isinstance(reference := clean.get("$ref"), str):
        rest = {key: value for key, value in clean.items() if key != "$ref"}
        return {"allOf": [{"$ref": reference}], **rest}
    return clean


def _one_of(alternatives: list[Json]) -> Json:
    if len(alternatives) != 1:
        return {"oneOf": alternatives} if alternatives else {}
    return alternatives[0]
