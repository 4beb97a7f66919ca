"""Why: bytes that nobody hurts must pass as if there was no proxy, and those that somebody hurts in order.

A pipe is a client's connection and ours to the upstream. Each of its two ways writes what it takes at once,
until toxics are switched on for it. From then on, until they are off and nothing waits any more, it keeps
what comes and sends it when it is due. Reading pauses while 1 MiB or 1000 pieces wait, or while the other end
takes no more.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from math import inf
from random import Random
from typing import NamedTuple, cast

from chaosctl.traffic.proxy.delays import drawn
from chaosctl.traffic.proxy.endings import reset
from chaosctl.traffic.proxy.pace import TICK, step
from chaosctl.traffic.proxy.tally import Tally
from chaosctl.traffic.proxy.toxics import Connections, Hit, Stream

HIGH_WATER = 1024 * 1024
PIECES_LIMIT = 1000
AT_ONCE = 1000  # pieces that one way sends until it is another's turn
HARMLESS = Stream()
EOF = b""  # the end of a stream, where a piece of it may be


class End(asyncio.Protocol):
    """One end of a pipe."""

    def __init__(self, pipe: "Pipe") -> None:
        self.pipe = pipe
        self.blocked = False  # it takes no more for now

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's do not inherit it
        self.pipe.made(self)

    def data_received(self, data: bytes) -> None:
        self.source_of.take(data)

    def eof_received(self) -> bool:
        self.source_of.take(EOF)
        return True  # the other direction may go on

    def pause_writing(self) -> None:
        self.blocked = True
        self.sink_of.balance()

    def resume_writing(self) -> None:
        self.blocked = False
        self.sink_of.step()

    def connection_lost(self, exc: Exception | None) -> None:
        self.pipe.lost(self, exc)

    source_of: "Way"
    sink_of: "Way"


class Piece(NamedTuple):
    """Some data, when it came and when its latency is over, on the loop's clock."""

    data: bytes | memoryview
    came: float
    due: float


class Way:
    """One direction of a pipe."""

    def __init__(self, pipe: "Pipe", name: str, source: End, sink: End) -> None:
        self.pipe = pipe
        self.name = name
        self.source = source
        self.sink = sink
        source.source_of = self
        sink.sink_of = self
        self.clear = False  # nothing is done to what comes
        self.ended = False  # the source will say no more
        self.finished = False  # and the sink knows it
        self.reading = True
        self.pieces: deque[Piece] = deque()
        self.waiting = 0  # bytes in pieces
        self.taken = 0  # pieces that ever came
        self.toxics = HARMLESS
        self.random = Random()  # noqa: S311  seeded by each fault
        self.marked: set[str] = set()
        self.met = 0.0  # when the toxics were switched on for it
        self.passed = 0  # bytes since then
        self.free = 0.0  # when the next piece may be sent
        self.timer: asyncio.TimerHandle | None = None

    def take(self, data: bytes) -> None:
        """What the source says."""
        self.taken += 1
        if self.pipe.last is not self:
            self.pipe.turn(self)
        self.ended = self.ended or not data
        if self.clear:
            self.send(data)
        else:
            self.keep(data)
            self.step()

    def send(self, data: bytes | memoryview) -> None:
        if self.sink.transport.is_closing():
            return
        if data:
            self.sink.transport.write(data)
        else:
            self.finished = True
            self.sink.transport.write_eof()
            self.pipe.close_if_finished()

    def keep(self, data: bytes) -> None:
        now = self.now()
        latency = self.toxics.latency
        self.pieces.append(Piece(data, now, now + drawn(latency, self.random) if latency else now))
        self.waiting += len(data)
        if latency and self.pieces[-1].due > now:
            self.mark("latency")

    @staticmethod
    def now() -> float:
        return asyncio.get_running_loop().time()

    @property
    def is_full(self) -> bool:
        return self.waiting > HIGH_WATER or len(self.pieces) > PIECES_LIMIT

    @property
    def is_harmless(self) -> bool:
        return self.pipe.linked and not self.pieces and self.toxics == HARMLESS

    def balance(self) -> None:
        """Read as fast as can be sent, and no faster."""
        wanted = not self.sink.blocked and not self.is_full
        if wanted == self.reading or self.ended or self.source not in self.pipe.ends:
            return
        self.reading = wanted
        if wanted:
            self.source.transport.resume_reading()
        else:
            self.source.transport.pause_reading()

    # --- with toxics

    def meet(self, toxics: Stream, random: Random) -> None:
        """From now on this is done to it."""
        self.toxics = toxics
        self.random = random
        self.marked = set()
        self.met = self.free = self.now()
        self.passed = 0
        self.clear = False
        self.step()

    def mark(self, toxic: str) -> None:
        """A connection is counted once for each toxic that it felt."""
        if toxic not in self.marked:
            self.marked.add(toxic)
            self.pipe.board.count(f"{self.name}.{toxic}")

    def step(self) -> None:
        """Send what is due, and come back when more is."""
        self.rest()
        now = self.now()
        for _ in range(AT_ONCE):
            if self.pipe.over or self.due() > now:
                break
            self.send_next(now)
        if self.pipe.over:
            return
        self.balance()
        if self.is_harmless:
            self.clear = True
        elif (again := min(self.due(), self.cut_off())) < inf:
            self.timer = asyncio.get_running_loop().call_at(again, self.wake)

    def wake(self) -> None:
        if self.cut_off() <= self.now():
            self.cut()
        else:
            self.step()

    def rest(self) -> None:
        if self.timer is not None:
            self.timer.cancel()

    def due(self) -> float:
        """When the next piece may be sent; never, where there is none."""
        if not self.pieces or not self.pipe.linked or self.sink.blocked:
            return inf
        if self.toxics.timeout:
            self.mark("timeout")
            return inf
        piece = self.pieces[0]
        due = max(self.free, piece.due) if self.toxics.latency else self.free
        if not piece.data and self.toxics.slow_close:
            self.mark("slowClose")
            return max(due, piece.came + self.toxics.slow_close.delay)
        return due

    def send_next(self, now: float) -> None:
        """As much of the next piece as may be sent at once."""
        piece = self.pieces.popleft()
        size = min(len(piece.data), self.slice(), self.line())
        if size < len(piece.data):
            self.pieces.appendleft(piece._replace(data=memoryview(piece.data)[size:]))
        self.waiting -= size
        self.occupy(size, now)
        self.passed += size
        limit = self.toxics.limit_data
        if limit and self.passed >= limit.bytes and size:
            self.send_last(piece.data[: size - (self.passed - limit.bytes)])
        else:
            self.send(piece.data[:size])

    def slice(self) -> int:
        slicer = self.toxics.slicer
        if not slicer:
            return HIGH_WATER
        return max(1, slicer.size + self.random.randint(-slicer.variation, slicer.variation))

    def line(self) -> int:
        """Bytes that the line takes at once."""
        return step(self.toxics.bandwidth.rate) if self.toxics.bandwidth else HIGH_WATER

    def occupy(self, size: int, now: float) -> None:
        """The line is busy with so many bytes; a loop that comes late may make up for a moment of it."""
        if self.toxics.slicer and self.pieces:
            self.free = now + self.toxics.slicer.delay
            self.mark("slicer")
        if self.toxics.bandwidth and size:
            self.free = max(self.free, now - TICK) + size / self.toxics.bandwidth.rate
            self.mark("bandwidth")

    def send_last(self, data: bytes | memoryview) -> None:
        if data:
            self.send(data)
        self.mark("limitData")
        self.pipe.close()

    def cut_off(self) -> float:
        """When the connection is to be ended."""
        after = self.toxics.cut_off
        return inf if after is None else self.met + after

    def cut(self) -> None:
        if self.toxics.reset:
            self.mark("reset")
            self.pipe.reset()
        else:
            self.mark("timeout")
            self.pipe.close()


Connect = Callable[[End], Awaitable[None]]
Heard = Callable[["Pipe"], None]


class Pipe:
    """A client's connection and ours to the upstream."""

    def __init__(self, board: Connections, tally: Tally, connect: Connect, began: Heard, gone: Heard) -> None:
        self.board = board
        self.tally = tally
        self.connect = connect
        self.began = began
        self.gone = gone
        self.client = End(self)
        self.upstream = End(self)
        self.ends: list[End] = []  # those that are there
        self.up = Way(self, "upstream", self.client, self.upstream)
        self.down = Way(self, "downstream", self.upstream, self.client)
        self.last: Way | None = None  # which way the last piece went
        self.answered = False
        self.linked = False
        self.over = False
        self.seen = -1  # pieces that had passed when somebody looked last

    async def open(self) -> None:
        """Reach the upstream, and let bytes pass. A client whose upstream is not there is reset."""
        self.meet(self.board.decide())
        try:
            if not self.over:
                await self.connect(self.upstream)
        except OSError:
            self.tally.failed += not self.over
            self.reset()
        else:
            self.link()

    def meet(self, hit: Hit | None) -> None:
        """From now on this is done to it."""
        if hit is not None and hit.down:
            self.board.count("down")
            self.reset()
        elif not self.over:
            random = hit.random if hit else Random()  # noqa: S311  repeatable, not secret
            self.up.meet(hit.upstream if hit else HARMLESS, random)
            self.down.meet(hit.downstream if hit else HARMLESS, random)

    def link(self) -> None:
        """Both ends are there, unless one has gone by now."""
        self.linked = not self.over
        if self.linked:
            self.up.step()
            self.down.step()

    def turn(self, way: Way) -> None:
        """It is the other side's turn to speak. One that has answered is passed."""
        self.last = way
        if way is self.down and not self.answered:
            self.answered = True
            self.tally.passed += 1

    def is_quiet(self) -> bool:
        """Whether nothing has passed since the last look, and nobody waits for an answer."""
        before, self.seen = self.seen, self.up.taken + self.down.taken
        return before == self.seen and self.last is not self.up

    def close_if_finished(self) -> None:
        if self.up.finished and self.down.finished:
            self.close()

    def close(self) -> None:
        """Once what was sent has left."""
        self.stop()
        for end in self.ends:
            end.transport.close()

    def reset(self) -> None:
        """Both sides see a crashed peer."""
        self.stop()
        for end in tuple(self.ends):
            reset(end.transport)

    def stop(self) -> None:
        self.over = True
        self.up.rest()
        self.down.rest()

    # --- the ends call these

    def made(self, end: End) -> None:
        if self.over:
            end.transport.abort()
            return
        self.ends.append(end)
        if end is self.client:
            self.began(self)

    def lost(self, end: End, exc: Exception | None) -> None:
        if end not in self.ends:
            return
        self.ends.remove(end)
        if exc is None:
            self.close()
        else:
            self.reset()
        if not self.ends:
            self.gone(self)
