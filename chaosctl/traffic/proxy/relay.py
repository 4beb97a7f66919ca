"""Why: between two faults a client must not be able to tell that there is a proxy.

One client connection has at most one upstream connection, so that a Service balances as it would without us.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus

from chaosctl.traffic.proxy.faults import NO_HARM, Requests
from chaosctl.traffic.proxy.hurt import HurtBody
from chaosctl.traffic.proxy.messages import (
    End,
    Head,
    Lost,
    Malformed,
    Messages,
    gather,
    request_bytes,
    response_bytes,
)
from chaosctl.traffic.proxy.mirrors import Copy, Mirrors
from chaosctl.traffic.proxy.switchboard import outlast
from chaosctl.traffic.proxy.tally import Tally

DISCARD_SECONDS = 1.0
BODILESS = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)

Connect = Callable[[], Awaitable[Messages]]


class Relay:
    """One client: passes on its requests, one after the other, and the answers back."""

    def __init__(
        self, client: Messages, connect: Connect, board: Requests, tally: Tally, mirrors: Mirrors
    ) -> None:
        self.client = client
        self.connect = connect
        self.board = board
        self.tally = tally
        self.mirrors = mirrors
        self.upstream: Messages | None = None
        self.copy: Copy | None = None
        self.harm = NO_HARM
        self.switched = board.switched
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
            self.drop_copy()

    async def one_request(self) -> bool:
        """Whether the connection may carry another one. Raises Lost."""
        head = await self.client.next()
        assert isinstance(head, Head)  # noqa: S101  messages begin with one
        self.busy = True
        self.tally.in_flight += 1
        self.tally.requests += 1
        self.switched, self.harm = self.board.switched, self.board.decide(head)
        try:
            return await (self.pass_on(head) if self.harm is NO_HARM else self.suffer(head))
        finally:
            self.tally.in_flight -= 1
            self.busy = False

    async def suffer(self, head: Head) -> bool:
        if self.harm.disconnect:
            self.board.count("disconnect")
            if self.harm.disconnect == "timeout":
                await self.hold(self.board.seconds_left())  # a client that gives up ends this task
            self.client.reset()
            return False
        if self.harm.delay:
            self.board.count("latency")
            await self.hold(self.harm.delay)
        if self.harm.status:
            self.board.count("errors")
            return await self.answer(head, self.harm.status, "injected by a chaosctl drill")
        return await self.pass_on(head)

    async def hold(self, seconds: float) -> None:
        """Wait, but no longer than until the fault ends or is replaced."""
        await outlast(self.switched, seconds)

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

    # --- to the upstream

    async def pass_on(self, head: Head) -> bool:
        try:
            upstream = await self.connected()
        except OSError:
            self.tally.failed += 1
            return await self.answer(head, HTTPStatus.BAD_GATEWAY, "the proxy cannot reach its upstream")
        self.copy_to_mirror(head)
        if self.client.ends:
            upstream.put(self.whole_request(head))
            return await self.heard(head, upstream)
        return await self.pass_on_as_it_comes(head, upstream)

    async def connected(self) -> Messages:
        """The upstream connection of this client, a new one where the last has ended. Raises OSError."""
        if self.upstream is None or not self.upstream.idle:
            self.drop_upstream()
            self.upstream = await self.connect()
        return self.upstream

    def whole_request(self, head: Head) -> bytes:
        body, _ = gather(self.client, chunked=head.chunked)
        self.mirrored(body, whole=True)
        return request_bytes(head) + body

    async def pass_on_as_it_comes(self, head: Head, upstream: Messages) -> bool:
        """The answer may come before the request's end, and must not wait for it."""
        sending = asyncio.create_task(self.send(head, upstream))
        sending.add_done_callback(lambda task: None if succeeded(task) else upstream.close())
        try:
            keep = await self.heard(head, upstream)
        finally:
            was_done = await ended(sending)
            if not succeeded(sending):
                self.drop_upstream()
        if was_done:
            return keep
        await self.discard()
        return False

    async def send(self, head: Head, upstream: Messages) -> None:
        await upstream.write(request_bytes(head))
        whole = False
        while not whole:
            await self.client.some()
            body, whole = gather(self.client, chunked=head.chunked)
            self.mirrored(body, whole=whole)
            await upstream.write(body)

    async def discard(self) -> None:
        """An answer came before the request's end: closing at once could take it from the client again."""
        with suppress(TimeoutError, Lost):
            async with asyncio.timeout(DISCARD_SECONDS):
                while not isinstance(await self.client.next(), End):
                    pass

    def copy_to_mirror(self, head: Head) -> None:
        self.copy = self.mirrors.start(self.harm.mirror) if self.harm.mirror else None
        if self.copy is not None:
            self.board.count("mirror")
            self.copy.write(request_bytes(head._replace(headers=(*head.headers, (b"connection", b"close")))))

    def mirrored(self, data: bytes, *, whole: bool) -> None:
        if self.copy is not None:
            self.copy.write(data)
            self.copy = None if whole else self.copy

    def drop_copy(self) -> None:
        """Of a request that did not come to its end."""
        if self.copy is not None:
            self.copy.drop()

    # --- back from it

    async def heard(self, head: Head, upstream: Messages) -> bool:
        """Pass the answer back. Whether the connection may carry another request. Raises Lost."""
        try:
            keep = await self.answers(head, upstream)
        except Lost:
            self.tally.failed += self.client.ended is None  # a client that left is no failure
            self.client.reset()  # half an answer must not look like a whole one
            raise
        finally:
            if not upstream.idle:
                self.drop_upstream()
        self.tally.passed += 1
        return keep

    async def answers(self, request: Head, upstream: Messages) -> bool:
        """Interim ones first."""
        head = await upstream.next()
        while isinstance(head, Head) and head.is_interim:
            await self.client.write(response_bytes(head, close=False))
            await upstream.next()
            head = await upstream.next()
        assert isinstance(head, Head)  # noqa: S101  messages begin with one
        if head.chunked and request.version == "1.0":
            head = unchunked(head)
        bodiless = request.method == b"HEAD" or head.status in BODILESS
        hurt = None if bodiless or not self.harm.changes_body else self.hurt_body()
        head = hurt.head(head) if hurt else head
        by_closing = not (head.sized or head.chunked or bodiless)
        close = by_closing or not request.keep_alive or self.tally.draining
        if hurt:
            await hurt.pass_back(head, upstream, close=close)
        else:
            await self.pass_back(request, head, upstream, close=close)
        return not close

    def hurt_body(self) -> HurtBody:
        return HurtBody(self.client, self.board, self.harm, self.switched)

    async def pass_back(self, request: Head, head: Head, upstream: Messages, *, close: bool) -> None:
        start = response_bytes(head, close=close)
        if request.method == b"HEAD":
            await self.client.write(start)
            self.drop_upstream()  # its parser waits for the body that the length promises
            return
        body, whole = gather(upstream, chunked=head.chunked)
        await self.client.write(start + body)
        while not whole:
            await upstream.some()
            body, whole = gather(upstream, chunked=head.chunked)
            await self.client.write(body)

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
