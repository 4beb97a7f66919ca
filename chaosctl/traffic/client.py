"""Why: no server, however hostile, may cost the load generator its memory or its count of requests.

One HTTP/1.1 connection, one request at a time. The limits: 64 KiB of head, 1 MiB of body; past them the
connection is ended. Whatever happens, whoever asked hears exactly once: a response, or a class of failure.
"""

import asyncio
from collections.abc import Callable
from typing import cast

import httptools

from chaosctl.streams.protocol import HttpResponse

HEAD_LIMIT = 64 * 1024
BODY_LIMIT = 1024 * 1024
FINAL = 200  # statuses below are interim: the real one follows

Heard = Callable[[HttpResponse | str], None]


class TooLarge(Exception):
    """The body is longer than the limit."""


class Connection(asyncio.Protocol):
    """A client's connection. `idle` is called whenever it can take another request."""

    def __init__(self, now: Callable[[], float], idle: "Callable[[Connection], None]") -> None:
        self.born = now()
        self.asked = 0
        self.idle = idle
        self.heard: Heard | None = None
        self.parser = httptools.HttpResponseParser(self)
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.head_bytes = 0
        self.in_head = True

    def ask(self, payload: bytes, heard: Heard) -> None:
        """Send a request; `heard` gets the response, or "reset", "protocol" or "too-large"."""
        self.asked += 1
        self.heard = heard
        if self.open:
            self.transport.write(payload)
        else:
            self.tell("reset")

    def abandon(self) -> None:
        """Nobody wants to hear any more."""
        self.heard = None
        self.transport.abort()

    @property
    def open(self) -> bool:
        return not self.transport.is_closing()

    # --- the transport calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's do not inherit it

    def data_received(self, data: bytes) -> None:
        if self.heard is None:
            self.transport.abort()  # nobody asked
            return
        self.head_bytes += len(data) if self.in_head else 0
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as broken:
            self.tell("too-large" if isinstance(broken.__context__, TooLarge) else "protocol")
            self.transport.abort()
        else:
            if self.in_head and self.head_bytes > HEAD_LIMIT:
                self.tell("too-large")
                self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        # Without a length, the end of the connection is the end of the body.
        if exc is None and not self.in_head and not self.is_framed():
            self.tell(self.response())
        self.tell("reset")

    # --- the parser calls these

    def on_message_begin(self) -> None:
        self.headers = {}
        self.body = bytearray()
        self.in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.in_head = False
        self.head_bytes = 0

    def on_body(self, body: bytes) -> None:
        if len(self.body) + len(body) > BODY_LIMIT:
            raise TooLarge
        self.body += body

    def on_message_complete(self) -> None:
        self.in_head = True
        if self.parser.get_status_code() < FINAL:
            return
        keep = self.parser.should_keep_alive() and self.heard is not None
        self.tell(self.response())
        if keep and self.open:
            self.idle(self)
        else:
            self.transport.close()

    # --- how

    def is_framed(self) -> bool:
        return "content-length" in self.headers or "transfer-encoding" in self.headers

    def response(self) -> HttpResponse:
        return HttpResponse(self.parser.get_status_code(), self.headers, bytes(self.body))

    def tell(self, outcome: HttpResponse | str) -> None:
        heard, self.heard = self.heard, None
        if heard is not None:
            heard(outcome)
