"""Why: every page shows tables and fields in the same way."""

import inspect
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter

from chaosctl.spec.amounts import duration_text

Schema = Mapping[str, Any]
NOTE = "<!-- Written by docs/generate.py; change the code, then run: make docs -->"


def page(title: str, *parts: str) -> str:
    """A whole page."""
    return "\n\n".join([f"# {title}", NOTE, *(part.strip("\n") for part in parts if part)]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def code(text: str, language: str = "") -> str:
    return f"```{language}\n{text.strip()}\n```"


def about(thing: object) -> str:
    """A docstring, as a paragraph or several; "" where there is none."""
    return inspect.cleandoc(thing.__doc__) if thing.__doc__ else ""


def why(module: object) -> str:
    """The reason that a module gives for itself: its docstring's first paragraph."""
    return " ".join(about(module).split("\n\n")[0].split()).removeprefix("Why: ")


def fields(schema: Schema, definitions: Schema, *, but: Sequence[str] = ()) -> str:
    """The table of an object's fields, from its JSON Schema."""
    required = schema.get("required", ())
    rows = [
        (
            f"`{name}`",
            kind_of(body, definitions),
            _default(name in required, body),
            body.get("description", ""),
        )
        for name, body in schema.get("properties", {}).items()
        if name not in but
    ]
    return table(("field", "what", "default", ""), rows) if rows else "It has no fields."


def kind_of(body: Schema, definitions: Schema) -> str:
    """What may be written for a value, in words."""
    if "$ref" in body:
        return _reference(body["$ref"].rpartition("/")[2], definitions)
    if "examples" in body:
        return "like " + ", ".join(f"`{_text(one)}`" for one in body["examples"])
    choices = [one for one in body.get("anyOf", body.get("oneOf", ())) if not _is_beside(one)]
    if choices:
        return " or ".join(dict.fromkeys(kind_of(one, definitions) for one in choices))
    return _simple(body, definitions)


def _reference(name: str, definitions: Schema) -> str:
    """A link to an object's own table; whatever else it is, is said at once."""
    has_table = "properties" in definitions[name] or name.endswith("Body")
    return f"[{name}](#{name.lower()})" if has_table else kind_of(definitions[name], definitions)


def _simple(body: Schema, definitions: Schema) -> str:
    if "const" in body or "enum" in body:
        return ", ".join(f"`{one}`" for one in body.get("enum", [body.get("const")]))
    if body.get("type") == "array":
        return f"list of {kind_of(body.get('items', {}), definitions)}"
    if body.get("type") == "object":
        values = [*body.get("patternProperties", {}).values(), body.get("additionalProperties")]
        return f"name to {kind_of(values[0] or {}, definitions)}"
    names = {"string": "text", "integer": "whole number", "boolean": "true or false", None: "any value"}
    kinds = body.get("type") if isinstance(body.get("type"), list) else [body.get("type")]
    return " or ".join(names.get(kind, str(kind)) for kind in kinds) + "".join(_limits(body))


def _limits(body: Schema) -> Iterator[str]:
    words = {"minimum": "≥", "maximum": "≤", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}
    words |= {"maxLength": "characters ≤"}
    yield from (f", {word} {body[key]}" for key, word in words.items() if key in body)


def _is_beside(choice: Schema) -> bool:
    """Null is what a default says; a parameter may stand anywhere, which the page says once."""
    return choice.get("type") == "null" or "\\$\\{" in str(choice.get("pattern", ""))


def _default(required: bool, body: Schema) -> str:  # noqa: FBT001 - said once, in a table's row
    if required:
        return "**required**"
    value = body.get("default")
    return (
        ""
        if value in (None, "", []) or (isinstance(value, dict) and len(value) != 1)
        else f"`{_text(value)}`"
    )


def _text(value: object) -> str:
    if isinstance(value, str) and value.startswith("PT"):  # pydantic's way to write a duration
        return duration_text(TypeAdapter(timedelta).validate_python(value))
    return value if isinstance(value, str) else json.dumps(value)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
