"""Why: bodies pass through as they come; a proxy that collects them would fall to the first endless stream.

One side of a connection as a sequence of parts: a Head, pieces of its body, an End. Reading pauses while
256 KiB or 1000 parts wait to be taken.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, cast

import httptools

from chaosctl.traffic.proxy.endings import reset

HEAD_LIMIT = 64 * 1024
HIGH_WATER = 256 * 1024
PARTS_LIMIT = 1000
HOP_BY_HOP = frozenset((b"connection", b"keep-alive", b"proxy-connection", b"te", b"upgrade", b"trailer"))
# These stay, whatever a Connection header says of them.
INDISPENSABLE = frozenset((b"content-length", b"transfer-encoding", b"host"))
LAST_CHUNK = b"0\r\n\r\n"


Headers = tuple[tuple[bytes, bytes], ...]


class Head(NamedTuple):
    """A start line without its version, headers but those that end at a hop, and how the body is framed."""

    start: bytes
    headers: Headers
    keep_alive: bool
    version: str
    chunked: bool
    sized: bool
    status: int = 0

    @property
    def is_interim(self) -> bool:
        """A 1xx response: another one follows."""
        return 0 < self.status < 200  # noqa: PLR2004  HTTP's

    @property
    def method(self) -> bytes:
        return self.start.partition(b" ")[0]


class End(NamedTuple):
    """The message is complete."""


END = End()
Part = Head | bytes | End


class Lost(Exception):
    """The other side is gone, in the middle of a message or between two."""


class Malformed(Lost):
    """What the other side says is not HTTP/1.1, or its head has no end."""


def ignore(_: "Messages") -> None:
    """Nobody needs to know."""


class Messages(asyncio.Protocol):
    """The reading and the writing of one connection, whose other side sends `requests`, or else responses."""

    def __init__(
        self,
        *,
        requests: bool,
        made: "Callable[[Messages], None]" = ignore,
        gone: "Callable[[Messages], None]" = ignore,
    ) -> None:
        self.made = made
        self.gone = gone
        self.requests = requests
        self.parser = httptools.HttpRequestParser(self) if requests else httptools.HttpResponseParser(self)
        self.parts: deque[Part] = deque()
        self.waiting = 0  # bytes in parts
        self.ends = 0  # messages that are in parts up to their end
        self.paused = False
        self.ended: Lost | None = None
        self.loop = asyncio.get_running_loop()
        self.news: asyncio.Future[None] | None = None  # somebody waits for a part
        self.writable = asyncio.Event()
        self.writable.set()
        self.start = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.head_bytes = 0
        self.state = "between"  # then "head", then "body"
        self.until_close = False

    # --- the proxy calls these

    async def next(self) -> Part:
        """The next part. Raises Lost."""
        if not self.parts:
            await self.some()
        return self.taken()

    async def some(self) -> None:
        """Wait until there is a part. Raises Lost."""
        while not self.parts:
            if self.ended is not None:
                raise self.ended
            self.news = self.loop.create_future()
            await self.news

    def taken(self) -> Part:
        """The next part, where there is one."""
        part = self.parts.popleft()
        if part is END:
            self.ends -= 1
        elif isinstance(part, bytes):
            self.waiting -= len(part)
        self.relieve()
        return part

    def relieve(self) -> None:
        """Read on, where there is room again."""
        if self.paused and not self.is_full and self.open:
            self.paused = False
            self.transport.resume_reading()

    def tell(self) -> None:
        """Wake whoever waits for a part."""
        if self.news is not None and not self.news.done():
            self.news.set_result(None)

    async def write(self, data: bytes) -> None:
        """Send, and wait while the other side is slow. Raises Lost."""
        self.put(data)
        if not self.writable.is_set():
            await self.writable.wait()

    def put(self, data: bytes) -> None:
        """Send, without waiting. Raises Lost."""
        if not self.open:
            raise Lost
        self.transport.write(data)

    @property
    def open(self) -> bool:
        return not self.transport.is_closing()

    @property
    def is_full(self) -> bool:
        return self.waiting > HIGH_WATER or len(self.parts) > PARTS_LIMIT

    @property
    def idle(self) -> bool:
        """Between two messages, with nothing waiting."""
        return self.open and self.state == "between" and not self.parts and self.ended is None

    def close(self) -> None:
        self.transport.close()

    def reset(self) -> None:
        """End with RST instead of FIN, as a crashed peer does."""
        reset(self.transport)

    # --- the transport calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's do not inherit it
        self.made(self)

    def data_received(self, data: bytes) -> None:
        if self.ended is not None:
            return
        if self.state != "body":
            self.head_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.end(Lost())  # answered without an upgrade; what follows is another protocol
        except httptools.HttpParserError:
            self.end(Malformed())
        if self.head_bytes > HEAD_LIMIT and self.state != "body":
            self.end(Malformed())
        if self.is_full and not self.paused:
            self.paused = True
            self.transport.pause_reading()
        self.tell()

    def eof_received(self) -> None:
        if self.until_close and self.state == "body":
            self.on_message_complete()
        self.end(Lost())

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  the loop's contract
        self.end(Lost())
        self.writable.set()
        self.gone(self)

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def end(self, why: Lost) -> None:
        if self.ended is None:
            self.ended = why
        self.tell()

    # --- the parser calls these

    def on_message_begin(self) -> None:
        self.state = "head"
        self.start = b""
        self.headers = []

    def on_url(self, url: bytes) -> None:
        self.start += url

    def on_status(self, reason: bytes) -> None:
        self.start += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.state = "body"
        self.head_bytes = 0
        self.parts.append(self.head())

    def on_body(self, body: bytes) -> None:
        self.parts.append(body)
        self.waiting += len(body)

    def on_message_complete(self) -> None:
        self.parts.append(END)
        self.ends += 1
        self.state = "between"

    def head(self) -> Head:
        headers, chunked, sized = passed_on(tuple(self.headers))
        self.until_close = not self.requests and not chunked and not sized
        keep_alive, version = self.parser.should_keep_alive(), self.parser.get_http_version()
        if isinstance(self.parser, httptools.HttpRequestParser):
            start = self.parser.get_method() + b" " + self.start
            return Head(start, headers, keep_alive, version, chunked, sized)
        status = self.parser.get_status_code()
        return Head(b"%d %s" % (status, self.start), headers, keep_alive, version, chunked, sized, status)


@lru_cache(maxsize=64)  # a peer repeats itself
def passed_on(headers: Headers) -> tuple[Headers, bool, bool]:
    """The headers that are not for this hop alone, and whether the body is chunked, or has a length."""
    lowered = {name.lower(): value.lower() for name, value in headers}
    named = {name.strip() for name in lowered.get(b"connection", b"").split(b",")}
    dropped = HOP_BY_HOP | (named - INDISPENSABLE)
    kept = tuple(field for field in headers if field[0].lower() not in dropped)
    return kept, b"chunked" in lowered.get(b"transfer-encoding", b""), b"content-length" in lowered


def request_bytes(head: Head) -> bytes:
    return fields(head.start + b" HTTP/1.1", head.headers)


def response_bytes(head: Head, *, close: bool) -> bytes:
    ending = ((b"connection", b"close"),) if close else ()
    return fields(b"HTTP/1.1 " + head.start, head.headers + ending)


def fields(start: bytes, headers: Headers) -> bytes:
    return start + lines(headers)


@lru_cache(maxsize=64)  # as above
def lines(headers: Headers) -> bytes:
    return b"\r\n".join([b"", *map(b": ".join, headers), b"\r\n"])


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def gather(source: Messages, *, chunked: bool) -> tuple[bytes, bool]:
    """As much of a body as is here, framed as it is sent on, and whether that is up to its end."""
    pieces: list[bytes] = []
    parts, whole = source.parts, False
    while parts and not whole:
        part = parts.popleft()
        if isinstance(part, bytes):
            source.waiting -= len(part)
            pieces.append(chunk(part) if chunked else part)
        else:
            whole = True
            source.ends -= 1
            pieces.append(LAST_CHUNK if chunked else b"")
    source.relieve()
    return b"".join(pieces), whole
