"""Why: keep-alive is quick, but a connection that lives for ever never sees the new pod behind a Service."""

import asyncio
import ssl

from chaosctl.traffic.address import Address
from chaosctl.traffic.client import Connection

REQUESTS_EACH = 25
SECONDS_EACH = 0.5


class Pool:
    """Idle connections to one address, each for at most 25 requests and half a second.

    A Service balances connections: too few of them, and a second's answers all speak of one pod.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self.loop = asyncio.get_running_loop()
        self.tls = ssl.create_default_context() if address.tls else None
        self.idle: list[Connection] = []
        self.all: set[Connection] = set()
        self.opened = 0

    def take(self) -> Connection | None:
        """A connection that can be used at once, if there is one."""
        while self.idle:
            connection = self.idle.pop()
            if connection.open and self.is_fresh(connection):
                return connection
            self.end(connection)
        return None

    async def open(self) -> Connection:
        """A new connection. Raises OSError."""
        _, connection = await self.loop.create_connection(
            lambda: Connection(self.loop.time, self.give_back),
            self.address.host,
            self.address.port,
            ssl=self.tls,
        )
        self.opened += 1
        self.loop.call_later(SECONDS_EACH, self.retire, connection)
        self.all = {other for other in self.all if other.open} | {connection}
        return connection

    def give_back(self, connection: Connection) -> None:
        if self.is_fresh(connection):
            self.idle.append(connection)
        else:
            self.end(connection)

    def retire(self, connection: Connection) -> None:
        """An old connection that nobody uses would keep a server waiting for it."""
        if connection in self.idle:
            self.idle.remove(connection)
            self.end(connection)

    def is_fresh(self, connection: Connection) -> bool:
        return connection.asked < REQUESTS_EACH and self.loop.time() - connection.born < SECONDS_EACH

    def end(self, connection: Connection) -> None:
        self.all.discard(connection)
        connection.transport.close()

    async def close(self) -> None:
        """End all connections, and wait until their sockets are closed."""
        for connection in self.all:
            connection.abandon()
        self.all.clear()
        self.idle.clear()
        await asyncio.sleep(0)
