"""Why: a refusal lists what is wrong, each with its field, its reason and one sentence of a fixed form."""

import json
from collections.abc import Sequence

Cause = tuple[str, str, str]  # field, reason, message


def required(field: str, message: str = "") -> Cause:
    return field, "FieldValueRequired", f"Required value: {message}" if message else "Required value"


def wrong(field: str, value: object, message: str) -> Cause:
    return field, "FieldValueInvalid", f"Invalid value: {_shown(value)}: {message}"


def one_of(field: str, value: object, choices: Sequence[str]) -> Cause:
    listed = ", ".join(f'"{each}"' for each in choices)
    return (
        field,
        "FieldValueNotSupported",
        f"Unsupported value: {_shown(value)}: supported values: {listed}",
    )


def forbidden(field: str, message: str) -> Cause:
    return field, "FieldValueForbidden", f"Forbidden: {message}"


def duplicate(field: str, value: object) -> Cause:
    return field, "FieldValueDuplicate", f"Duplicate value: {_shown(value)}"


def not_found(field: str, value: object) -> Cause:
    return field, "FieldValueNotFound", f"Not found: {_shown(value)}"


def too_long(field: str, most: int) -> Cause:
    return field, "FieldValueTooLong", f"Too long: may not be more than {most} bytes"


def _shown(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
