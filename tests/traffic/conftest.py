"""Real servers on loopback: the sample model, the proxy, and servers that behave badly."""

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import uvloop

from chaosctl.sandbox.model.serve import ModelServer
from chaosctl.sandbox.model.settings import settings as model_settings
from chaosctl.spec.arrivals import Constant
from chaosctl.streams.arrivals import arrivals
from chaosctl.streams.codecs import codec
from chaosctl.streams.corpus import golden, shuffled
from chaosctl.streams.samples import Window
from chaosctl.traffic.address import Address
from chaosctl.traffic.proxy.orders import Place
from chaosctl.traffic.proxy.serve import Proxy
from chaosctl.traffic.proxy.settings import Settings
from chaosctl.traffic.workload import Traffic, Workload

HOST = "127.0.42.1"
DEADLINE = 20.0
UVLOOP = ("test_proxy.py", "test_pipes.py", "test_bodies.py")
ALWAYS = (datetime.fromtimestamp(0, UTC), datetime.fromtimestamp(4e9, UTC))


def pytest_asyncio_loop_factories(config, item):  # noqa: ARG001 - the plug-in's signature
    """The proxy is tested on the loop that it runs on."""
    return (
        {"uvloop": uvloop.new_event_loop} if item.path.name in UVLOOP else {"asyncio": asyncio.new_event_loop}
    )


class Play:
    """A workload that was played against an address, and its window."""

    def __init__(self, port, rate=200.0, answer_within=5.0, **more):
        self.window = Window(answer_within)
        traffic = Traffic(
            arrivals(Constant(process="constant", rate=f"{rate}/s")),
            shuffled(golden()),
            codec("v2", "breast-cancer"),
        )
        self.workload = Workload(Address(HOST, port), traffic, self.window, **more)

    async def run(self, seconds):
        await asyncio.wait_for(self.workload.run(seconds), DEADLINE)
        return self

    def errors(self):
        return self.window.errors(*ALWAYS)


@pytest.fixture
async def stack():
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def raw(stack):
    """raw(handler) -> port of a server that does with each connection what the handler does."""

    async def start(handler):
        return await stack.enter_async_context(listening(handler))

    return start


@pytest.fixture
def model(stack):
    """model(*arguments) -> port of the sample model."""

    async def start(*arguments):
        server = ModelServer(model_settings(["--host", HOST, "--port", "0", *arguments], {"POD_NAME": "p-1"}))
        server.settings = server.settings._replace(linger=0)
        port = await server.start()
        stack.push_async_callback(server.leave)
        return port

    return start


@pytest.fixture
def proxy(stack):
    """proxy(port of the upstream) -> Proxied."""

    async def start(upstream, fault=None, protocol="http"):
        anywhere = Place(HOST, 0)
        made = Proxy(Settings(anywhere, Place(HOST, upstream), anywhere, protocol, fault, linger=0.0))
        traffic, orders = await made.start()
        stack.push_async_callback(made.leave)
        return Proxied(made, traffic.port, orders.port)

    return start


class Proxied:
    """A running proxy, and how to give it orders."""

    def __init__(self, proxy, port, orders):
        self.traffic = proxy and proxy.traffic
        self.port = port
        self.orders = orders


@asynccontextmanager
async def listening(handler, **more):
    tasks = set()

    async def serve(reader, writer):
        tasks.add(asyncio.current_task())
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client is gone, which is what some of these handlers are about
        finally:
            writer.close()

    server = await asyncio.start_server(serve, HOST, 0, **more)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def read_request(reader):
    """Head and body of one request with a Content-Length."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
    return head, await reader.readexactly(length)


async def ask(port, sent, *, until_close=True):
    """Everything that is answered to these bytes until the connection ends."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(sent)
        return await asyncio.wait_for(
            reader.read() if until_close else reader.readuntil(b"\r\n\r\n"), DEADLINE
        )
    finally:
        writer.close()


async def until(condition):
    """Poll until true, or fail."""
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


async def tell(proxy, path, body=None, method="POST"):
    """Status and JSON of the admin port's reply."""
    payload = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nhost: p\r\ncontent-length: {len(payload)}\r\n\r\n"
    got = await ask(proxy.orders, head.encode() + payload)
    return int(got.split()[1]), json.loads(got.partition(b"\r\n\r\n")[2])


async def status(proxy):
    return (await tell(proxy, "/status", method="GET"))[1]


async def switch(proxy, seconds=60.0, **fault):
    deadline = datetime.now(UTC) + timedelta(seconds=seconds)
    code, reply = await tell(proxy, "/fault", {"until": deadline.isoformat(), "fault": fault})
    assert (code, reply["active"]) == (200, True)
