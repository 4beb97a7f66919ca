"""Why: what hurts a stream of bytes is another thing than what hurts a request; both follow from a seed.

The toxics are those of toxiproxy, with its meanings: each for one direction, for a share of the connections.
"""

from collections.abc import Mapping
from random import Random
from typing import NamedTuple

from chaosctl.traffic.proxy.delays import FIELDS as DELAY
from chaosctl.traffic.proxy.delays import seconds
from chaosctl.traffic.proxy.orders import Reader, number, order, part, seed, share, whole
from chaosctl.traffic.proxy.switchboard import Switchboard

FASTEST = 1e12  # bytes a second
LARGEST = 2**40  # bytes
LARGEST_SLICE = 2**20  # bytes


class Latency(NamedTuple):
    """Every piece of data comes so many seconds later."""

    fixed: float = 0.0
    jitter: float = 0.0
    distribution: str = "uniform"
    share: float = 1.0


class Bandwidth(NamedTuple):
    """At most so many bytes a second."""

    rate: float = 1024.0
    share: float = 1.0


class SlowClose(NamedTuple):
    """The end of the stream comes so many seconds later."""

    delay: float = 1.0
    share: float = 1.0


class Timeout(NamedTuple):
    """Nothing passes; after so many seconds the connection is closed, at 0 never."""

    after: float = 0.0
    share: float = 1.0


class Slicer(NamedTuple):
    """Data comes in slices of `size` bytes, give or take `variation`, with so many seconds between them."""

    size: int = 64
    variation: int = 0
    delay: float = 0.0
    share: float = 1.0


class LimitData(NamedTuple):
    """The connection is closed once so many bytes have passed."""

    bytes: int = 0
    share: float = 1.0


class Reset(NamedTuple):
    """The connection is reset (TCP RST) after so many seconds."""

    after: float = 0.0
    share: float = 1.0


class Down(NamedTuple):
    """The connection is reset, and new ones as soon as they come."""

    share: float = 1.0


class Stream(NamedTuple):
    """What is done to one direction."""

    latency: Latency | None = None
    bandwidth: Bandwidth | None = None
    slow_close: SlowClose | None = None
    timeout: Timeout | None = None
    slicer: Slicer | None = None
    limit_data: LimitData | None = None
    reset: Reset | None = None

    @property
    def cut_off(self) -> float | None:
        """Seconds until the connection is ended."""
        if self.reset:
            return self.reset.after
        return self.timeout.after or None if self.timeout else None


class Toxics(NamedTuple):
    """What is done to connections until the deadline, in seconds since the Unix epoch."""

    deadline: float
    seed: int = 0
    down: Down | None = None
    upstream: Stream = Stream()
    downstream: Stream = Stream()


class Hit(NamedTuple):
    """What one connection suffers. `upstream` is from the client to the server."""

    down: bool
    upstream: Stream
    downstream: Stream
    random: Random


TOXICS: Mapping[str, Reader] = {
    "latency": part(Latency, DELAY, ("fixed", "jitter")),
    "bandwidth": part(Bandwidth, {"rate": number(FASTEST, 1), "share": share}, ("rate",)),
    "slowClose": part(SlowClose, {"delay": seconds, "share": share}, ("delay",)),
    "timeout": part(Timeout, {"after": seconds, "share": share}),
    "slicer": part(
        Slicer,
        {
            "size": whole(1, LARGEST_SLICE),
            "variation": whole(0, LARGEST_SLICE),
            "delay": seconds,
            "share": share,
        },
    ),
    "limitData": part(LimitData, {"bytes": whole(0, LARGEST), "share": share}),
    "reset": part(Reset, {"after": seconds, "share": share}),
}
PARTS: Mapping[str, Reader] = {
    "seed": seed,
    "down": part(Down, {"share": share}),
    "upstream": part(Stream, TOXICS),
    "downstream": part(Stream, TOXICS),
}


class Connections(Switchboard[Toxics]):
    """Decides for each connection: when it comes, and again when the toxics are changed."""

    parts = ("down", *(f"{way}.{name}" for way in ("upstream", "downstream") for name in TOXICS))

    @staticmethod
    def read(content: object) -> Toxics | None:
        return order(content, Toxics, PARTS)

    def decide(self) -> Hit | None:
        """What the next connection suffers; None where nothing is switched on."""
        fault = self.fault
        if fault is None or not self.seconds_left():
            return None
        down = self.dice["down"].random() < fault.down.share if fault.down else False
        upstream = self.hits("upstream", fault.upstream)
        downstream = self.hits("downstream", fault.downstream)
        random = Random(self.dice["jitter"].getrandbits(64))  # noqa: S311  repeatable, not secret
        return Hit(down, upstream, downstream, random)

    def hits(self, way: str, stream: Stream) -> Stream:
        toxics = ((self.dice[f"{way}.{name}"], toxic) for name, toxic in zip(TOXICS, stream, strict=True))
        return Stream._make(toxic if toxic and die.random() < toxic.share else None for die, toxic in toxics)
