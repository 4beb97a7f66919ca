"""Why: bytes that go out thousands of times are made once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from chaosctl.streams.corpus import Row
from chaosctl.streams.protocol import HttpRequest

KEPT = 10_000  # requests that are made once; of more rows, those after are made each time


class Outgoing(NamedTuple):
    """A request as it leaves, and the row that it asks about."""

    payload: bytes
    row: Row


NOTHING = Outgoing(b"", Row("", (), None))


def encode(request: HttpRequest, authority: str, prefix: str, headers: Mapping[str, str]) -> bytes:
    """As HTTP/1.1 has it; a body always says its length."""
    lines = [
        f"{request.method} {prefix}{request.path} HTTP/1.1",
        f"host: {authority}",
        "user-agent: chaosctl",
        *(f"{name}: {value}" for name, value in request.headers),
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    if request.body or request.method not in ("GET", "HEAD", "DELETE", "OPTIONS"):
        lines.append(f"content-length: {len(request.body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + request.body


def outgoing(rows: Iterable[Row], encoded: Callable[[Row], bytes]) -> Iterator[Outgoing]:
    """A request for each row."""
    made: dict[int, Outgoing] = {}  # by the identity of their rows, which they keep alive
    for row in rows:
        found = made.get(id(row))
        if found is None:
            found = Outgoing(encoded(row), row)
            if len(made) < KEPT:
                made[id(row)] = found
        yield found
