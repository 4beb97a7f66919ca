"""Why: no server, however hostile, may cost the load generator its memory or its count of requests.

One HTTP/1.1 connection, one request at a time. The limits: 64 KiB of head, 1 MiB of body; past them the
connection is ended. Whatever happens, whoever asked hears exactly once: an answer, or a class of failure.

Servers begin thousands of answers with the very same bytes. So heads that were parsed once are kept, and an
answer that comes in one piece after a known head is whole without a parser.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

import httptools

from chaosctl.streams.protocol import Head

HEAD_LIMIT = 64 * 1024
BODY_LIMIT = 1024 * 1024
FINAL = 200  # statuses below are interim: the real one follows
Piece = Callable[[bytes], None]  # hears a body while it comes; it is then left out of the answer
END = b"\r\n\r\n"
HEADS = 256  # that are remembered
HEAD_KEPT = 4096  # bytes of the longest one


class Asker(Protocol):
    """Who sends a request, and hears once what became of it."""

    def answered(self, head: Head, body: bytes) -> None:
        """The whole answer."""
        ...

    def failed(self, error: str) -> None:
        """There is none: "reset", "protocol" or "too-large"."""
        ...


class Shared:
    """What connections to one address have in common: those that live, heads, and bytes of those that ended.

    `text` is the newest known head; `head` is what it says, `start` its length, `whole` that of its answer.
    """

    def __init__(self) -> None:
        self.live: set[Connection] = set()
        self.heads: dict[bytes, Head] = {}
        self.sent_before = 0
        self.received_before = 0
        self.text = END
        self.head = Head(0, {}, 0)
        self.start = self.whole = -1

    @property
    def sent(self) -> int:
        """Bytes, on all of them."""
        return self.sent_before + sum(connection.sent for connection in self.live)

    @property
    def received(self) -> int:
        """Bytes, on all of them."""
        return self.received_before + sum(connection.received for connection in self.live)

    def forget(self, connection: "Connection") -> None:
        """It is closed."""
        self.live.discard(connection)
        self.sent_before += connection.sent
        self.received_before += connection.received

    def knows(self, data: bytes) -> bool:
        """Whether these bytes are one answer that begins with a known head, which is then the newest."""
        text = data[: data.find(END) + len(END)]
        head = self.heads.get(text)
        if head is None or len(data) != len(text) + head.length:
            return False
        self.text, self.head, self.start, self.whole = text, head, len(text), len(data)
        return True

    def learn(self, text: bytes, head: Head) -> None:
        """Remember one that leaves the connection open and says how long its body is."""
        if len(text) > HEAD_KEPT:
            return
        if len(self.heads) >= HEADS:
            self.heads.clear()  # dates change: the newest come again at once, the oldest never
        self.heads[text] = head


Idle = Callable[["Connection"], None]


class TooLarge(Exception):
    """The body is longer than the limit."""


class Unasked(Exception):
    """Another answer follows the one that was asked for."""


class Connection(asyncio.Protocol):
    """A client's connection. `idle` is called whenever it can take another request."""

    __slots__ = ("asked", "asker", "between", "born", "idle", "piece", "reader", "received", "sent",
                 "shared", "transport", "usable")  # fmt: skip

    def __init__(self, born: float, shared: Shared, idle: "Idle | None" = None) -> None:
        self.born = born
        self.shared = shared
        self.idle = idle
        self.asked = 0
        self.sent = 0  # bytes
        self.received = 0
        self.usable = True  # it is open, as far as we heard
        self.between = True  # the next byte begins an answer
        self.asker: Asker | None = None
        self.piece: Piece | None = None
        self.reader: Reader | None = None

    def ask(self, payload: bytes, asker: Asker, piece: Piece | None = None) -> None:
        """Send a request on an open connection, and let the asker hear what comes of it.

        `piece` gets the body as it comes.
        """
        self.asked += 1
        self.asker = asker
        self.piece = piece
        self.sent += len(payload)
        self.transport.write(payload)

    def abandon(self) -> None:
        """Nobody wants to hear any more."""
        self.asker = None
        self.usable = False
        self.transport.abort()

    @property
    def open(self) -> bool:
        return not self.transport.is_closing()

    # --- the transport calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's do not inherit it
        self.shared.live.add(self)

    def data_received(self, data: bytes) -> None:
        asker, shared = self.asker, self.shared
        if asker is None:
            self.transport.abort()  # nobody asked
            return
        self.received += len(data)
        again = self.between and self.piece is None
        if again and ((len(data) == shared.whole and data.startswith(shared.text)) or shared.knows(data)):
            self.asker = None
            asker.answered(shared.head, data[shared.start :])
            self.rest()
        else:
            self.parse(data)

    def connection_lost(self, exc: Exception | None) -> None:
        # Without a length, the end of the connection is the end of the body.
        ended = self.reader.ended() if self.reader is not None and exc is None else None
        if ended is not None:
            self.finish(*ended, keep=False)
        self.usable = False
        self.shared.forget(self)
        self.fail("reset")

    # --- how

    def parse(self, data: bytes) -> None:
        if self.reader is None:
            self.reader = Reader(self.shared)
        error = self.reader.feed(data, self.piece)
        self.between = self.reader.answer is not None
        if error:
            self.fail(error)
            self.transport.abort()
        elif self.reader.answer is not None:
            self.finish(*self.reader.answer, keep=self.reader.keep)

    def finish(self, head: Head, body: bytes, *, keep: bool) -> None:
        asker, self.asker = self.asker, None
        if not keep:
            self.usable = False
            self.transport.close()
        if asker is not None:
            asker.answered(head, body)
        self.rest()

    def rest(self) -> None:
        """Offer it to others, unless it has been asked again."""
        if self.idle is not None and self.usable and self.asker is None:
            self.idle(self)

    def fail(self, error: str) -> None:
        asker, self.asker = self.asker, None
        if asker is not None:
            asker.failed(error)


class Reader:
    """Parses what is no repetition, for one connection, one answer after the other."""

    __slots__ = ("answer", "body", "data", "head_bytes", "headers", "in_head", "keep", "parser", "piece",
                 "shared", "taken")  # fmt: skip

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.parser = httptools.HttpResponseParser(self)
        self.answer: tuple[Head, bytes] | None = None  # once it is whole
        self.keep = False  # whether the connection can take another request after it
        self.piece: Piece | None = None
        self.data = b""  # all since the last answer, while it is one piece
        self.start()

    def start(self) -> None:
        """Nothing of the answer has come."""
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.taken = 0  # bytes of the body
        self.in_head = True
        self.head_bytes = 0

    def feed(self, data: bytes, piece: Piece | None) -> str:
        """Read on; what is wrong with it, or nothing."""
        self.data = data if not self.head_bytes and self.in_head else b""
        self.answer, self.piece = None, piece
        self.head_bytes += len(data) if self.in_head else 0
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as broken:
            self.keep = False
            if self.answer is None:  # else it is what follows the answer that is wrong
                return "too-large" if isinstance(broken.__context__, TooLarge) else "protocol"
        return "too-large" if self.in_head and self.head_bytes > HEAD_LIMIT else ""

    def ended(self) -> tuple[Head, bytes] | None:
        """The answer that the end of its connection completes: nothing else says where it ends."""
        if self.in_head or "content-length" in self.headers or "transfer-encoding" in self.headers:
            return None
        return self.head(), bytes(self.body)

    def head(self) -> Head:
        return Head(self.parser.get_status_code(), self.headers, self.taken)

    # --- the parser calls these

    def on_message_begin(self) -> None:
        if self.answer is not None:
            raise Unasked

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.in_head = False

    def on_body(self, body: bytes) -> None:
        self.taken += len(body)
        if self.taken > BODY_LIMIT:
            raise TooLarge
        if self.piece is None:
            self.body += body
        else:
            self.piece(body)

    def on_message_complete(self) -> None:
        if self.parser.get_status_code() >= FINAL:
            self.answer = self.head(), bytes(self.body)
            self.keep = self.parser.should_keep_alive()
            self.learn(self.answer[0])
        self.start()

    def learn(self, head: Head) -> None:
        """Know the head again, where the answer came in one piece, and its length does not depend on it."""
        start = self.data.find(END) + len(END)
        if self.keep and "content-length" in self.headers and len(self.data) == start + head.length:
            self.shared.learn(self.data[:start], head)
