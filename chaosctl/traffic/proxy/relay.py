"""Why: between two faults a client must not be able to tell that there is a proxy.

One client connection has at most one upstream connection, so that a Service balances as it would without us.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus

from chaosctl.traffic.proxy.faults import Harm, Switchboard
from chaosctl.traffic.proxy.messages import (
    LAST_CHUNK,
    End,
    Head,
    Lost,
    Malformed,
    Messages,
    Part,
    chunk,
    request_bytes,
    response_bytes,
)

DISCARD_SECONDS = 1.0

Connect = Callable[[], Awaitable[Messages]]


class Tally:
    """What a relay did, over all connections."""

    def __init__(self) -> None:
        self.requests = 0
        self.passed = 0
        self.failed = 0
        self.in_flight = 0
        self.connections = 0
        self.draining = False


class Relay:
    """One client: passes on its requests, one after the other, and the answers back."""

    def __init__(self, client: Messages, connect: Connect, switchboard: Switchboard, tally: Tally) -> None:
        self.client = client
        self.connect = connect
        self.switchboard = switchboard
        self.tally = tally
        self.upstream: Messages | None = None
        self.busy = False

    async def run(self) -> None:
        """Until either side ends it."""
        try:
            while await self.one_request():
                pass
        except Malformed:
            await self.refuse_malformed()
        except Lost:
            self.client.close()
        finally:
            self.client.close()
            self.drop_upstream()

    async def one_request(self) -> bool:
        """Whether the connection may carry another one. Raises Lost."""
        head = await self.client.next()
        assert isinstance(head, Head)  # noqa: S101  messages begin with one
        self.busy = True
        self.tally.in_flight += 1
        self.tally.requests += 1
        try:
            return await self.suffer(head, self.switchboard.decide())
        finally:
            self.tally.in_flight -= 1
            self.busy = False

    async def suffer(self, head: Head, harm: Harm) -> bool:
        self.switchboard.count(harm)
        if harm.disconnect == "timeout":
            await self.hang()
        if harm.disconnect:
            self.client.reset()
            return False
        if harm.delay:
            await self.outlast(harm.delay)
        if harm.status:
            return await self.answer(head, harm.status, "injected by a chaosctl drill")
        return await self.pass_on(head)

    async def hang(self) -> None:
        """Until the fault ends; a client that gives up ends this task."""
        while (left := self.switchboard.seconds_left()) > 0:
            await self.outlast(left)

    async def outlast(self, seconds: float) -> None:
        """Wait, but no longer than until the fault is switched off or replaced."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.switchboard.switched.wait()

    async def answer(self, head: Head, status: int, reason: str) -> bool:
        """An answer of our own, after the request's body."""
        while not isinstance(await self.client.next(), End):
            pass
        body = b"" if head.method == b"HEAD" else json.dumps({"error": reason}).encode()
        headers = ((b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)))
        start = f"{status} {phrase(status)}".encode()
        close = not head.keep_alive or self.tally.draining
        reply = Head(start, headers, keep_alive=True, version="1.1", chunked=False, sized=True, status=status)
        await self.client.write(response_bytes(reply, close=close) + body)
        return not close

    async def pass_on(self, head: Head) -> bool:
        try:
            upstream = await self.connected()
        except OSError:
            self.tally.failed += 1
            return await self.answer(head, HTTPStatus.BAD_GATEWAY, "the proxy cannot reach its upstream")
        await upstream.write(request_bytes(head))
        sending = asyncio.create_task(self.send_body(head, upstream))
        sending.add_done_callback(lambda task: None if succeeded(task) else upstream.close())
        try:
            keep = await self.answers(head, upstream)
            self.tally.passed += 1
        except Lost:
            self.tally.failed += self.client.ended is None  # a client that left is no failure
            self.client.reset()  # half an answer must not look like a whole one
            raise
        finally:
            was_done = await ended(sending)
            if not upstream.idle or not succeeded(sending):
                self.drop_upstream()
        if was_done:
            return keep
        await self.discard()
        return False

    async def discard(self) -> None:
        """An answer came before the request's end: closing at once could take it from the client again."""
        with suppress(TimeoutError, Lost):
            async with asyncio.timeout(DISCARD_SECONDS):
                while not isinstance(await self.client.next(), End):
                    pass

    async def connected(self) -> Messages:
        """The upstream connection of this client, a new one where the last has ended. Raises OSError."""
        if self.upstream is None or not self.upstream.idle:
            self.drop_upstream()
            self.upstream = await self.connect()
        return self.upstream

    async def send_body(self, head: Head, upstream: Messages) -> None:
        while not isinstance(part := await self.client.next(), End):
            if isinstance(part, bytes):
                await upstream.write(chunk(part) if head.chunked else part)
        if head.chunked:
            await upstream.write(LAST_CHUNK)

    async def answers(self, request: Head, upstream: Messages) -> bool:
        """Pass the answer back, interim ones first."""
        head = await upstream.next()
        while isinstance(head, Head) and head.is_interim:
            await self.client.write(response_bytes(head, close=False))
            await upstream.next()
            head = await upstream.next()
        assert isinstance(head, Head)  # noqa: S101  messages begin with one
        without_body = request.method == b"HEAD"
        if head.chunked and request.version == "1.0":
            head = unchunked(head)
        by_closing = not (head.sized or head.chunked or has_no_body(head) or without_body)
        close = by_closing or not request.keep_alive or self.tally.draining
        await self.client.write(response_bytes(head, close=close))
        if without_body:
            self.drop_upstream()  # its parser waits for the body that the length promises
            return not close
        await self.pass_back(head, upstream)
        return not close

    async def pass_back(self, head: Head, upstream: Messages) -> None:
        part: Part
        while not isinstance(part := await upstream.next(), End):
            if isinstance(part, bytes):
                await self.client.write(chunk(part) if head.chunked else part)
        if head.chunked:
            await self.client.write(LAST_CHUNK)

    async def refuse_malformed(self) -> None:
        body = b'{"error": "not an HTTP/1.1 request, or its head is too long"}'
        head = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n"
        if self.client.open:
            await self.client.write(head + b"content-length: %d\r\n\r\n" % len(body) + body)

    def drop_upstream(self) -> None:
        if self.upstream is not None:
            self.upstream.close()
            self.upstream = None


def unchunked(head: Head) -> Head:
    """For a client of HTTP/1.0, to which the end of the connection is the end of the body."""
    headers = tuple(field for field in head.headers if field[0].lower() != b"transfer-encoding")
    return head._replace(headers=headers, chunked=False)


def has_no_body(head: Head) -> bool:
    return head.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


def phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


async def ended(task: asyncio.Task[None]) -> bool:
    """Whether it was done; if not, it is cancelled now."""
    was_done = task.done()
    task.cancel()
    await asyncio.wait([task])
    return was_done


def succeeded(task: asyncio.Task[None]) -> bool:
    return not task.cancelled() and task.exception() is None
