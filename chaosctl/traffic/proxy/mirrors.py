"""Why: a copy of the traffic shows another model at work; whatever becomes of it, nobody else may notice.

Each copied request has a connection of its own. There are at most 64 at once, of which each may hold back
256 KiB and last 30 seconds; what does not fit is lost, and counted.
"""

import asyncio
from typing import cast

from chaosctl.traffic.proxy.orders import Place
from chaosctl.traffic.proxy.tally import Tally

AT_ONCE = 64
MOST_WAITING = 256 * 1024
LASTS_SECONDS = 30.0


class Mirrors:
    """All copies that are on their way."""

    def __init__(self, tally: Tally) -> None:
        self.copies: dict[Copy, asyncio.Task[None]] = {}
        self.tally = tally

    def start(self, to: Place) -> "Copy | None":
        """A new copy, where there is room for one."""
        if len(self.copies) >= AT_ONCE:
            self.tally.copies_lost += 1
            return None
        copy = Copy()
        self.copies[copy] = asyncio.get_running_loop().create_task(self.carry(copy, to))
        return copy

    async def carry(self, copy: "Copy", to: Place) -> None:
        try:
            async with asyncio.timeout(LASTS_SECONDS):
                await asyncio.get_running_loop().create_connection(lambda: copy, *to)
                await copy.gone.wait()
        except OSError:  # TimeoutError is one
            copy.broken = True
        finally:
            copy.drop()
            self.tally.copies_lost += copy.broken
            del self.copies[copy]

    def stop(self) -> None:
        for task in tuple(self.copies.values()):
            task.cancel()


class Copy(asyncio.Protocol):
    """One request, whose answer is thrown away."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.early = bytearray()  # what came before the connection did
        self.broken = False
        self.answered = False
        self.gone = asyncio.Event()

    def write(self, data: bytes) -> None:
        """More of the request; never waits."""
        if self.broken:
            return
        if self.transport is None:
            self.early += data
        else:
            self.transport.write(data)
        waiting = self.transport.get_write_buffer_size() if self.transport else len(self.early)
        if waiting > MOST_WAITING:
            self.drop()

    def drop(self) -> None:
        """Nobody wants it any more. It is broken where no answer has come."""
        self.broken = self.broken or not self.answered
        self.early.clear()
        self.gone.set()
        if self.transport is not None:
            self.transport.abort()

    # --- the transport calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's do not inherit it
        self.transport.write(bytes(self.early))
        self.early.clear()

    def data_received(self, data: bytes) -> None:  # noqa: ARG002  nobody hears it
        self.answered = True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  the loop's contract
        self.gone.set()
