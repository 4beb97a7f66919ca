"""Why: the proxy stands in a Service's way, so it comes and goes without dropping a request."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

import uvloop

from chaosctl.traffic.proxy.admin import Admin
from chaosctl.traffic.proxy.messages import Messages
from chaosctl.traffic.proxy.orders import Place
from chaosctl.traffic.proxy.settings import Settings, settings

LAST_ANSWER_SECONDS = 5.0
YOUNG = 10_000  # objects that may be new until somebody looks which of them are garbage


class Proxy:
    """One process of the proxy."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.traffic = settings.traffic()
        self.admin = Admin(self.traffic.board, self.traffic.tally, self.traffic.drain)
        self.askers: dict[Messages, asyncio.Task[None]] = {}
        self.stopped = asyncio.Event()

    async def serve(self) -> None:
        """Until SIGTERM or SIGINT, and then until the requests in flight are answered."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopped.set)
        await self.start()
        await self.stopped.wait()
        await self.leave()

    async def start(self) -> tuple[Place, Place]:
        """Listen for traffic and for orders; where, for those who asked for any port."""
        with suppress(ValueError):  # a start after the deadline is transparent, as it should be
            self.traffic.board.switch(self.settings.fault)
        self.watching = asyncio.create_task(self.traffic.board.watch(self.traffic.switched))
        self.clients = await listen(self.settings.listen, self.traffic.accept)
        self.orders = await listen(self.settings.admin, self.accept_order)
        traffic, orders = where(self.clients), where(self.orders)
        log(f"passing {traffic.host}:{traffic.port} on to {':'.join(map(str, self.settings.upstream))}")
        log(f"taking orders on {orders.host}:{orders.port}")
        return traffic, orders

    def accept_order(self) -> Messages:
        return Messages(requests=True, made=self.answer, gone=self.forget)

    def answer(self, asker: Messages) -> None:
        self.askers[asker] = asyncio.get_running_loop().create_task(self.admin.serve(asker))

    def forget(self, asker: Messages) -> None:
        """Who is gone needs no answer."""
        task = self.askers.pop(asker, None)
        if task is not None:
            task.cancel()

    async def leave(self) -> None:
        """Drain, then be deaf, then let go of whoever asks for nothing."""
        log("asked to stop: finishing what is in flight")
        self.traffic.tally.draining = True
        await asyncio.sleep(self.settings.linger)
        self.clients.close()
        await self.traffic.stop(LAST_ANSWER_SECONDS)
        self.orders.close()
        for asker in tuple(self.askers):
            asker.reset()
        self.watching.cancel()


async def listen(place: Place, accept: Callable[[], asyncio.Protocol]) -> asyncio.Server:
    return await asyncio.get_running_loop().create_server(accept, place.host, place.port, backlog=1024)


def where(server: asyncio.Server) -> Place:
    host, port = server.sockets[0].getsockname()[:2]
    return Place(host, port)


def log(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def run(arguments: Sequence[str]) -> None:
    """The proxy as a program. Exits with status 2 where the arguments make no sense."""
    chosen = settings(arguments, os.environ)
    gc.freeze()  # what is here now stays; to look at it again and again would hold requests back
    gc.set_threshold(YOUNG)
    uvloop.run(_serve(chosen))


async def _serve(chosen: Settings) -> None:
    await Proxy(chosen).serve()
