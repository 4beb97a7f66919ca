"""Why: a model says that a value is wrong; whoever wrote it needs the line, the reason and the way out."""

import re
from collections.abc import Iterator
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import ErrorDetails

from chaosctl.spec.amounts import show_duration
from chaosctl.spec.places import Source
from chaosctl.spec.problems import Path, Problem, did_you_mean, nearest

_EXPECTED = MappingProxyType(
    {
        "model_type": "a mapping of fields",
        "model_attributes_type": "a mapping of fields",
        "dict_type": "a mapping of names",
        "tuple_type": "a list",
        "list_type": "a list",
        "int_parsing": "a whole number",
        "int_type": "a whole number",
        "int_from_float": "a whole number",
        "float_parsing": "a number",
        "float_type": "a number",
        "bool_parsing": "true or false",
        "bool_type": "true or false",
    }
)
_TIMEDELTA_PART = re.compile(r"(days|seconds|microseconds)=([0-9]+)")
_LIMITS = MappingProxyType(
    {
        "greater_than": ("more than", "gt"),
        "greater_than_equal": ("at least", "ge"),
        "less_than": ("less than", "lt"),
        "less_than_equal": ("at most", "le"),
    }
)


def problems_of(
    error: ValidationError, model: type[BaseModel], source: Source, tree: JsonValue, prefix: Path = ()
) -> Iterator[Problem]:
    """Everything that `model` found wrong with `tree`, which stands at `prefix` of the source."""
    found = error.errors(include_url=False)
    misspelt = {_meant(model, one) for one in found if one["type"] == "extra_forbidden"}
    for details in found:
        if not _follows(details) and (details["type"] != "missing" or details["loc"] not in misspelt):
            yield _problem(details, model, source, tree, prefix)


def fields_of(model: type[BaseModel]) -> tuple[str, ...]:
    """The names that people write for a model's fields."""
    return tuple(info.alias or name for name, info in model.model_fields.items())


def _problem(
    details: ErrorDetails, model: type[BaseModel], source: Source, tree: JsonValue, prefix: Path
) -> Problem:
    kind, path = details["type"], _in_tree(tree, details["loc"], missing=details["type"] == "missing")
    whole = (*prefix, *path)
    if kind == "extra_forbidden":
        known = set(_known(model, details["loc"][:-1]))
        return source.problem(whole, "unknown field", did_you_mean(str(path[-1]), known), key=True)
    if kind == "missing":
        return source.problem(whole, "missing", "this field is required", key=True)
    if kind in {"union_tag_not_found", "union_tag_invalid"}:
        return _of_a_union(details, source, whole)
    if kind == "string_type":
        return _not_a_text(details, source, whole)
    return source.problem(whole, _message(details), _hint(details), key="[key]" in details["loc"])


def _follows(details: ErrorDetails) -> bool:
    """Whether a list is called too short only because of elements that are wrong themselves."""
    return details["type"] == "too_short" and bool(details["input"])


def _meant(model: type[BaseModel], unknown: ErrorDetails) -> tuple[int | str, ...]:
    """The location of the field that an unknown one was meant to be."""
    *parent, name = unknown["loc"]
    return (*parent, nearest(str(name), set(_known(model, tuple(parent)))) or "")


def _of_a_union(details: ErrorDetails, source: Source, path: Path) -> Problem:
    context = details.get("ctx", {})
    known = str(context.get("expected_tags", "")).replace("'", "").split(", ")
    field = str(context.get("discriminator", "kind")).strip("'")
    tag = str(context.get("tag", ""))
    if not tag:
        return source.problem((*path, field), "missing", "this field is required", key=True)
    return source.problem((*path, field), f'unknown {field} "{tag}"', did_you_mean(tag, filter(None, known)))


def _not_a_text(details: ErrorDetails, source: Source, path: Path) -> Problem:
    value, written = details["input"], source.plain.get(path)
    if written and isinstance(value, bool | int | float):
        kind = f"{value}".lower() if isinstance(value, bool) else "a number"
        return source.problem(path, f"{written} is read as {kind}, not as text", f'quote it: "{written}"')
    return source.problem(path, "nothing where text should be" if value is None else "should be text")


def _message(details: ErrorDetails) -> str:
    kind, context = details["type"], details.get("ctx", {})
    if kind in _EXPECTED:
        return f"should be {_EXPECTED[kind]}"
    if kind == "value_error":
        return str(context["error"])
    if kind in {"literal_error", "enum"}:
        return f'unknown value "{str(details["input"])[:40]}"'
    if kind == "string_pattern_mismatch":
        return f'"{str(details["input"])[:40]}" is not allowed here'
    if kind in _LIMITS:
        word, name = _LIMITS[kind]
        return f"should be {word} {_limit(context[name])}"
    if kind in {"too_short", "string_too_short"}:
        return "is empty"
    text = details["msg"].removeprefix("Input ")
    return text[:1].lower() + text[1:]


def _limit(value: object) -> str:
    """Pydantic tells a limit that is a timedelta by its representation."""
    text = str(value)
    if not text.startswith("datetime.timedelta"):
        return text
    return show_duration(timedelta(**{unit: int(number) for unit, number in _TIMEDELTA_PART.findall(text)}))


def _hint(details: ErrorDetails) -> str:
    context = details.get("ctx", {})
    if details["type"] in {"literal_error", "enum"}:
        known = str(context["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
        return did_you_mean(str(details["input"]), known)
    if details["type"] == "string_pattern_mismatch":
        return _in_words(str(context["pattern"]))
    return ""


def _in_words(pattern: str) -> str:
    if pattern.startswith("^[a-z0-9]"):
        return 'lower-case letters, digits and "-", as Kubernetes names things'
    if pattern.startswith("^[A-Za-z]"):
        return 'a letter, then letters, digits, "-" and "_"'
    return f"it must match {pattern}"


def _in_tree(tree: JsonValue, location: tuple[int | str, ...], *, missing: bool) -> Path:
    """A location without the names of union members that pydantic puts in between.

    `missing`: its last part is not there, and is wanted all the same.
    """
    path: list[int | str] = []
    for index, key in enumerate(location):
        if isinstance(tree, dict) and key in tree:
            tree = tree[str(key)]
        elif isinstance(tree, list) and isinstance(key, int) and key < len(tree):
            tree = tree[key]
        elif not missing or index < len(location) - 1:
            continue
        path.append(key)
    return tuple(path)


def _known(model: type[BaseModel], location: tuple[int | str, ...]) -> Iterator[str]:
    """The fields that could stand at a location."""
    models = {model}
    for key in location:
        inside = {found for one in models for found in _field_models(one, key)}
        models = inside or {one for one in models if key in _tags(one)} or models
    for one in models:
        yield from fields_of(one)


def _field_models(model: type[BaseModel], key: int | str) -> Iterator[type[BaseModel]]:
    for name, info in model.model_fields.items():
        if key in {name, info.alias}:
            yield from _models(info.annotation)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - annotations have no type
    """Every model inside an annotation: of a list's elements, a mapping's values, a union's members."""
    if isinstance(annotation, type) and get_origin(annotation) is None and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _tags(model: type[BaseModel]) -> Iterator[object]:
    yield model.__name__
    for info in model.model_fields.values():
        if get_origin(info.annotation) is Literal:
            yield from get_args(info.annotation)
