"""A closed loop asks as soon as it has heard, and survives what servers do."""

import asyncio
import time
from itertools import islice, repeat

import pytest
from traffic.conftest import DEADLINE, HOST, read_request, until

from chaosctl.streams.plain import Plain
from chaosctl.streams.protocol import HttpRequest
from chaosctl.streams.requests import NOTHING, Outgoing, encode
from chaosctl.streams.tally import Tally
from chaosctl.traffic.address import Address
from chaosctl.traffic.closed_loop import ClosedLoop
from chaosctl.traffic.pool import Dialer

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
CLOSING = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok"
REQUEST = Outgoing(encode(HttpRequest("GET", "/", (), b""), HOST, "", {}), NOTHING.row)


def serving(answer, delay=0.0):
    """A server that gives each request the same bytes, or none, on connections that it keeps."""

    async def handler(reader, writer):
        while True:
            await read_request(reader)
            await asyncio.sleep(delay)
            writer.write(answer)
            await writer.drain()
            if b"connection: close" in answer:
                return

    return handler


async def play(port, *, users=4, seconds=0.3, answer_within=5.0, count=None, codec=None):
    """The seconds of a closed loop in one, and its connections."""
    tally = Tally(time.monotonic(), answer_within)
    requests = islice(repeat(REQUEST), count)
    loop = ClosedLoop(requests, codec or Plain("/", "GET", {}, b""), tally, answer_within)
    dialer = Dialer(Address(HOST, port))
    await asyncio.wait_for(loop.run(dialer, users, seconds), DEADLINE)
    await dialer.close()
    whole = tally.second
    for _, second in tally.take():
        if second is not whole:
            whole.merge(second)
    return whole, dialer


async def test_each_user_keeps_one_connection_and_one_request_under_way(raw):
    busy = most = 0

    async def handler(reader, writer):
        nonlocal busy, most
        while True:
            await read_request(reader)
            busy += 1
            most = max(most, busy)
            await asyncio.sleep(0.01)
            busy -= 1
            writer.write(OK)

    found, dialer = await play(await raw(handler), users=4)
    assert (most, dialer.opened) == (4, 4)
    assert found.n > 8
    assert found.good == found.n


async def test_it_ends_after_so_many_requests(raw):
    found, dialer = await play(await raw(serving(OK)), users=3, seconds=60, count=100)
    assert (found.n, found.good, found.statuses) == (100, 100, {200: 100})
    assert dialer.shared.received == 100 * len(OK)
    assert dialer.shared.sent == 100 * len(REQUEST.payload)


async def test_where_the_server_closes_it_opens_another(raw):
    found, dialer = await play(await raw(serving(CLOSING)), users=2, seconds=60, count=10)
    assert (found.good, found.errors) == (10, {})
    assert dialer.opened >= 10


async def test_a_server_that_never_answers_fails_each_request_once(raw):
    async def silent(reader, _writer):
        await reader.read()

    found, _ = await play(await raw(silent), users=3, seconds=0.1, answer_within=0.2)
    assert (found.good, found.errors) == (0, {"timeout": 3})


async def test_nobody_listening_is_not_asked_thousands_of_times():
    found, _ = await play(1, users=2, seconds=0.35)
    assert set(found.errors) == {"connect"}
    assert 2 <= found.n <= 10


async def test_a_reset_amid_an_answer_is_one_failure_and_the_user_goes_on(raw):
    count = 0

    async def handler(reader, writer):
        nonlocal count
        while True:
            await read_request(reader)
            count += 1
            writer.write(OK[:-1] if count == 3 else OK)
            if count == 3:
                return

    found, _ = await play(await raw(handler), users=1, seconds=60, count=6)
    assert (found.good, found.errors) == (5, {"reset": 1})


class Broken(Plain):
    """A codec with a bug."""

    def parse(self, *_):
        raise ZeroDivisionError


async def test_a_codec_that_raises_fails_its_requests_by_name(raw):
    broken = Broken("/", "GET", {}, b"")
    found, _ = await play(await raw(serving(OK)), seconds=60, count=5, codec=broken)
    assert found.errors == {"codec: ZeroDivisionError": 5}


@pytest.mark.parametrize("second", [b"HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\nok", OK])
async def test_an_answer_nobody_asked_for_is_never_taken_for_the_next_one(raw, second):
    found, dialer = await play(await raw(serving(OK + second)), users=1, seconds=60, count=5)
    assert (found.good, found.errors) == (5, {})
    assert dialer.opened >= 5  # the connection is given up each time


async def test_answers_whose_heads_differ_are_all_read(raw):
    """Known heads shorten the way, and must not be taken for others."""
    answers = [
        b"HTTP/1.1 200 OK\r\nx: 1\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nx: 1\r\ncontent-length: 3\r\n\r\nyes",
        b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n\r\n\r\n!",
    ]

    async def handler(reader, writer):
        for number in range(1000):
            await read_request(reader)
            answer = answers[number % 5]
            for start in range(0, len(answer), 7 if number % 3 == 0 else 1000):
                writer.write(answer[start : start + (7 if number % 3 == 0 else 1000)])
                await writer.drain()
                await asyncio.sleep(0)

    found, dialer = await play(await raw(handler), users=1, seconds=60, count=100)
    assert (found.good, found.errors, found.statuses) == (80, {"status": 20}, {200: 80, 503: 20})
    assert dialer.opened == 1


async def test_cancelled_it_leaves_nothing_open(raw):
    tally = Tally(time.monotonic(), 5.0)
    loop = ClosedLoop(repeat(REQUEST), Plain("/", "GET", {}, b""), tally, 5.0)
    dialer = Dialer(Address(HOST, await raw(serving(OK, delay=30))))
    running = asyncio.create_task(loop.run(dialer, 3, 60))
    await until(lambda: any(user.asks for user in getattr(loop, "users", ())))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await asyncio.wait_for(dialer.close(), DEADLINE)
    assert not dialer.shared.live
