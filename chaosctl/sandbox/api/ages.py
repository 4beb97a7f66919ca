"""Why: kubectl shows how old things are in a notation of its own, and the server writes it."""

from datetime import UTC, datetime

UNKNOWN = "<unknown>"


def ago(moment: str | None, now: datetime | None = None) -> str:
    """How long ago a timestamp is, as kubectl writes it: `45s`, `3m20s`, `5h`, `2d`."""
    if not moment:
        return UNKNOWN
    return span(((now or datetime.now(UTC)) - datetime.fromisoformat(moment)).total_seconds())


def span(seconds: float) -> str:
    """A duration as kubectl writes it: two units where the larger one is small."""
    whole = int(seconds)
    if whole < 0:
        return "0s"
    for limit, unit, size, below, small in _SPANS:
        if whole < limit:
            rest = whole % size // small if small else 0
            return f"{whole // size}{unit}" + (f"{rest}{below}" if rest else "")
    years, days = divmod(whole // 86400, 365)
    return f"{years}y" + (f"{days}d" if days and years < 8 else "")  # noqa: PLR2004  # as kubectl does


_SPANS = (
    (120, "s", 1, "", 0),
    (600, "m", 60, "s", 1),
    (3 * 3600, "m", 60, "", 0),
    (8 * 3600, "h", 3600, "m", 60),
    (48 * 3600, "h", 3600, "", 0),
    (8 * 86400, "d", 86400, "h", 3600),
    (2 * 365 * 86400, "d", 86400, "", 0),
)
