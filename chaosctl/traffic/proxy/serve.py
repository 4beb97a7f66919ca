"""Why: the proxy stands in a Service's way, so it comes and goes without dropping a request."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial

import uvloop

from chaosctl.traffic.proxy.admin import Admin
from chaosctl.traffic.proxy.faults import Switchboard
from chaosctl.traffic.proxy.messages import Messages
from chaosctl.traffic.proxy.relay import Relay, Tally
from chaosctl.traffic.proxy.settings import Place, Settings, settings

CONNECT_SECONDS = 5.0
LAST_ANSWER_SECONDS = 5.0
DRAIN_SECONDS = 1.0


Serve = Callable[[Messages], Coroutine[None, None, None]]


class Proxy:
    """One process of the proxy."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.switchboard = Switchboard()
        self.tally = Tally()
        self.admin = Admin(self.switchboard, self.tally, self.drain)
        self.relays: dict[Messages, Relay] = {}
        self.tasks: dict[Messages, asyncio.Task[None]] = {}
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
            self.switchboard.switch(self.settings.fault)
        self.traffic = await self.listen(self.settings.listen, self.relay)
        self.orders = await self.listen(self.settings.admin, self.admin.serve)
        traffic, orders = where(self.traffic), where(self.orders)
        log(f"passing {traffic.host}:{traffic.port} on to {':'.join(map(str, self.settings.upstream))}")
        log(f"taking orders on {orders.host}:{orders.port}")
        return traffic, orders

    async def listen(self, place: Place, serve: Serve) -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(
            lambda: Messages(requests=True, made=partial(self.welcome, serve), gone=self.forget),
            place.host,
            place.port,
            backlog=1024,
        )

    def welcome(self, serve: Serve, client: Messages) -> None:
        self.tasks[client] = asyncio.get_running_loop().create_task(serve(client))

    def forget(self, client: Messages) -> None:
        """The client is gone: so is what was done for it."""
        task = self.tasks.pop(client, None)
        if task is not None:
            task.cancel()

    async def relay(self, client: Messages) -> None:
        self.relays[client] = Relay(client, self.connect, self.switchboard, self.tally)
        self.tally.connections += 1
        try:
            await self.relays[client].run()
        finally:
            self.tally.connections -= 1
            del self.relays[client]

    async def connect(self) -> Messages:
        """A connection to the upstream. Raises OSError, TimeoutError among them."""
        async with asyncio.timeout(CONNECT_SECONDS):
            _, upstream = await asyncio.get_running_loop().create_connection(
                partial(Messages, requests=False), *self.settings.upstream
            )
        return upstream

    def drain(self) -> None:
        """Every answer is the last of its connection; who asks for nothing has a second to do so."""
        self.tally.draining = True
        asyncio.get_running_loop().call_later(DRAIN_SECONDS, self.close_idle)

    def close_idle(self) -> None:
        for relay in tuple(self.relays.values()):
            if not relay.busy:
                relay.client.close()

    async def leave(self) -> None:
        """Drain, then be deaf, then let go of whoever asks for nothing."""
        log("asked to stop: finishing what is in flight")
        self.tally.draining = True
        await asyncio.sleep(self.settings.linger)
        self.traffic.close()
        self.close_idle()
        if self.tasks:
            await asyncio.wait(self.tasks.values(), timeout=LAST_ANSWER_SECONDS)
        self.orders.close()
        for client in tuple(self.tasks):
            client.reset()


def where(server: asyncio.Server) -> Place:
    host, port = server.sockets[0].getsockname()[:2]
    return Place(host, port)


def log(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def run(arguments: Sequence[str]) -> None:
    """The proxy as a program. Exits with status 2 where the arguments make no sense."""
    chosen = settings(arguments, os.environ)
    uvloop.run(_serve(chosen))


async def _serve(chosen: Settings) -> None:
    await Proxy(chosen).serve()
