"""Why: probes ask a window about a drill's traffic, in the drill's own time."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from chaosctl.streams.corpus import Row
from chaosctl.streams.protocol import Codec
from chaosctl.streams.requests import encode, outgoing
from chaosctl.streams.samples import Sample, Window
from chaosctl.traffic.address import Address
from chaosctl.traffic.exchange import Exchange
from chaosctl.traffic.open_loop import NEVER, OpenLoop
from chaosctl.traffic.pool import BRIEF, Dialer, Limits, Pool


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
        limits: Limits = BRIEF,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock`: seconds since the Unix epoch, as whoever reads the window counts them."""
        self.address = address
        self.traffic = traffic
        self.limits = limits
        sink = _IntoWindow(window, clock() - time.monotonic())  # one reading: steps of the clock move nothing
        requests = outgoing(traffic.rows, self.encoded)
        self.loop = OpenLoop(requests, traffic.codec, sink, window.answer_within, limits.in_flight)

    async def run(self, seconds: float = NEVER) -> None:
        """Send what is due in so many seconds, and wait until all of it is answered or late.

        Cancelled, it stops at once; requests then under way are nobody's, neither good nor bad.
        """
        self.pool = Pool(Dialer(self.address), self.limits)
        try:
            await self.loop.run(self.pool, self.traffic.arrivals, time.monotonic(), seconds)
        finally:
            await self.pool.close()

    def encoded(self, row: Row) -> bytes:
        request = self.traffic.codec.request(row)
        return encode(request, self.address.authority, self.address.prefix, self.traffic.headers)


class _IntoWindow:
    """Counts in a window, whose times are those of another clock."""

    def __init__(self, window: Window, shift: float) -> None:
        self.window = window
        self.shift = shift

    def add(self, exchange: Exchange) -> None:
        self.window.add(
            Sample(
                exchange.due + self.shift,
                None if exchange.sent is None else exchange.sent + self.shift,
                exchange.done + self.shift,
                exchange.status,
                exchange.error,
                exchange.answer.version if exchange.answer else None,
                exchange.agrees,
                exchange.pod if exchange.error is None else None,
            )
        )

    def settle(self, until: float) -> None:
        self.window.settle(until + self.shift)
