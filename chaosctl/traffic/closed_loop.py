"""Why: how much a server can do at most is found by asking again as soon as it has answered.

Closed loop: so many users, each on a connection of its own, each with one request at a time. A slow server is
asked less often, so latencies of a closed loop say nothing about an outage; an open loop's do.
"""

import asyncio
import time
from collections.abc import Iterator

from chaosctl.streams.protocol import Codec, Head
from chaosctl.streams.requests import NOTHING, Outgoing
from chaosctl.traffic.client import Connection
from chaosctl.traffic.exchange import Exchange, Sink
from chaosctl.traffic.pool import Dialer

LOOK = 0.1  # seconds between two looks for what is late
PAUSE = 0.1  # seconds after a connection could not be opened
ASLEEP = 0.05  # seconds that our own loop may be late, before it is not the server that is slow
now = time.monotonic


class ClosedLoop:
    """So many users who each ask, hear, and ask again."""

    def __init__(self, requests: Iterator[Outgoing], codec: Codec, sink: Sink, answer_within: float) -> None:
        """`answer_within`: seconds after which a request without an answer has failed."""
        self.requests = requests
        self.codec = codec
        self.sink = sink
        self.answer_within = answer_within
        self.users: dict[User, None] = {}

    async def run(self, dialer: Dialer, users: int, seconds: float) -> None:
        """Ask for so many seconds, and wait for the last answers.

        Cancelled, it stops at once; requests then under way are nobody's, neither good nor bad.
        """
        self.dialer = dialer
        self.end = now() + seconds
        self.users = dict.fromkeys(User(self) for _ in range(users))
        self.left = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as self.tasks:
                looking = self.tasks.create_task(self.look_for_late())
                for user in self.users:
                    self.connect(user)
                await self.left.wait()
                looking.cancel()
        finally:
            self.sink.settle(float("inf"))
            for user in self.users:
                user.leave()

    def connect(self, user: "User", pause: float = 0.0) -> None:
        self.tasks.create_task(user.connect(pause))

    async def look_for_late(self) -> None:
        looked = now()
        while True:
            await asyncio.sleep(LOOK)
            before, looked = looked, now()
            if looked - before > LOOK + ASLEEP:  # answers may lie there, and nobody has read them
                continue
            self.sink.settle(min((user.due for user in self.users if user.asks), default=looked))
            for user in [one for one in self.users if one.asks and one.due + self.answer_within < looked]:
                user.leave()
                user.failed("timeout")

    def go(self, user: "User") -> None:
        """A user has asked for the last time."""
        user.leave()
        del self.users[user]
        if not self.users:
            self.left.set()


class User(Exchange):
    """One user, and the request that they wait for."""

    __slots__ = ("connection", "loop")

    def __init__(self, loop: ClosedLoop) -> None:
        super().__init__(NOTHING, 0.0, 0.0)
        self.loop = loop
        self.connection: Connection | None = None

    async def connect(self, pause: float) -> None:
        """Open a connection for the next request, after a pause."""
        await asyncio.sleep(pause)
        self.due = self.ready = now()
        self.sent = None
        if not self.draws(self.due):
            return
        try:
            self.connection = await asyncio.wait_for(self.loop.dialer.open(), self.loop.answer_within)
        except TimeoutError:
            self.fail("timeout")
        except OSError as failure:
            self.fail(self.loop.dialer.told(failure))
        else:
            self.ask(self.connection, now())

    def draws(self, moment: float) -> bool:
        """Take the next request, if there is one and time for it."""
        request = next(self.loop.requests, None) if moment < self.loop.end else None
        if request is None:
            self.loop.go(self)
            return False
        self.request = request
        return True

    def ask(self, connection: Connection, moment: float) -> None:
        self.due = self.ready = self.sent = moment
        connection.ask(self.request.payload, self)

    @property
    def asks(self) -> bool:
        """Whether it waits for an answer."""
        return self.connection is not None and self.connection.asker is self

    def leave(self) -> None:
        """Nobody waits for the answer any more."""
        if self.connection is not None:
            self.connection.abandon()

    def answered(self, head: Head, body: bytes) -> None:
        moment = self.done = now()
        self.judge(self.loop.codec, head, body)
        self.loop.sink.add(self)
        connection = self.connection
        if connection is None or not connection.usable:
            self.loop.connect(self)
        elif self.draws(moment):
            self.ask(connection, moment)

    def failed(self, error: str) -> None:
        """A request has no answer."""
        self.fail(error, pause=0.0)

    def fail(self, error: str, pause: float = PAUSE) -> None:
        self.done = now()
        self.status = self.answer = None
        self.error = error
        self.loop.sink.add(self)
        if self.done < self.loop.end:
            self.loop.connect(self, pause)
        else:
            self.loop.go(self)
