"""Why: custom resources are held to the schema that their definition brings, as a real server does."""

import re
from collections.abc import Iterator
from typing import Any

from chaosctl.copying import copy_json
from chaosctl.sandbox.api.causes import Cause, required, wrong
from chaosctl.sandbox.api.errors import invalid
from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.resources import Resource

_EITHER = "integer,string"
_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    _EITHER: (int, str),
}
_OPEN = "x-kubernetes-preserve-unknown-fields"
_ENVELOPE = frozenset({"apiVersion", "kind", "metadata"})


def schema_of(resource: Resource, definition: Json) -> Json:
    """The OpenAPI v3 schema of one version of a custom resource."""
    versions = {version["name"]: version for version in definition["spec"]["versions"]}
    schema: Json = (versions[resource.version].get("schema") or {}).get("openAPIV3Schema") or {_OPEN: True}
    return schema


def check(resource: Resource, body: Json, definition: Json, *, partial: bool = False) -> list[str]:
    """Fill in defaults, remove unknown fields and name them. Raises ApiError 422 for what is forbidden."""
    schema = schema_of(resource, definition)
    if not partial:
        _fill(schema, body)
    properties = schema.get("properties") or {}
    inner = {**schema, "properties": {k: v for k, v in properties.items() if k not in _ENVELOPE}}
    inner["required"] = [name for name in schema.get("required") or () if name not in _ENVELOPE]
    own = {key: value for key, value in body.items() if key not in _ENVELOPE}
    unknown = list(_prune(inner, own, ""))
    causes = [] if partial else list(_causes(inner, own, ""))
    if causes:
        raise invalid(resource.group, resource.kind, (body.get("metadata") or {}).get("name", ""), causes)
    for key in body.keys() - own.keys() - _ENVELOPE:
        del body[key]
    return [f'unknown field "{field}"' for field in unknown]


def _fill(schema: Json, value: Any) -> None:  # noqa: ANN401  # any JSON
    if isinstance(value, dict):
        for name, inner in (schema.get("properties") or {}).items():
            if "default" in inner and name not in value:
                value[name] = copy_json(inner["default"])
            if name in value:
                _fill(inner, value[name])
    elif isinstance(value, list):
        for item in value:
            _fill(schema.get("items") or {}, item)


def _prune(schema: Json, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401  # any JSON
    """Remove and name what the schema does not know."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _prune(schema.get("items") or {_OPEN: True}, item, f"{path}[{index}]")
    if not isinstance(value, dict):
        return
    properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
    for name in list(value):
        inner = f"{path}.{name}".removeprefix(".")
        if name in properties:
            yield from _prune(properties[name], value[name], inner)
        elif not others and not schema.get(_OPEN) and not schema.get("x-kubernetes-embedded-resource"):
            del value[name]
            yield inner


def _causes(schema: Json, value: Any, path: str) -> Iterator[Cause]:  # noqa: ANN401  # any JSON
    if value is None and schema.get("nullable"):
        return
    expected = _EITHER if schema.get("x-kubernetes-int-or-string") else schema.get("type")
    if expected in _TYPES and not _is(value, expected):
        got = _name_of(value)
        text = f'Invalid value: "{got}": {path} in body must be of type {expected}: "{got}"'
        yield path, "FieldValueTypeInvalid", text
        return
    yield from _limits(schema, value, path)
    if isinstance(value, dict):
        for name in schema.get("required") or ():
            if name not in value:
                yield required(f"{path}.{name}".removeprefix("."))
        others = schema.get("additionalProperties")
        for name, item in value.items():
            inner = (schema.get("properties") or {}).get(name) or (others if isinstance(others, dict) else {})
            yield from _causes(inner, item, f"{path}.{name}".removeprefix("."))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _causes(schema.get("items") or {}, item, f"{path}[{index}]")


def _limits(schema: Json, value: Any, path: str) -> Iterator[Cause]:  # noqa: ANN401  # any JSON
    if "enum" in schema and value not in schema["enum"]:
        options = ", ".join(f'"{each}"' for each in schema["enum"])
        yield path, "FieldValueNotSupported", f'Unsupported value: "{value}": supported values: {options}'
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield from _number_limits(schema, value, path)
    elif isinstance(value, str):
        yield from _text_limits(schema, value, path)
    elif isinstance(value, list):
        yield from _list_limits(schema, value, path)


def _number_limits(schema: Json, value: float, path: str) -> Iterator[Cause]:
    low, high = schema.get("minimum", value), schema.get("maximum", value)
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if value < low or (above and value == low):
        yield wrong(path, value, f"should be greater than {'' if above else 'or equal to '}{low}")
    if value > high or (below and value == high):
        yield wrong(path, value, f"should be less than {'' if below else 'or equal to '}{high}")


def _text_limits(schema: Json, value: str, path: str) -> Iterator[Cause]:
    if len(value) < schema.get("minLength", 0):
        yield wrong(path, value, f"should be at least {schema['minLength']} chars long")
    if len(value) > schema.get("maxLength", len(value)):
        yield wrong(path, value, f"should be at most {schema['maxLength']} chars long")
    pattern = schema.get("pattern")
    if pattern and not re.search(pattern, value):
        yield wrong(path, value, f"should match '{pattern}'")


def _list_limits(schema: Json, value: list[Any], path: str) -> Iterator[Cause]:
    if len(value) < schema.get("minItems", 0):
        yield wrong(path, len(value), f"should have at least {schema['minItems']} items")
    if len(value) > schema.get("maxItems", len(value)):
        yield wrong(path, len(value), f"should have at most {schema['maxItems']} items")


def _is(value: Any, expected: str) -> bool:  # noqa: ANN401  # any JSON
    if isinstance(value, bool) and expected in {"integer", "number", _EITHER}:
        return False
    return isinstance(value, _TYPES[expected])


def _name_of(value: Any) -> str:  # noqa: ANN401  # any JSON
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")
