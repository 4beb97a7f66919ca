"""Why: a proxy comes and goes in the same way, whatever it passes on."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar

from chaosctl.traffic.proxy.faults import Requests
from chaosctl.traffic.proxy.messages import Messages
from chaosctl.traffic.proxy.mirrors import Mirrors
from chaosctl.traffic.proxy.orders import Place
from chaosctl.traffic.proxy.pipes import End, Pipe
from chaosctl.traffic.proxy.relay import Relay
from chaosctl.traffic.proxy.switchboard import Switchboard, outlast
from chaosctl.traffic.proxy.tally import Tally
from chaosctl.traffic.proxy.toxics import Connections

CONNECT_SECONDS = 5.0
DRAIN_SECONDS = 1.0
LAST_LOOK_SECONDS = 0.1

B = TypeVar("B", bound=Switchboard[Any])
Protocol = TypeVar("Protocol", bound=asyncio.Protocol)


class Traffic(ABC, Generic[B]):
    """All connections of a proxy."""

    def __init__(self, upstream: Place, board: B) -> None:
        self.to = upstream
        self.board = board
        self.tally = Tally()

    @abstractmethod
    def accept(self) -> asyncio.Protocol:
        """What a new client speaks to."""

    @abstractmethod
    def switched(self) -> None:
        """The fault is another one, or has ended. Called more often than that."""

    @abstractmethod
    async def stop(self, seconds: float) -> None:
        """End in so many seconds, even if somebody still waits for an answer."""

    async def reach(self, factory: Callable[[], Protocol]) -> Protocol:
        """A connection to the upstream. Raises OSError, TimeoutError among them."""
        async with asyncio.timeout(CONNECT_SECONDS):
            _, protocol = await asyncio.get_running_loop().create_connection(factory, *self.to)
        return protocol

    @abstractmethod
    def drain(self) -> None:
        """Let everybody go when it is their time; who asks for nothing has a second to do so."""


class HttpTraffic(Traffic[Requests]):
    """Clients that speak HTTP/1.1."""

    def __init__(self, upstream: Place) -> None:
        super().__init__(upstream, Requests())
        self.mirrors = Mirrors(self.tally)
        self.relays: dict[Messages, Relay] = {}
        self.tasks: dict[Messages, asyncio.Task[None]] = {}

    def accept(self) -> Messages:
        return Messages(requests=True, made=self.welcome, gone=self.forget)

    def welcome(self, client: Messages) -> None:
        self.tasks[client] = asyncio.get_running_loop().create_task(self.relay(client))

    def forget(self, client: Messages) -> None:
        """The client is gone: so is what was done for it."""
        task = self.tasks.pop(client, None)
        if task is not None:
            task.cancel()

    async def relay(self, client: Messages) -> None:
        connect = partial(self.reach, partial(Messages, requests=False))
        self.relays[client] = Relay(client, connect, self.board, self.tally, self.mirrors)
        self.tally.connections += 1
        try:
            await self.relays[client].run()
        finally:
            self.tally.connections -= 1
            del self.relays[client]

    def switched(self) -> None:
        """Each request asks for itself."""

    def drain(self) -> None:
        """Every answer is the last of its connection."""
        self.tally.draining = True
        asyncio.get_running_loop().call_later(DRAIN_SECONDS, self.close_idle)

    def close_idle(self) -> None:
        for relay in tuple(self.relays.values()):
            if not relay.busy:
                relay.client.close()

    async def stop(self, seconds: float) -> None:
        self.close_idle()
        if self.tasks:
            await asyncio.wait(self.tasks.values(), timeout=seconds)
        for client in tuple(self.tasks):
            client.reset()
        self.mirrors.stop()


class TcpTraffic(Traffic[Connections]):
    """Clients that speak anything over TCP."""

    def __init__(self, upstream: Place) -> None:
        super().__init__(upstream, Connections())
        self.pipes: dict[Pipe, asyncio.Task[None] | None] = {}
        self.idle = asyncio.Event()
        self.idle.set()
        self.fault = self.board.fault

    def accept(self) -> End:
        return Pipe(self.board, self.tally, self.connect, self.welcome, self.forget).client

    async def connect(self, upstream: End) -> None:
        await self.reach(lambda: upstream)

    def welcome(self, pipe: Pipe) -> None:
        self.pipes[pipe] = asyncio.get_running_loop().create_task(pipe.open())
        self.tally.requests += 1
        self.tally.connections += 1
        self.idle.clear()

    def forget(self, pipe: Pipe) -> None:
        del self.pipes[pipe]
        self.tally.connections -= 1
        if not self.pipes:
            self.idle.set()

    def switched(self) -> None:
        fault = self.board.fault if self.board.seconds_left() else None
        if fault is not self.fault:
            self.fault = fault
            for pipe in tuple(self.pipes):
                pipe.meet(self.board.decide())

    def drain(self) -> None:
        """There is no way to ask a client to leave; who is quiet is taken for one that asks for nothing."""
        self.tally.draining = True
        self.close_quiet()
        if self.pipes:
            asyncio.get_running_loop().call_later(DRAIN_SECONDS, self.drain)

    def close_quiet(self) -> None:
        """Those on which nothing has passed since the last look."""
        for pipe in tuple(self.pipes):
            if pipe.is_quiet():
                pipe.close()

    async def stop(self, seconds: float) -> None:
        """Who is never quiet for long is let go between two answers."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while self.pipes and loop.time() < end:
            self.close_quiet()
            await outlast(self.idle, LAST_LOOK_SECONDS)
        for pipe in tuple(self.pipes):
            pipe.reset()


TRAFFIC: dict[str, type[HttpTraffic] | type[TcpTraffic]] = {"http": HttpTraffic, "tcp": TcpTraffic}
