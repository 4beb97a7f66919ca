"""Why: a load generator that waits for a slow server hides exactly the outage that it should measure.

Open loop: requests leave when they are due, whatever became of the ones before. Latency counts from when a
request was due. Everything that was due is counted once: answered, failed, late or dropped; or unsent, where
this process itself slept, which must not be held against the server.
"""

import asyncio
import time
from collections.abc import Iterator
from itertools import takewhile

from chaosctl.streams.protocol import Codec, Head
from chaosctl.streams.requests import Outgoing
from chaosctl.streams.samples import UNSENT
from chaosctl.traffic.client import Connection
from chaosctl.traffic.exchange import Exchange, Sink
from chaosctl.traffic.pool import Pool

TURN = 64  # requests that are sent before answers are read again
LOOK = 0.01  # seconds between two looks for what is late
CLOSE = 0.002  # seconds before a request that are not slept: timers are right to a millisecond
ASLEEP = 0.05  # seconds that our own loop may be late, before it is not the server that is slow
NEVER = float("inf")
now = time.monotonic


class OpenLoop:
    """Sends requests when they are due, and lets a sink count what became of them."""

    def __init__(
        self,
        requests: Iterator[Outgoing],
        codec: Codec,
        sink: Sink,
        answer_within: float,
        max_in_flight: int,
    ) -> None:
        """`answer_within`: seconds after which a request without an answer has failed."""
        self.requests = requests
        self.codec = codec
        self.sink = sink
        self.answer_within = answer_within
        self.max_in_flight = max_in_flight
        self.in_flight: dict[Sent, None] = {}  # in the order in which they were due
        self.due = NEVER  # when the next one is
        self.finished = asyncio.Event()

    @property
    def settled_until(self) -> float:
        """Everything that was due before has been counted."""
        oldest = next(iter(self.in_flight), None)
        return self.due if oldest is None else min(oldest.due, self.due)

    async def run(self, pool: Pool, arrivals: Iterator[float], start: float, seconds: float = NEVER) -> None:
        """Send what is due in so many seconds after the start, and wait until all of it is counted.

        Cancelled, it stops at once; requests then under way are nobody's, neither good nor bad.
        """
        self.pool = pool
        try:
            async with asyncio.TaskGroup() as group:
                looking = group.create_task(self.look_for_late())
                await self.send_all(arrivals, start, seconds)
                await self.finished.wait()
                looking.cancel()
        finally:
            self.sink.settle(NEVER)
            for exchange in self.in_flight:
                exchange.leave()

    async def send_all(self, arrivals: Iterator[float], start: float, seconds: float) -> None:
        for number, offset in enumerate(arrivals):
            self.due = start + offset if offset < seconds else NEVER
            if self.due == NEVER:
                break
            if number % TURN == 0:
                await asyncio.sleep(0)  # also when late: answers must be read
            await sleep_until(self.due)
            self.send(self.due)
        self.due = NEVER
        self.conclude()

    def send(self, due: float) -> None:
        moment = now()
        exchange = Sent(self, next(self.requests), due, moment)
        self.in_flight[exchange] = None
        if moment > due + self.answer_within:
            exchange.failed(UNSENT)
        elif len(self.in_flight) > self.max_in_flight:
            exchange.failed("dropped")
        else:
            self.pool.serve(exchange)

    async def look_for_late(self) -> None:
        """Fail what is past its time, and let old connections go."""
        looked = now()
        while True:
            await asyncio.sleep(LOOK)
            before, looked = looked, now()
            self.pool.tend()
            self.sink.settle(self.settled_until)
            if looked - before > ASLEEP:  # answers may lie there, and nobody has read them
                continue
            self.fail_late(looked)

    def fail_late(self, moment: float) -> None:
        for exchange in list(takewhile(lambda one: one.deadline < moment, self.in_flight)):
            exchange.leave()
            exchange.failed("timeout")

    def settled(self, exchange: "Sent") -> None:
        """It is answered, or has failed."""
        del self.in_flight[exchange]
        self.sink.add(exchange)
        self.pool.dial()
        self.conclude()

    def conclude(self) -> None:
        if self.due == NEVER and not self.in_flight:
            self.finished.set()


class Sent(Exchange):
    """One request of an open loop."""

    __slots__ = ("connection", "loop")

    def __init__(self, loop: OpenLoop, request: Outgoing, due: float, ready: float) -> None:
        super().__init__(request, due, ready)
        self.loop = loop
        self.connection: Connection | None = None

    @property
    def deadline(self) -> float:
        return self.ready + self.loop.answer_within  # our lag is ours

    @property
    def waits(self) -> bool:
        """Whether it still wants a connection."""
        return self.error is None

    def ask(self, connection: Connection) -> None:
        self.connection = connection
        self.sent = now()
        connection.ask(self.request.payload, self)

    def leave(self) -> None:
        """Nobody waits for the answer any more."""
        if self.connection is not None:
            self.connection.abandon()

    def answered(self, head: Head, body: bytes) -> None:
        self.done = now()
        self.judge(self.loop.codec, head, body)
        self.loop.settled(self)

    def failed(self, error: str) -> None:
        self.done = now()
        self.error = error
        self.loop.settled(self)


async def sleep_until(moment: float) -> None:
    """To a part of a millisecond, which costs that much of the processor."""
    wait = moment - now()
    while wait > 0:
        await asyncio.sleep(wait if wait > CLOSE else 0)
        wait = moment - now()
