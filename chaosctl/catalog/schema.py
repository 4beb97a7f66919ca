"""Why: an editor that knows the schema finds most mistakes while they are being made.

JSON Schema, draft 2020-12. Wherever a value may stand, so may a parameter.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Literal, cast

from pydantic import BaseModel, JsonValue
from pydantic.json_schema import GenerateJsonSchema

from chaosctl.catalog.kinds import Catalog
from chaosctl.model import Json
from chaosctl.spec import Spec
from chaosctl.spec.amounts import duration_text
from chaosctl.spec.drill import Drill
from chaosctl.spec.playbook import FaultBody, Playbook, ProbeBody

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_REF = "#/$defs/"
PARAMETER = r"^\$\{[A-Za-z][-_A-Za-z0-9]*\}$"
_PARAMETER: Json = {"type": "string", "pattern": PARAMETER}
_AS_WRITTEN = frozenset({"Metadata", "Parameter"})
_ABOUT = frozenset({"title", "description", "default", "examples"})
_SCALARS = frozenset({"integer", "number", "boolean"})


def schema(document: Literal["playbook", "drill"], catalog: Catalog) -> Json:
    """The JSON Schema of a document, with the bodies of every kind in the catalog."""
    if document == "drill":
        return _titled(plain(Drill))
    result = plain(Playbook)
    definitions = cast("Json", result["$defs"])
    _put_kinds(definitions, FaultBody, catalog.faults)
    _put_kinds(definitions, ProbeBody, catalog.probes)
    result["$defs"] = {
        name: body if name in _AS_WRITTEN else _with_parameters(body) for name, body in definitions.items()
    }
    return _titled(result)


def plain(model: type[BaseModel]) -> Json:
    """The JSON Schema of a model as it stands, without parameters."""
    return model.model_json_schema(schema_generator=_Generator)


def body_schema(kind: type[Spec]) -> Json:
    """The JSON Schema of one kind's body; its `kind` is required."""
    result = plain(kind)
    required = cast("list[JsonValue]", result.get("required", []))
    result["required"] = ["kind", *(name for name in required if name != "kind")]
    return result


class _Generator(GenerateJsonSchema):
    """Writes defaults as people do, and leaves out titles that only repeat a field's name."""

    def encode_default(self, dft: object) -> JsonValue:
        return (
            duration_text(dft)
            if isinstance(dft, timedelta)
            else cast("JsonValue", super().encode_default(dft))
        )

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - of none
        return False


def _titled(body: Json) -> Json:
    return {"$schema": _DRAFT, **body}


def _put_kinds(definitions: Json, body: type[BaseModel], kinds: Mapping[str, type[Spec]]) -> None:
    """Say of a body that it is one of these kinds."""
    for kind in kinds.values():
        one = body_schema(kind)
        definitions.update(cast("Json", one.pop("$defs", {})))
        definitions[_name(body, kind)] = one
    definitions[body.__name__] = _one_of(_name(body, kind) for kind in kinds.values())


def _one_of(names: Iterable[str]) -> Json:
    return {"oneOf": [{"$ref": _REF + name} for name in names]}


def _name(body: type[BaseModel], kind: type[Spec]) -> str:
    """Kept apart from the names of models inside the bodies."""
    return f"{body.__name__.removesuffix('Body')}-{kind.model_fields['kind'].default}"


def _with_parameters(value: JsonValue, *, field: str = "") -> JsonValue:
    """A schema that takes `${name}` too where it takes a scalar, but for names of kinds."""
    if isinstance(value, list):
        return [_with_parameters(one) for one in value]
    if not isinstance(value, dict):
        return value
    inner: Json = {key: _inside(key, one) for key, one in value.items()}
    return _or_parameter(inner) if field != "kind" and _is_narrow(value) else inner


def _or_parameter(inner: Json) -> Json:
    choices = inner.pop("anyOf", None)
    about = {key: inner.pop(key) for key in sorted(_ABOUT & inner.keys())}
    known = choices if isinstance(choices, list) else [inner]
    return {**about, "anyOf": [*known, _PARAMETER]}


def _inside(key: str, value: JsonValue) -> JsonValue:
    if key in {"properties", "$defs"} and isinstance(value, dict):
        return {name: _with_parameters(one, field=name) for name, one in value.items()}
    if key in {"items", "prefixItems", "additionalProperties", "oneOf"}:
        return _with_parameters(value)
    return value


def _is_narrow(value: Json) -> bool:
    """Whether a schema is of a scalar that a parameter's text would not satisfy."""
    if "anyOf" in value or value.get("type") in _SCALARS:
        return True
    return value.get("type") == "string" and bool({"pattern", "enum", "const", "maxLength"} & value.keys())
