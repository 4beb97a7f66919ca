"""Why: a changed body must still be good HTTP: a client may doubt the model, never the wire."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from chaosctl.traffic.proxy.faults import Body
from chaosctl.traffic.proxy.messages import Head

FLIPPED = bytes(byte ^ 0xFF for byte in range(256))


class Change(ABC):
    """What becomes of one body, piece by piece. `bit` is called once, when something of it is changed."""

    def __init__(self, body: Body, bit: Callable[[], None]) -> None:
        self.body = body
        self.seen = 0  # bytes that came
        self.bit: Callable[[], None] | None = bit

    def hurt(self) -> None:
        if self.bit is not None:
            self.bit()
            self.bit = None

    def head(self, head: Head) -> Head:
        """The head that goes with it."""
        return head

    @abstractmethod
    def piece(self, data: bytes) -> bytes:
        """What is sent for the next piece."""

    def last(self) -> bytes:
        """What is sent at the end."""
        return b""


class Replaced(Change):
    """Another body."""

    def head(self, head: Head) -> Head:
        kept = without(head, b"transfer-encoding", b"content-encoding", b"content-length")
        length = (b"content-length", b"%d" % len(self.last()))
        return head._replace(headers=(*kept, length), chunked=False, sized=True)

    def piece(self, data: bytes) -> bytes:  # noqa: ARG002  none of it is sent
        return b""

    def last(self) -> bytes:
        self.hurt()
        return self.body.text.encode()


class Corrupted(Change):
    """All bits of some bytes are flipped."""

    def piece(self, data: bytes) -> bytes:
        changed = bytearray(data)
        first = -self.seen % self.body.every
        chosen = slice(first, None, self.body.every)
        changed[chosen] = changed[chosen].translate(FLIPPED)
        self.seen += len(data)
        if first < len(data):
            self.hurt()
        return bytes(changed)


class Truncated(Change):
    """The end is missing."""

    def head(self, head: Head) -> Head:
        return head._replace(headers=tuple(map(self.field, head.headers)))

    def field(self, field: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
        name, value = field
        return (
            (name, b"%d" % min(int(value), self.body.bytes)) if name.lower() == b"content-length" else field
        )

    def piece(self, data: bytes) -> bytes:
        kept = data[: max(0, self.body.bytes - self.seen)]
        self.seen += len(data)
        if len(kept) < len(data):
            self.hurt()
        return kept


CHANGES: dict[str, type[Change]] = {"replace": Replaced, "corrupt": Corrupted, "truncate": Truncated}


def without(head: Head, *names: bytes) -> tuple[tuple[bytes, bytes], ...]:
    return tuple(field for field in head.headers if field[0].lower() not in names)
