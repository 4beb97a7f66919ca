"""Why: the API server stores quantities in canonical form, and JSON Patch tests meet what is stored."""

from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from chaosctl.sandbox.api.objects import Json, containers, dig, pod_spec

_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -3, "u": -2, "m": -1, "": 0, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_PLACES = (
    "status.capacity", "status.allocatable", "spec.hard", "spec.capacity", "spec.resources.requests",
    "spec.resources.limits",
)  # fmt: skip


def normalise(kind: str, body: Json) -> None:
    """Put every quantity into canonical form. What is none stays, for validation to refuse."""
    if spec := pod_spec(kind, body):
        for container in containers(spec):
            for field in ("requests", "limits"):
                _normalise_all((container.get("resources") or {}).get(field))
    if kind in {"Node", "ResourceQuota", "PersistentVolume", "PersistentVolumeClaim"}:
        for place in _PLACES:
            _normalise_all(dig(body, place))


def _normalise_all(amounts: Any) -> None:  # noqa: ANN401  # a client may have sent anything
    if isinstance(amounts, dict):
        for name, amount in amounts.items():
            amounts[name] = canonical(str(amount)) or amount


@lru_cache(maxsize=4096)
def canonical(text: str) -> str | None:
    """A quantity as the API server writes it (`0.5` is `500m`, `1024Mi` is `1Gi`), or None if it is none."""
    parsed = _parse(text)
    if parsed is None:
        return None
    value, binary = parsed
    if binary and value == value.to_integral_value() and abs(value) >= 1:
        return _scaled(value, _BINARY, 1024) or str(int(value))
    return _scaled(value, _DECIMAL, 1000) or "0"


def in_canonical_form(resource: str, value: Decimal) -> str:
    """An amount of a resource as the API server writes it: bytes in powers of two where that is whole."""
    binary = resource.endswith(("memory", "storage")) and value == value.to_integral_value() and value >= 1
    found = _scaled(value, _BINARY, 1024) if binary else None
    return found or _scaled(value, _DECIMAL, 1000) or "0"


def amount(text: str) -> Decimal | None:
    """The value of a quantity, or None if it is none."""
    parsed = _parse(text)
    return parsed[0] if parsed else None


def _parse(text: str) -> tuple[Decimal, bool] | None:
    number = text.rstrip("KMGTPEinumk")
    suffix = text[len(number) :]
    try:
        if suffix in _BINARY:
            return Decimal(number) * 1024 ** _BINARY[suffix], True
        return Decimal(number) * Decimal(1000) ** _DECIMAL[suffix], False
    except (InvalidOperation, KeyError):
        return None


def _scaled(value: Decimal, suffixes: dict[str, int], base: int) -> str | None:
    """The number with the largest suffix that leaves it whole."""
    for suffix, power in sorted(suffixes.items(), key=lambda pair: -pair[1]):
        scaled = value / Decimal(base) ** power
        if scaled == scaled.to_integral_value() and scaled:
            return f"{int(scaled)}{suffix}"
    return None
