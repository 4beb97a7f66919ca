"""Why: a real server stores no empty list or map without need, and undo looks for what is absent."""

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, get_args, get_origin

from chaosctl.sandbox.api.objects import Json

if TYPE_CHECKING:
    from pydantic import BaseModel


_MEANS_SOMETHING = "managedFields"  # whoever sends an empty list of them takes all names off


class _Member(NamedTuple):
    """How a member of a kind is written: whether it goes when it is empty, and of which kind it is made."""

    goes: bool
    made_of: "type[BaseModel] | None"


def omit_empty(kind: "type[BaseModel]", body: Json) -> None:
    """Remove empty lists and maps that the kind need not have, at every depth."""
    for name, member in _members(kind).items():
        value = body.get(name)
        if member.goes and value in ([], {}):
            del body[name]
        elif member.made_of is not None:
            for inner in _objects(value, member):
                omit_empty(member.made_of, inner)


def _objects(value: Any, member: _Member) -> Iterator[Json]:  # noqa: ANN401  # any JSON
    items = value if isinstance(value, list) else [value]
    if isinstance(value, dict) and member.goes:
        items = list(value.values())
    yield from (item for item in items if isinstance(item, dict))


@lru_cache(maxsize=1024)
def _members(kind: "type[BaseModel]") -> dict[str, _Member]:
    found = {}
    for attribute, field in kind.model_fields.items():
        member = _member(field.annotation, required=field.is_required())
        name = field.serialization_alias or attribute
        if name != _MEANS_SOMETHING and (member.goes or member.made_of is not None):
            found[name] = member
    return found


# A map of anything is what the models have for an object whose members they do not know; it stays.
def _member(annotation: Any, *, required: bool) -> _Member:  # noqa: ANN401  # any type
    parts = list(_parts(annotation))
    holds = any(get_origin(part) in {list, dict} and Any not in get_args(part) for part in parts)
    made_of = next((part for part in parts if hasattr(part, "attribute_map")), None)
    return _Member(holds and not required, made_of)


def _parts(annotation: Any) -> Iterator[Any]:  # noqa: ANN401  # any type
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)
