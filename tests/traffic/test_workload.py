"""What the load generator counts, against good servers and bad ones."""

import asyncio
import time
from datetime import UTC, datetime

import pytest
from traffic.conftest import ALWAYS, HOST, Play, read_request, until

from chaosctl.errors import Invalid, NoData
from chaosctl.traffic.address import Address, address
from chaosctl.traffic.pool import Limits

OK = b"HTTP/1.1 200 OK\r\ncontent-length: "


def answer(body, head=b""):
    return OK + str(len(body)).encode() + b"\r\n" + head + b"\r\n" + body


GOOD = answer(b'{"model_version": "9", "outputs": []}')


def always(data):
    """A server that gives the same bytes to every request, and keeps the connection."""

    async def handler(reader, writer):
        while True:
            await read_request(reader)
            writer.write(data)
            await writer.drain()

    return handler


def once(data):
    """A server that gives these bytes and closes."""

    async def handler(reader, writer):
        await read_request(reader)
        writer.write(data)

    return handler


async def test_a_good_model_answers_every_request_as_it_should(model):
    played = await Play(await model(), rate=200).run(0.5)
    assert len(played.window) == 100
    assert played.window.failures(*ALWAYS).bad == 0
    assert played.window.disagreements(*ALWAYS).bad == 0
    assert played.window.versions(*ALWAYS) == {"stable": 100}
    assert played.window.pods(*ALWAYS) == {"p-1": 100}


async def test_wrong_weights_are_seen_as_disagreement_and_not_as_failure(model):
    played = await Play(await model("--version", "wrong-weights"), rate=500).run(0.4)
    assert played.window.failures(*ALWAYS).bad == 0
    assert 0.2 < played.window.disagreements(*ALWAYS).value < 0.7


async def test_a_slow_server_does_not_slow_down_the_requests(model):
    played = await Play(await model("--delay", "0.3"), rate=100).run(0.3)
    assert len(played.window) == 30
    due = [sample.scheduled for sample in played.window]
    assert due[-1] - due[0] == pytest.approx(0.29)
    assert played.window.latency(*ALWAYS, 0).value >= 0.3


async def test_connections_are_used_again_but_not_for_ever(model):
    port = await model()
    played = await Play(port, rate=100).run(0.4)
    assert played.workload.pool.dialer.opened < 40
    played = await Play(port, rate=50, limits=Limits(requests_each=2)).run(0.6)
    assert played.workload.pool.dialer.opened >= 15  # two requests each
    assert played.window.failures(*ALWAYS).bad == 0


async def test_a_connection_nobody_uses_is_closed_when_it_is_old(model):
    played = await Play(await model(), rate=5, limits=Limits(seconds_each=0.05)).run(0.9)
    assert played.workload.pool.dialer.opened == 5
    assert played.window.failures(*ALWAYS).bad == 0


async def test_nobody_listening_is_a_failure_to_connect(raw):
    async def nothing(_reader, _writer):
        """Close at once."""

    port = await raw(nothing)
    assert (await Play(port).run(0.05)).errors() == {"reset": 10}
    free = Play(1)
    assert (await free.run(0.05)).errors() == {"connect": 10}
    with pytest.raises(NoData):
        free.window.versions(*ALWAYS)


async def test_an_answer_too_late_is_a_timeout_and_so_is_none(raw):
    async def silent(reader, _writer):
        await reader.read()

    played = await Play(await raw(silent), rate=100, answer_within=0.5).run(0.1)
    assert played.errors() == {"timeout": 10}
    assert played.window.latency(*ALWAYS, 50).value == 0.5


async def test_past_the_most_in_flight_requests_are_dropped_and_count(raw):
    async def silent(reader, _writer):
        await reader.read()

    played = await Play(await raw(silent), rate=100, answer_within=0.8, limits=Limits(in_flight=5)).run(0.2)
    assert played.errors() == {"timeout": 5, "dropped": 15}
    unsent = [sample for sample in played.window if sample.error == "dropped"]
    assert all(sample.sent is None for sample in unsent)


async def test_a_sleep_of_our_own_is_not_held_against_the_server(raw):
    play = Play(await raw(always(GOOD)), rate=100, answer_within=0.2)
    asyncio.get_running_loop().call_later(0.105, time.sleep, 0.6)  # as if stopped, between two requests
    played = await play.run(1.0)
    assert {sample.error for sample in played.window} == {"unsent", None}
    whole = played.window.failures(*ALWAYS)
    assert whole.bad == 0
    assert 0 < whole.n < 100


HOSTILE = {
    "an error": (always(b"HTTP/1.1 503 Unavailable\r\ncontent-length: 0\r\n\r\n"), "status"),
    "a redirect": (always(b"HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n"), "status"),
    "not HTTP": (once(b"\x16\x03\x03 not for you"), "protocol"),
    "invalid UTF-8": (always(answer(b'{"outputs": "\xff"}')), "protocol"),
    "HTML": (always(answer(b"<html>")), "protocol"),
    "a short body": (once(OK + b"100\r\n\r\n{}"), "reset"),
    "a long body": (once(OK + b"2000000\r\n\r\n" + b" " * 2_000_000), "too-large"),
    "an endless head": (once(OK + b"2\r\nx: " + b"a" * 200_000), "too-large"),
    "two lengths": (once(OK + b"2\r\ncontent-length: 3\r\n\r\n{}"), "protocol"),
    "an upgrade": (
        once(b"HTTP/1.1 101 Switching\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n"),
        "protocol",
    ),
}


@pytest.mark.parametrize(("handler", "error"), HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_hostile_answer_fails_its_request_and_no_more(raw, handler, error):
    played = await Play(await raw(handler)).run(0.05)
    assert played.errors() == {error: 10}


@pytest.mark.parametrize(("size", "errors"), [(1024 * 1024, {}), (1024 * 1024 + 1, {"too-large": 2})])
async def test_a_mebibyte_of_answer_is_read_and_one_byte_more_is_too_large(raw, size, errors):
    body = b'{"outputs": []}'.ljust(size)
    assert (await Play(await raw(always(answer(body)))).run(0.01)).errors() == errors


async def test_a_stream_without_end_is_cut_off(raw):
    sent = 0

    async def endless(reader, writer):
        nonlocal sent
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            sent += 0x10000
            await writer.drain()

    played = await Play(await raw(endless), rate=100).run(0.05)
    assert played.errors() == {"too-large": 5}
    assert sent < 5 * 16 * 1024 * 1024


@pytest.mark.parametrize(
    "handler",
    [
        always(b"HTTP/1.1 100 Continue\r\n\r\n" + GOOD),
        always(
            b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nd\r\n{"outputs":[]\r\n1\r\n}\r\n0\r\n\r\n'
        ),
        once(b'HTTP/1.1 200 OK\r\n\r\n{"outputs": []}'),
        once(GOOD),
        always(answer(b'{"outputs": []}', b"connection: close\r\n")),
    ],
    ids=["interim", "chunked", "ended by closing", "closing unasked", "closing as said"],
)
async def test_an_unusual_but_legal_answer_is_good(raw, handler):
    played = await Play(await raw(handler), rate=50).run(0.1)
    assert played.window.failures(*ALWAYS).bad == 0


async def test_a_server_that_answers_twice_costs_only_the_connection(raw):
    played = await Play(await raw(always(GOOD + GOOD)), rate=50).run(0.2)
    assert len(played.window) == 10
    assert played.window.failures(*ALWAYS).bad == 0


async def test_settled_tells_probes_when_a_second_is_complete(model):
    played = Play(await model("--delay", "0.1"), rate=50)
    running = asyncio.create_task(played.run(0.5))
    start = time.time()
    await until(lambda: played.window.scheduled)
    end = datetime.fromtimestamp(start + 0.2, UTC)
    await asyncio.wait_for(played.window.settled(end), 10)
    early = [sample for sample in played.window if sample.scheduled < start + 0.2]
    assert early
    await running
    assert [s for s in played.window if s.scheduled < start + 0.2] == early


async def test_times_are_the_given_clocks(model):
    played = await Play(await model(), rate=50, clock=lambda: 1_000_000.0).run(0.1)
    assert all(1_000_000.0 <= sample.scheduled < 1_000_000.2 for sample in played.window)


async def test_cancelled_it_stops_at_once_and_leaves_nothing_open(raw):
    async def silent(reader, _writer):
        await reader.read()

    played = Play(await raw(silent), rate=100)
    running = asyncio.create_task(played.run(60))
    await until(lambda: played.workload.loop.in_flight)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert len(played.window) == 0
    assert played.window.settled_until == float("inf")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:8080", Address("127.0.0.1", 8080)),
        ("http://model.example", Address("model.example", 80)),
        ("https://model.example/a/b/", Address("model.example", 443, tls=True, prefix="/a/b")),
        ("http://[::1]:8080", Address("::1", 8080)),
    ],
)
def test_an_address_is_host_and_port_or_a_url(text, expected):
    assert address(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://",
        "ftp://a",
        "http://a:99999",
        "http://u:p@a",
        "http://a/x y",
        "http://a/\x00",
        "http://" + "a" * 70,
        "http://[::1",
    ],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(Invalid, match="is no address"):
        address(text)


def test_the_host_header_names_the_port():
    assert (Address(HOST, 80).authority, Address("::1", 80).authority) == (f"{HOST}:80", "[::1]:80")
