"""Why: the API server stores quantities in canonical form, and JSON Patch tests meet what is stored."""

from collections.abc import Iterator, Mapping
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from chaosctl.sandbox.api.errors import undecodable
from chaosctl.sandbox.api.objects import Json, containers, dig, pod_spec

_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -3, "u": -2, "m": -1, "": 0, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_EXPONENTS = {"e-3": -1, "": 0, **{f"e{3 * power}": power for power in range(1, 7)}}
_GRAMMAR = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
_FINEST = Decimal("0.001")  # what is finer is rounded up
_PLACES = (
    "status.capacity", "status.allocatable", "spec.hard", "spec.capacity", "spec.resources.requests",
    "spec.resources.limits",
)  # fmt: skip


def normalise(kind: str, body: Json) -> None:
    """Put every quantity into canonical form. Raises ApiError 400 for what is none."""
    for amounts in _all(kind, body):
        for name, written in amounts.items():
            amounts[name] = canonical(str(written))
            if amounts[name] is None:
                why = "quantities must match the regular expression"
                raise undecodable(str(body.get("apiVersion", "v1")), kind, f"{why} '{_GRAMMAR}'")


def _all(kind: str, body: Json) -> Iterator[Json]:
    """The maps of an object that hold quantities."""
    found: list[Any] = []
    if spec := pod_spec(kind, body):
        resources = [container.get("resources") or {} for container in containers(spec)]
        found = [each.get(field) for each in resources for field in ("requests", "limits")]
    if kind in {"Node", "ResourceQuota", "PersistentVolume", "PersistentVolumeClaim"}:
        found += [dig(body, place) for place in _PLACES]
    yield from (each for each in found if isinstance(each, dict))


@lru_cache(maxsize=4096)
def canonical(text: str) -> str | None:
    """A quantity as the API server writes it (`0.5` is `500m`, `1024Mi` is `1Gi`), or None if it is none."""
    parsed = _parse(text)
    if parsed is None:
        return None
    value, suffixes = parsed
    if suffixes is _BINARY and value == value.to_integral_value() and abs(value) >= 1:
        return _scaled(value, _BINARY, 1024) or str(int(value))
    value = value.quantize(_FINEST, ROUND_CEILING)
    return _scaled(value, _DECIMAL if suffixes is _BINARY else suffixes, 1000) or "0"


def in_canonical_form(resource: str, value: Decimal) -> str:
    """An amount of a resource as the API server writes it: bytes in powers of two where that is whole."""
    binary = resource.endswith(("memory", "storage")) and value == value.to_integral_value() and value >= 1
    found = _scaled(value, _BINARY, 1024) if binary else None
    return found or _scaled(value, _DECIMAL, 1000) or "0"


def amount(text: str) -> Decimal | None:
    """The value of a quantity, or None if it is none."""
    parsed = _parse(text)
    return parsed[0] if parsed else None


def _parse(text: str) -> tuple[Decimal, Mapping[str, int]] | None:
    """The value, and the suffixes in which it is written."""
    number = text.rstrip("KMGTPEinumk")
    suffix = text[len(number) :]
    try:
        if suffix in _BINARY:
            return Decimal(number) * 1024 ** _BINARY[suffix], _BINARY
        exponent = "e" in number.lower()
        return Decimal(number) * Decimal(1000) ** _DECIMAL[suffix], _EXPONENTS if exponent else _DECIMAL
    except (InvalidOperation, KeyError):
        return None


def _scaled(value: Decimal, suffixes: Mapping[str, int], base: int) -> str | None:
    """The number with the largest suffix that leaves it whole."""
    for suffix, power in sorted(suffixes.items(), key=lambda pair: -pair[1]):
        scaled = value / Decimal(base) ** power
        if scaled == scaled.to_integral_value() and scaled:
            return f"{int(scaled)}{suffix}"
    return None
