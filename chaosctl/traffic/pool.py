"""Why: keep-alive is quick, but a connection that lives for ever never sees the new pod behind a Service."""

import asyncio
import errno
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol, cast

from chaosctl.streams.samples import UNSENT
from chaosctl.traffic.address import Address
from chaosctl.traffic.client import Connection, Shared

OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM})
now = time.monotonic


MAX_IN_FLIGHT = 512  # a socket each; half of what a process may usually have open
REQUESTS_EACH = 25  # a Service balances connections: of few a second's answers would speak of one pod
SECONDS_EACH = 0.5


class Limits(NamedTuple):
    """How many requests may be under way, on how many connections; and how long one of these is used."""

    in_flight: int = MAX_IN_FLIGHT
    connections: int = MAX_IN_FLIGHT
    requests_each: float = REQUESTS_EACH
    seconds_each: float = SECONDS_EACH


BRIEF = Limits()


class Waiting(Protocol):
    """Who wants a connection."""

    @property
    def waits(self) -> bool:
        """Whether they still want it."""
        ...

    def ask(self, connection: Connection) -> None:
        """Here it is."""
        ...

    def failed(self, error: str) -> None:
        """There is none to be had."""
        ...


class Dialer:
    """Opens connections to one address."""

    def __init__(self, address: Address, tls: ssl.SSLContext | None = None) -> None:
        self.address = address
        self.loop = asyncio.get_running_loop()
        self.tls = (tls or ssl.create_default_context()) if address.tls else None
        self.shared = Shared()
        self.opened = 0
        self.trouble = ""  # the last reason why there was none, in words

    async def open(self, idle: Callable[[Connection], None] | None = None) -> Connection:
        """A new connection. Raises OSError."""
        _, connection = await self.loop.create_connection(
            lambda: Connection(now(), self.shared, idle),
            self.address.host,
            self.address.port,
            ssl=self.tls,
        )
        self.opened += 1
        return connection

    async def close(self) -> None:
        """End all connections, and wait until their sockets are closed."""
        for connection in list(self.shared.live):
            connection.abandon()
        while self.shared.live:  # noqa: ASYNC110  their loop closes them, one turn later
            await asyncio.sleep(0)

    def told(self, failure: OSError) -> str:
        """The class of a failure to open one."""
        self.trouble = str(failure)
        return failure_class(failure)


class Pool:
    """Connections, within limits. Who finds none idle waits in line."""

    def __init__(self, dialer: Dialer, limits: Limits) -> None:
        self.dialer = dialer
        self.limits = limits
        self.idle: list[Connection] = []
        self.line: deque[Waiting] = deque()
        self.dials: set[asyncio.Task[None]] = set()

    def serve(self, who: Waiting) -> None:
        """Let them ask on a connection: at once, or when there is one."""
        connection = self.take()
        if connection is not None:
            who.ask(connection)
            return
        self.line.append(who)
        self.dial()

    def take(self) -> Connection | None:
        """A connection that can be used at once, if there is one."""
        while self.idle:
            connection = self.idle.pop()
            if connection.open and self.is_fresh(connection):
                return connection
            self.end(connection)
        return None

    def give_back(self, connection: Connection) -> None:
        """It can take another request."""
        if not (connection.open and self.is_fresh(connection)):
            self.end(connection)
            self.dial()
        elif (who := self.next()) is not None:
            who.ask(connection)
        else:
            self.idle.append(connection)

    def next(self) -> Waiting | None:
        """The first in line who still waits."""
        while self.line:
            who = self.line.popleft()
            if who.waits:
                return who
        return None

    def is_fresh(self, connection: Connection) -> bool:
        limits = self.limits
        return connection.asked < limits.requests_each and now() - connection.born < limits.seconds_each

    def tend(self) -> None:
        """Close old connections that nobody uses: a server would wait for them. Open what is missed."""
        self.dial()
        for connection in [one for one in self.idle if not (one.open and self.is_fresh(one))]:
            self.idle.remove(connection)
            self.end(connection)

    def end(self, connection: Connection) -> None:
        connection.usable = False
        connection.transport.close()

    # --- opening

    def dial(self) -> None:
        """Open another one, where somebody waits that no opening is for."""
        if len(self.dials) >= len(self.line):
            return
        if len(self.dialer.shared.live) + len(self.dials) < self.limits.connections:
            task = self.dialer.loop.create_task(self.open())
            self.dials.add(task)
            task.add_done_callback(self.dials.discard)

    async def open(self) -> None:
        """A connection for whoever is first in line; or its failure."""
        try:
            connection = await self.dialer.open(self.give_back)
        except OSError as failure:
            self.forget_dial()
            if (who := self.next()) is not None:
                who.failed(self.dialer.told(failure))
        else:
            self.forget_dial()
            self.give_back(connection)
        self.dial()

    def forget_dial(self) -> None:
        """It is no longer one of those that will bring a connection."""
        self.dials.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    async def close(self) -> None:
        """End all connections, and wait until their sockets are closed."""
        self.line.clear()
        dials = list(self.dials)
        for dial in dials:
            dial.cancel()
        await asyncio.gather(*dials, return_exceptions=True)
        self.idle.clear()
        await self.dialer.close()


def failure_class(failure: OSError) -> str:
    """What kept a connection from being opened. What this machine lacks is not held against the server."""
    match failure:
        case ssl.SSLCertVerificationError():
            return f"tls: {failure.verify_message}"
        case ssl.SSLError():
            return f"tls: {(failure.reason or 'no handshake').replace('_', ' ').lower()}"
        case socket.gaierror():
            return "resolve"
        case _:
            return UNSENT if failure.errno in OURS else "connect"
