"""Why: a Service's address must lead to its ready pods, so each of its ports is a small TCP balancer.

One connection in, one connection to the next endpoint, bytes piped as they come. A connection lasts as long
as its two ends do, whatever happens to the list of endpoints, as with kube-proxy. What a network policy does
not let through is held back, as if packets were lost: nobody is told, and it goes on when the policy is gone.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Sequence
from typing import cast

Endpoint = tuple[str, int]
Admit = Callable[[Endpoint, str], bool]  # an endpoint, a client's address

_EARLY = 64 * 1024  # bytes that are kept for an endpoint that has not answered yet


class Balancer:
    """Listens on one address and port while there are endpoints; without any, connections are refused."""

    def __init__(self, host: str, port: int, admit: Admit = lambda _endpoint, _client: True) -> None:
        self._host, self._port, self.admit = host, port, admit
        self._endpoints: tuple[Endpoint, ...] = ()
        self._server: asyncio.Server | None = None
        self._turn = 0
        self.connections: set[asyncio.Transport] = set()
        self.fronts: set[_Front] = set()

    @property
    def address(self) -> Endpoint:
        """Where it listens; RuntimeError if it does not."""
        if self._server is None:
            raise RuntimeError("a balancer without endpoints does not listen")
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    async def balance(self, endpoints: Sequence[Endpoint]) -> None:
        """From now on, new connections go to these. OSError if the port cannot be had."""
        self._endpoints = tuple(endpoints)
        if self._endpoints and self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(
                lambda: _Front(self), self._host, self._port, backlog=1024
            )
        elif not self._endpoints:
            self._listen_no_more()

    def next_endpoint(self) -> Endpoint | None:
        """Round robin."""
        if not self._endpoints:
            return None
        self._turn += 1
        return self._endpoints[self._turn % len(self._endpoints)]

    def review(self) -> None:
        """Who is let through may have changed: hold back what is not, let go what is."""
        for front in tuple(self.fronts):
            front.review()

    def close(self) -> None:
        """Stop listening; connections that are there go on."""
        self._listen_no_more()

    def abort(self) -> None:
        """Stop listening and reset what is there."""
        self._listen_no_more()
        for transport in tuple(self.connections):
            transport.abort()

    def _listen_no_more(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None


class _End(asyncio.Protocol):
    """One end of a piped connection. What it gets, the other end sends."""

    def __init__(self, balancer: Balancer) -> None:
        self._balancer = balancer
        self.transport: asyncio.Transport | None = None
        self.other: _End | None = None
        self.ended = False
        self._full = self._held = self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._balancer.connections.add(self.transport)

    def data_received(self, data: bytes) -> None:
        if self.other and self.other.transport:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        self.ended = True
        if not self.other or self.other.ended or not self.other.transport:
            return False
        if not self.other.transport.is_closing():
            self.other.transport.write_eof()
        return True  # half-closed: the answer may still come

    def pause_writing(self) -> None:
        if self.other:
            self.other.fill(full=True)

    def resume_writing(self) -> None:
        if self.other:
            self.other.fill(full=False)

    def fill(self, *, full: bool) -> None:
        """Whether the other end can take no more."""
        self._full = full
        self._pace()

    def hold(self, *, held: bool) -> None:
        """Whether what comes in is lost on the way, for now."""
        self._held = held
        self._pace()

    def _pace(self) -> None:
        wanted = self._full or self._held
        if self.transport is None or self.transport.is_closing() or wanted == self._paused:
            return
        self._paused = wanted
        self.transport.pause_reading() if wanted else self.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        if self.transport:
            self._balancer.connections.discard(self.transport)
        if self.other and self.other.transport:
            self.other.transport.abort() if error else self.other.transport.close()


class _Front(_End):
    """The client's end. What comes before the endpoint has answered is kept for it."""

    def __init__(self, balancer: Balancer) -> None:
        super().__init__(balancer)
        self._early = bytearray()
        self._endpoint: Endpoint | None = None
        self._client = ""
        self._reviewed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._client = str(transport.get_extra_info("peername")[0])
        self._balancer.fronts.add(self)
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    def connection_lost(self, error: Exception | None) -> None:
        self._balancer.fronts.discard(self)
        self._connecting.cancel()
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self._early += data
            self.fill(full=len(self._early) > _EARLY)
        else:
            super().data_received(data)

    def eof_received(self) -> bool:
        if self.other is None:
            self.ended = True
            return self._is_admitted  # who gives up before it is let through is gone
        return super().eof_received()

    def review(self) -> None:
        """Look again whether it is let through."""
        self._reviewed.set()
        if self.other:
            self.hold(held=not self._is_admitted)
            self.other.hold(held=not self._is_admitted)

    @property
    def _is_admitted(self) -> bool:
        return self._endpoint is None or self._balancer.admit(self._endpoint, self._client)

    async def _connect(self) -> None:
        self._endpoint = self._balancer.next_endpoint()
        try:
            if self._endpoint is None:
                raise ConnectionRefusedError
            while not self._is_admitted:
                self._reviewed.clear()
                await self._reviewed.wait()
            back = _End(self._balancer)
            back.other = self
            await asyncio.get_running_loop().create_connection(lambda: back, *self._endpoint)
        except OSError:
            self._reset()
        else:
            self._join(back)

    def _join(self, back: _End) -> None:
        if self.transport is None or self.transport.is_closing():
            if back.transport:
                back.transport.abort()
            return
        self.other = back
        if back.transport:
            back.transport.write(bytes(self._early))
            if self.ended:
                back.transport.write_eof()
        self.fill(full=False)
        self.review()

    def _reset(self) -> None:
        """A refused connection looks like one: reset, not closed."""
        if self.transport:
            _linger_not(self.transport)
            self.transport.abort()


def _linger_not(transport: asyncio.Transport) -> None:
    raw = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
