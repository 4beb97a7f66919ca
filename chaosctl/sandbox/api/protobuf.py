"""Why: kubectl ≥ 1.32 sends the bodies of its typed commands as protobuf and does not fall back to JSON.

Only requests are read, by a table of field numbers; answers are JSON, which every client accepts. The numbers
are those of the `generated.proto` files of Kubernetes. A field that the table does not name is an error, no
loss: better a refusal than an object that lacks a part.
"""

import base64
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from chaosctl.sandbox.api.errors import ApiError, bad_request
from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.protobuf_messages import MESSAGES

MAGIC = b"k8s\0"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAPS = frozenset({"map", "bytesmap", "quantitymap"})
_ZERO_IS_UNSET = frozenset({"int", "bool", "str"})  # Go writes zero values; only pointers tell 0 from unset


class _Field(NamedTuple):
    name: str
    type: str
    repeated: bool
    inlined: bool


def decode(body: bytes) -> Json:
    """The object in a Kubernetes protobuf envelope. Raises ApiError 400, 415 for what is not in the table."""
    try:
        return _decode(memoryview(body)[len(MAGIC) :])
    except (AttributeError, TypeError, ValueError) as error:  # a number where a text should be, and the like
        raise _malformed() from error


def _decode(body: memoryview) -> Json:
    envelope = _message(body, "Unknown")
    kind = envelope.get("type", {}).get("kind", "")
    if kind not in MESSAGES:
        message = f"the sandbox cannot read {kind or 'this body'} as protobuf; send JSON"
        raise ApiError(415, "UnsupportedMediaType", message)
    return {**envelope["type"], **_message(memoryview(envelope.get("raw", b"")), kind)}


@cache
def _fields(message: str) -> dict[int, _Field]:
    fields = {}
    for line in filter(None, MESSAGES[message].split("|")):
        number, name, *more = line.split()
        type_ = more[0] if more else "str"
        fields[int(number)] = _Field(name, type_.lstrip("*^"), type_[0] == "*", type_[0] == "^")
    return fields


def _message(data: memoryview, message: str) -> Json:
    known, found = _fields(message), Json()
    if not known:  # a status, which no request sets
        return found
    for number, raw in _wire(data):
        if number not in known:
            text = f"the sandbox cannot read field {number} of {message} as protobuf; send JSON"
            if _is_empty(raw):
                continue
            raise ApiError(415, "UnsupportedMediaType", text)
        _put(found, known[number], raw)
    return found


def _put(found: Json, field: _Field, raw: int | memoryview) -> None:
    if field.type in _MAPS and isinstance(raw, memoryview):
        key, value = _pair(raw, field.type)
        found.setdefault(field.name, {})[key] = value
        return
    value = _value(field, raw)
    if field.repeated:
        found.setdefault(field.name, []).append(value)
    elif field.inlined:
        found.update(value)
    elif not (value in (0, "", {}, None) and (field.type in _ZERO_IS_UNSET or value in ({}, None))):
        found[field.name] = value


def _value(field: _Field, raw: int | memoryview) -> Any:  # noqa: ANN401  # any JSON
    if isinstance(raw, int):
        return bool(raw) if field.type in {"bool", "boolpointer"} else raw
    match field.type:
        case "str":
            return bytes(raw).decode()
        case "bytes":
            return bytes(raw)
        case "time":
            return _time(raw)
        case "IntOrString":
            parts = _message(raw, "IntOrString")
            return parts.get("string", "") if parts.get("type") else parts.get("int", 0)
        case "quantity":
            return _message(raw, "Quantity").get("string", "0")
        case message:
            return _message(raw, message)


def _pair(raw: memoryview, type_: str) -> tuple[str, str]:
    parts = dict(_wire(raw))
    key, value = _data(parts.get(1)), _data(parts.get(2))
    if type_ == "bytesmap":
        return key.decode(), base64.b64encode(value).decode()
    if type_ == "quantitymap":
        return key.decode(), str(_message(memoryview(value), "Quantity").get("string", "0"))
    return key.decode(), value.decode()


def _time(raw: memoryview) -> str | None:
    from datetime import UTC, datetime  # noqa: PLC0415  # rare in requests

    seconds = dict(_wire(raw)).get(1, 0)
    if not isinstance(seconds, int) or seconds <= 0:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _data(raw: int | memoryview | None) -> bytes:
    return bytes(raw) if isinstance(raw, memoryview) else b""


def _is_empty(raw: int | memoryview) -> bool:
    """Whether it is a zero value as Go writes it, however deep: then nothing is lost by leaving it out."""
    if isinstance(raw, int):
        return raw == 0
    try:
        return all(_is_empty(value) for _, value in _wire(raw))
    except ApiError:
        return False


def _wire(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of a message: number, and a number or bytes. Raises ApiError 400 for what is cut short."""
    position = 0
    try:
        while position < len(data):
            tag, position = _varint(data, position)
            kind = tag & 7
            if kind == _VARINT:
                value, position = _varint(data, position)
                yield tag >> 3, value - ((value >> 63) << 64)
                continue
            length, position = (
                _varint(data, position) if kind == _BYTES else ({_FIXED64: 8, _FIXED32: 4}[kind], position)
            )
            yield tag >> 3, _slice(data, position, length)
            position += length
    except (IndexError, KeyError) as error:
        raise _malformed() from error


def _malformed() -> ApiError:
    return bad_request("the body is not valid protobuf")


def _slice(data: memoryview, position: int, length: int) -> memoryview:
    if position + length > len(data):
        raise IndexError(length)
    return data[position : position + length]


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:  # noqa: PLR2004  # the top bit says that more follows
            return value, position
