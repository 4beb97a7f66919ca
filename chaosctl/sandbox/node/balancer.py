"""Why: a Service's address must lead to its ready pods, so each of its ports is a small TCP balancer.

One connection in, one connection to the next endpoint, bytes piped as they come. A connection lasts as long
as its two ends do, whatever happens to the list of endpoints, as with kube-proxy.
"""

import asyncio
import socket
import struct
from collections.abc import Sequence
from typing import cast

Endpoint = tuple[str, int]


class Balancer:
    """Listens on one address and port while there are endpoints; without any, connections are refused."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._endpoints: tuple[Endpoint, ...] = ()
        self._server: asyncio.Server | None = None
        self._turn = 0
        self.connections: set[asyncio.Transport] = set()

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
        if self.other and self.other.transport:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other and self.other.transport and not self.other.transport.is_closing():
            self.other.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        if self.transport:
            self._balancer.connections.discard(self.transport)
        if self.other and self.other.transport:
            self.other.transport.abort() if error else self.other.transport.close()


class _Front(_End):
    """The client's end. What comes before the endpoint has answered is kept for it."""

    def __init__(self, balancer: Balancer) -> None:
        super().__init__(balancer)
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self._early.append(data)
            if self.transport:
                self.transport.pause_reading()
        else:
            super().data_received(data)

    def eof_received(self) -> bool:
        if self.other is None:
            self.ended = True
            return True
        return super().eof_received()

    async def _connect(self) -> None:
        endpoint = self._balancer.next_endpoint()
        try:
            if endpoint is None:
                raise ConnectionRefusedError
            back = _End(self._balancer)
            back.other = self
            await asyncio.get_running_loop().create_connection(lambda: back, *endpoint)
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
            back.transport.writelines(self._early)
            if self.ended:
                back.transport.write_eof()
        self.transport.resume_reading()

    def _reset(self) -> None:
        """A refused connection looks like one: reset, not closed."""
        if self.transport:
            _linger_not(self.transport)
            self.transport.abort()


def _linger_not(transport: asyncio.Transport) -> None:
    raw = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
