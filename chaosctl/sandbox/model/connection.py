"""Why: thousands of requests a second on one core, and no client that can hurt the process.

HTTP/1.1 with keep-alive and pipelining; bodies with a Content-Length or chunked. The limits: 4 MiB of body
(413), 64 KiB of head (431), 64 requests waiting on a connection (then it is read no further), 75 s without a
request (closed).
"""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import NamedTuple, Protocol, cast

import httptools

from chaosctl.sandbox.model.application import Answer, Application, error

BODY_LIMIT = 4 * 1024 * 1024
HEAD_LIMIT = 64 * 1024
PIPELINE_LIMIT = 64
IDLE_SECONDS = 75.0
FAREWELL_SECONDS = 1.0

REASONS = {status.value: status.phrase for status in HTTPStatus}


class Request(NamedTuple):
    """A whole request, and whether the connection lives on after it."""

    method: str
    path: str
    body: bytes
    keep_alive: bool
    received: float


class Server(Protocol):
    """What connections share: the application, who is connected, and whether we are on our way out."""

    application: Application
    connections: "set[Connection]"
    leaving: bool
    pod: str

    def gone(self, connection: "Connection") -> None:
        """The connection is closed."""


class Connection(asyncio.Protocol):
    """One client. Answers leave in the order of their requests, late ones included."""

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop) -> None:
        self.server = server
        self.loop = loop
        self.parser = httptools.HttpRequestParser(self)
        self.waiting: deque[Request | Answer] = deque()
        self.answering: Request | None = None
        self.closing = False
        self.path = b""
        self.body = bytearray()
        self.head_bytes = 0
        self.in_head = True
        self.timer: asyncio.TimerHandle | None = None

    # --- the transport calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's do not inherit it
        self.server.connections.add(self)
        self.wait(IDLE_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  the loop's contract
        self.server.gone(self)
        self.closing = True
        self.waiting.clear()
        if self.timer is not None:
            self.timer.cancel()

    def data_received(self, data: bytes) -> None:
        if self.closing:
            return  # the rest of a request that was refused; read so that the refusal arrives
        if self.in_head:
            self.head_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.closing = True  # answered in HTTP/1.1, as a server may; what follows is unread
        except httptools.HttpParserError as broken:
            # A refusal of ours arrives here too: the parser stops at an exception of its callbacks.
            reason = broken.__context__
            self.refuse(reason.answer if isinstance(reason, Refused) else error(400, "not an HTTP request"))
        else:
            if self.in_head and self.head_bytes > HEAD_LIMIT:
                self.refuse(error(431, f"more than {HEAD_LIMIT} bytes of head"))

    # --- the parser calls these

    def on_message_begin(self) -> None:
        self.path = b""
        self.body = bytearray()
        self.in_head = True

    def on_url(self, url: bytes) -> None:
        self.path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        lowered = name.lower()
        if lowered == b"content-length" and int(value) > BODY_LIMIT:
            raise Refused(error(413, f"more than {BODY_LIMIT} bytes of body"))
        if lowered == b"expect" and value.lower() == b"100-continue":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_headers_complete(self) -> None:
        self.in_head = False
        self.head_bytes = 0

    def on_body(self, body: bytes) -> None:
        if len(self.body) + len(body) > BODY_LIMIT:
            raise Refused(error(413, f"more than {BODY_LIMIT} bytes of body"))
        self.body += body

    def on_message_complete(self) -> None:
        self.in_head = True
        parser = self.parser
        path = self.path.partition(b"?")[0].decode("ascii", "replace")
        method = parser.get_method().decode("ascii", "replace")
        keep = parser.should_keep_alive() and not parser.should_upgrade()
        self.waiting.append(Request(method, path, bytes(self.body), keep, self.loop.time()))
        if len(self.waiting) == PIPELINE_LIMIT:
            self.transport.pause_reading()
        self.answer_next()

    # --- answering

    def answer_next(self) -> None:
        """Answer what waits, one after the other, until an answer is to be late."""
        while self.waiting and self.answering is None and not self.transport.is_closing():
            request = self.waiting.popleft()
            if isinstance(request, Answer):
                self.say_farewell(request)
                return
            answer = self.server.application.answer(request.method, request.path, request.body)
            self.answering = request
            self.server.application.metrics.in_flight += answer.counted
            if answer.delay:
                self.loop.call_later(answer.delay, self.finish_late, request, answer)
            else:
                self.finish(request, answer)

    def finish_late(self, request: Request, answer: Answer) -> None:
        self.finish(request, answer)
        self.answer_next()

    def finish(self, request: Request, answer: Answer) -> None:
        self.answering = None
        self.count(answer, request)
        if self.transport.is_closing():
            return
        keep = request.keep_alive and not self.server.leaving
        self.transport.write(self.encode(answer, keep=keep, with_body=request.method != "HEAD"))
        if not keep:
            self.transport.close()
        elif not self.closing:
            self.transport.resume_reading()
            self.wait(IDLE_SECONDS)

    def count(self, answer: Answer, request: Request) -> None:
        if answer.counted:
            metrics = self.server.application.metrics
            metrics.in_flight -= 1
            metrics.observe(answer.status, self.loop.time() - request.received)

    def encode(self, answer: Answer, *, keep: bool, with_body: bool) -> bytes:
        lines = [
            f"HTTP/1.1 {answer.status} {REASONS[answer.status]}",
            f"content-type: {answer.content_type}",
            f"content-length: {len(answer.body)}",
        ]
        if self.server.pod:
            lines.append(f"x-pod: {self.server.pod}")
        if answer.allow:
            lines.append(f"allow: {answer.allow}")
        if not keep:
            lines.append("connection: close")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + (answer.body if with_body else b"")

    # --- leaving

    def refuse(self, answer: Answer) -> None:
        """Answer after all that still waits, then end the connection: what follows cannot be understood."""
        if self.closing:
            return
        self.closing = True
        self.waiting.append(answer)
        self.answer_next()

    def say_farewell(self, answer: Answer) -> None:
        """Closing at once would reset the connection, and the client would never read why."""
        self.transport.write(self.encode(answer, keep=False, with_body=True))
        self.transport.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.wait(FAREWELL_SECONDS)

    def leave(self) -> None:
        """Close if nothing is being answered; else that answer closes."""
        if self.answering is None and not self.waiting:
            self.transport.close()

    def wait(self, seconds: float) -> None:
        """Close when nothing has happened for so long."""
        if self.timer is not None:
            self.timer.cancel()
        self.timer = self.loop.call_later(seconds, self.leave)


class Refused(Exception):
    """A request that is not worth reading to its end; it carries the answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def connections_of(server: Server, loop: asyncio.AbstractEventLoop) -> Callable[[], Connection]:
    return partial(Connection, server, loop)
