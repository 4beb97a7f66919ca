"""Why: a load generator that waits for a slow server hides exactly the outage that it should measure.

Open loop: requests leave when they are due, whatever became of the ones before. Latency counts from when a
request was due. Everything that was due ends in the window once: answered, failed, late or dropped; or
unsent, where this process itself slept, which must not be held against the server.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from chaosctl.streams.corpus import Row
from chaosctl.streams.protocol import Codec, HttpRequest, HttpResponse, NotAnAnswer
from chaosctl.streams.samples import UNSENT, Sample, Window
from chaosctl.traffic.address import Address
from chaosctl.traffic.client import Connection
from chaosctl.traffic.pool import Pool

MAX_IN_FLIGHT = 512  # a socket each; half of what a process may usually have open
NOT_GOOD = 300  # a redirect is no answer either
POD_HEADER = "x-pod"
POD_LIMIT = 253  # a Kubernetes name's longest
ASLEEP = 0.05  # seconds that our own loop may be late, before it is not the server that is slow


class Traffic(NamedTuple):
    """What to send: when (offsets in seconds), which rows, in which protocol, and headers for all."""

    arrivals: Iterator[float]
    rows: Iterator[Row]
    codec: Codec
    headers: Mapping[str, str] = {}


class Workload:
    """Plays traffic against an address into a window."""

    def __init__(
        self,
        address: Address,
        traffic: Traffic,
        window: Window,
        *,
        max_in_flight: int = MAX_IN_FLIGHT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock`: seconds since the Unix epoch, as whoever reads the window counts them."""
        self.address = address
        self.traffic = traffic
        self.window = window
        self.max_in_flight = max_in_flight
        self.clock = clock
        self.in_flight: dict[Exchange, None] = {}  # in the order in which they were due
        self.next_due = float("inf")
        self.empty = asyncio.Event()

    async def run(self, seconds: float = float("inf")) -> None:
        """Send what is due in so many seconds, and wait until all of it is answered or late.

        Cancelled, it stops at once; requests then under way are nobody's, neither good nor bad.
        """
        self.loop = asyncio.get_running_loop()
        self.to_unix = self.clock() - self.loop.time()  # one reading: steps of the clock move nothing
        self.pool = Pool(self.address)
        try:
            await self.send_all(self.loop.time(), seconds)
            await self.all_settled()
        finally:
            self.window.settle(float("inf"))
            await self.stop()

    async def stop(self) -> None:
        for exchange in self.in_flight:
            exchange.abandon()
        connecting = [exchange.connecting for exchange in self.in_flight if exchange.connecting is not None]
        await asyncio.gather(*connecting, return_exceptions=True)
        await self.pool.close()

    async def send_all(self, start: float, seconds: float) -> None:
        for offset in self.traffic.arrivals:
            due = start + offset
            self.next_due = due if offset < seconds else float("inf")
            self.settle()
            if offset >= seconds:
                return
            # Also when late: a burst after a pause must not keep answers from being read.
            await asyncio.sleep(max(0.0, due - self.loop.time()))
            self.send(due)

    async def all_settled(self) -> None:
        while self.in_flight:
            self.empty.clear()
            await self.empty.wait()

    def send(self, due: float) -> None:
        exchange = Exchange(self, due, next(self.traffic.rows))
        self.in_flight[exchange] = None
        if self.loop.time() > due + self.window.answer_within:
            exchange.hear(UNSENT)
        elif len(self.in_flight) > self.max_in_flight:
            exchange.hear("dropped")
        else:
            exchange.start()

    def settled(self, exchange: "Exchange", sample: Sample) -> None:
        del self.in_flight[exchange]
        self.window.add(sample)
        self.settle()
        if not self.in_flight:
            self.empty.set()

    def settle(self) -> None:
        oldest = next(iter(self.in_flight), None)
        due = self.next_due if oldest is None else min(oldest.due, self.next_due)
        self.window.settle(due + self.to_unix)

    def encode(self, request: HttpRequest) -> bytes:
        lines = [
            f"{request.method} {self.address.prefix}{request.path} HTTP/1.1",
            f"host: {self.address.authority}",
            "user-agent: chaosctl",
            *(f"{name}: {value}" for name, value in request.headers),
            *(f"{name}: {value}" for name, value in self.traffic.headers.items()),
            f"content-length: {len(request.body)}",
        ]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + request.body


class Exchange:
    """One request and what became of it."""

    def __init__(self, workload: Workload, due: float, row: Row) -> None:
        self.workload = workload
        self.due = due
        self.row = row
        self.sent: float | None = None
        self.connection: Connection | None = None
        self.connecting: asyncio.Task[None] | None = None
        self.timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        loop, pool = self.workload.loop, self.workload.pool
        self.wait_until(max(self.due, loop.time()) + self.workload.window.answer_within)  # our lag is ours
        connection = pool.take()
        if connection is None:
            self.connecting = loop.create_task(self.connect())
        else:
            self.ask(connection)

    async def connect(self) -> None:
        try:
            connection = await self.workload.pool.open()
        except OSError:
            self.hear("connect")
        else:
            self.ask(connection)

    def ask(self, connection: Connection) -> None:
        self.connection = connection
        self.sent = self.workload.loop.time()
        connection.ask(self.workload.encode(self.workload.traffic.codec.request(self.row)), self.hear)

    def wait_until(self, end: float) -> None:
        self.timer = self.workload.loop.call_at(end, self.give_up, end)

    def give_up(self, end: float) -> None:
        now = self.workload.loop.time()
        if now - end > ASLEEP:  # it was we who slept: an answer may lie there, and nobody has read it
            self.wait_until(now + ASLEEP)
            return
        self.abandon()
        self.workload.settled(self, self.failed("timeout"))

    def abandon(self) -> None:
        """Leave it, without an outcome."""
        if self.timer is not None:
            self.timer.cancel()
        if self.connecting is not None:
            self.connecting.cancel()
        if self.connection is not None:
            self.connection.abandon()

    def hear(self, outcome: HttpResponse | str) -> None:
        if self.timer is not None:
            self.timer.cancel()
        sample = self.failed(outcome) if isinstance(outcome, str) else self.answered(outcome)
        self.workload.settled(self, sample)

    def failed(self, error: str, status: int | None = None) -> Sample:
        shift = self.workload.to_unix
        sent = None if self.sent is None else self.sent + shift
        return Sample(self.due + shift, sent, self.workload.loop.time() + shift, status, error)

    def answered(self, response: HttpResponse) -> Sample:
        if response.status >= NOT_GOOD:
            return self.failed("status", response.status)
        try:
            answer = self.workload.traffic.codec.parse(response, self.row)
        except NotAnAnswer:
            return self.failed("protocol", response.status)
        known = self.row.label is not None and answer.label is not None
        return self.failed("", response.status)._replace(
            error=None,
            version=answer.version,
            agrees=answer.label == self.row.label if known else None,
            pod=pod_of(response),
        )


def pod_of(response: HttpResponse) -> str | None:
    """Who says to have answered; None where nobody does, or says it in a way that could hurt a terminal."""
    name = response.headers.get(POD_HEADER, "")[:POD_LIMIT]
    return name if name.isascii() and name.isprintable() and name else None
