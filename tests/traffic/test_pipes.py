"""The fault proxy in the way of bytes, whatever they mean."""

import asyncio
import socket
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from traffic.conftest import DEADLINE, HOST, status, switch, tell, until

from chaosctl.traffic.proxy.settings import settings
from chaosctl.traffic.proxy.toxics import Connections, Down, LimitData, Slicer, Stream, Toxics

UP, DOWN = "upstream", "downstream"
BOTH_WAYS = pytest.mark.parametrize("way", [UP, DOWN])
SOON = 5.0  # what takes a moment takes no longer on a busy machine


@pytest.fixture
def tcp(proxy):
    """tcp(port of the upstream) -> a proxy of bytes."""

    async def start(upstream, fault=None):
        return await proxy(upstream, fault, "tcp")

    return start


@pytest.fixture
async def echo(raw, tcp):
    """A proxy in front of a server that says what it hears, and ends when it does."""

    async def handler(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()

    return await tcp(await raw(handler))


@asynccontextmanager
async def connected(through, **more):
    reader, writer = await asyncio.open_connection(HOST, through.port, **more)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def soon(waiting):
    return await asyncio.wait_for(waiting, DEADLINE)


async def said(reader, writer, data):
    """What comes back, as much as was sent."""
    writer.write(data)
    return await soon(reader.readexactly(len(data)))


async def touched(through):
    return {part: count for part, count in (await status(through))["touched"].items() if count}


async def toxic(through, way, seconds=60.0, **toxics):
    await switch(through, seconds, **{way: toxics})


async def test_bytes_pass_as_they_are_both_ways_and_are_counted(echo):
    data = bytes(range(256)) * 4096
    async with connected(echo) as (reader, writer):
        assert await said(reader, writer, data) == data
        writer.write_eof()
        assert await soon(reader.read()) == b""
    await until(lambda: echo.traffic.tally.connections == 0)
    report = await status(echo)
    assert (report["requests"], report["passed"], report["failed"], report["active"]) == (1, 1, 0, False)


async def test_one_side_may_end_and_still_hear_the_other(raw, tcp):
    async def sums_up(reader, writer):
        writer.write(b"%d" % len(await reader.read()))

    async with connected(await tcp(await raw(sums_up))) as (reader, writer):
        writer.write(b"x" * 1000)
        writer.write_eof()
        assert await soon(reader.read()) == b"1000"


async def test_a_server_may_end_first_and_still_hear_the_client(raw, tcp):
    heard = asyncio.get_running_loop().create_future()

    async def ends_first(reader, writer):
        writer.write_eof()
        heard.set_result(await reader.read())

    async with connected(await tcp(await raw(ends_first))) as (reader, writer):
        assert await soon(reader.read()) == b""
        writer.write(b"still here")
        writer.write_eof()
        assert await soon(heard) == b"still here"


@BOTH_WAYS
async def test_a_reset_of_one_side_is_one_for_the_other(raw, tcp, way):
    ended = asyncio.get_running_loop().create_future()

    async def handler(reader, writer):
        await reader.readexactly(2)
        if way == DOWN:
            with_rst(writer)
            return
        try:
            await reader.read()
        except ConnectionResetError as reset:
            ended.set_result(reset)

    async with connected(await tcp(await raw(handler))) as (reader, writer):
        writer.write(b"hi")
        if way == UP:
            await until(lambda: not ended.done())
            with_rst(writer)
            assert isinstance(await soon(ended), ConnectionResetError)
        else:
            with pytest.raises(ConnectionResetError):
                await soon(reader.read())


def with_rst(writer):
    linger = (1).to_bytes(4, "little") + bytes(4)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def test_an_upstream_that_is_not_there_is_a_reset_and_a_failure_of_the_proxy(tcp):
    through = await tcp(1)
    with pytest.raises(ConnectionResetError):
        async with connected(through) as (reader, _):
            await soon(reader.read())
    assert (await status(through))["failed"] == 1


@BOTH_WAYS
async def test_a_peer_that_never_reads_makes_the_other_wait_and_not_the_proxy_grow(raw, tcp, way):
    sent = 0

    async def talk(writer):
        nonlocal sent
        while True:
            writer.write(b"x" * 0x10000)
            await writer.drain()
            sent += 0x10000

    enough = asyncio.Event()

    async def handler(_reader, writer):
        if way == DOWN:
            await talk(writer)
        await enough.wait()

    through = await tcp(await raw(handler))
    async with connected(through, limit=1024) as (_, writer):
        talking = asyncio.create_task(talk(writer)) if way == UP else None
        await until(lambda: sent > 0)
        seen = -1
        while seen != sent:  # until nothing more goes through
            seen = sent
            await asyncio.sleep(0.2)
        assert sent < 64 * 1024 * 1024
        [pipe] = through.traffic.pipes
        [end] = [end for end in pipe.ends if end.blocked]
        assert end.transport.get_write_buffer_size() < 2 * 1024 * 1024
        if talking:
            talking.cancel()
        enough.set()


async def test_what_a_toxic_holds_back_is_bounded(echo):
    await toxic(echo, UP, timeout={})
    async with connected(echo) as (_, writer):
        writer.write(b"x" * 0x4000000)
        await until(lambda: [pipe for pipe in echo.traffic.pipes if pipe.up.is_full])
        [pipe] = echo.traffic.pipes
        assert not pipe.up.reading
        assert pipe.up.waiting < 2 * 1024 * 1024
    await tell(echo, "/fault", {})
    await until(lambda: echo.traffic.tally.connections == 0)


@BOTH_WAYS
async def test_latency_holds_every_piece_back_and_loses_none(echo, way):
    async with connected(echo) as (reader, writer):
        assert await said(reader, writer, b"before") == b"before"
        await toxic(echo, way, latency={"fixed": 0.3})
        began = time.monotonic()
        assert await said(reader, writer, b"hello") == b"hello"
        assert 0.3 <= time.monotonic() - began < SOON
    assert await touched(echo) == {f"{way}.latency": 1}


async def test_jitter_keeps_pieces_in_order(echo):
    await toxic(echo, UP, latency={"jitter": 0.05, "distribution": "exponential"})
    async with connected(echo) as (reader, writer):
        for number in range(20):
            writer.write(b"%02d" % number)
            await asyncio.sleep(0)
        assert await soon(reader.readexactly(40)) == b"".join(b"%02d" % number for number in range(20))


@BOTH_WAYS
async def test_bandwidth_is_bytes_a_second(echo, way):
    await toxic(echo, way, bandwidth={"rate": 10_000})
    async with connected(echo) as (reader, writer):
        began = time.monotonic()
        assert await said(reader, writer, b"x" * 6000) == b"x" * 6000
        assert 0.3 <= time.monotonic() - began < SOON
    assert await touched(echo) == {f"{way}.bandwidth": 1}


@BOTH_WAYS
async def test_a_slow_close_holds_the_end_back_and_no_data(raw, tcp, way):
    ended = asyncio.get_running_loop().create_future()

    async def handler(reader, writer):
        writer.write(b"all")
        if way == DOWN:
            writer.write_eof()
        await reader.read()
        ended.set_result(time.monotonic())

    through = await tcp(await raw(handler))
    await toxic(through, way, slowClose={"delay": 0.4})
    began = time.monotonic()
    async with connected(through) as (reader, writer):
        assert await soon(reader.readexactly(3)) == b"all"
        if way == UP:
            writer.write_eof()
            end = await soon(ended)
        else:
            assert await soon(reader.read()) == b""
            end = time.monotonic()
        assert 0.4 <= end - began < SOON
    assert await touched(through) == {f"{way}.slowClose": 1}


@BOTH_WAYS
async def test_a_timeout_passes_nothing_and_closes(echo, way):
    await toxic(echo, way, timeout={"after": 0.3})
    async with connected(echo) as (reader, writer):
        began = time.monotonic()
        writer.write(b"lost")
        assert await soon(reader.read()) == b""
        assert 0.2 <= time.monotonic() - began < SOON
    assert await touched(echo) == {f"{way}.timeout": 1}


async def test_a_timeout_without_a_time_holds_data_until_it_is_switched_off(echo):
    await toxic(echo, DOWN, timeout={})
    async with connected(echo) as (reader, writer):
        writer.write(b"late")
        await until(lambda: [pipe for pipe in echo.traffic.pipes if pipe.down.waiting])
        await tell(echo, "/fault", {})
        assert await soon(reader.readexactly(4)) == b"late"
        assert await said(reader, writer, b"same connection") == b"same connection"


@BOTH_WAYS
async def test_a_slicer_cuts_data_in_slices_with_pauses(echo, way):
    await toxic(echo, way, slicer={"size": 10, "delay": 0.02})
    async with connected(echo) as (reader, writer):
        began = time.monotonic()
        writer.write(b"x" * 100)
        assert len(await soon(reader.read(100))) < 100
        [pipe] = echo.traffic.pipes
        await until(lambda: not pipe.up.pieces and not pipe.down.pieces and pipe.down.taken)
        assert 0.18 <= time.monotonic() - began < SOON
    assert await touched(echo) == {f"{way}.slicer": 1}


async def test_what_is_no_larger_than_a_slice_is_not_touched(echo):
    await toxic(echo, UP, slicer={"size": 10})
    async with connected(echo) as (reader, writer):
        assert await said(reader, writer, b"x" * 10) == b"x" * 10
    assert await touched(echo) == {}


async def test_slices_of_one_byte_do_not_keep_others_waiting(echo):
    await toxic(echo, UP, slicer={"size": 1})
    data = b"abc" * 20_000
    async with connected(echo) as (reader, writer):
        assert await said(reader, writer, data) == data


@BOTH_WAYS
async def test_a_limit_passes_so_many_bytes_and_closes(echo, way):
    await toxic(echo, way, limitData={"bytes": 150})
    async with connected(echo) as (reader, writer):
        assert await said(reader, writer, b"x" * 100) == b"x" * 100
        writer.write(b"y" * 100)
        got = await soon(reader.read())
        assert got == b"y" * 50 if way == DOWN else b"y" * 50 in (got or b"y" * 50)
    assert await touched(echo) == {f"{way}.limitData": 1}


@BOTH_WAYS
async def test_a_reset_toxic_resets_both_sides_after_its_time(raw, tcp, way):
    ended = asyncio.get_running_loop().create_future()

    async def handler(reader, _writer):
        try:
            await reader.read()
        except ConnectionResetError as reset:
            ended.set_result(reset)

    through = await tcp(await raw(handler))
    async with connected(through) as (reader, writer):
        writer.write(b"hi")
        await until(lambda: through.traffic.pipes)
        await until(lambda: [pipe for pipe in through.traffic.pipes if pipe.up.taken])
        began = time.monotonic()
        await toxic(through, way, reset={"after": 0.2})
        with pytest.raises(ConnectionResetError):
            await soon(reader.read())
        assert 0.2 <= time.monotonic() - began < SOON
        assert isinstance(await soon(ended), ConnectionResetError)
    assert await touched(through) == {f"{way}.reset": 1}


async def test_down_resets_who_is_there_and_who_comes_and_ends_with_the_fault(echo):
    async with connected(echo) as (reader, writer):
        assert await said(reader, writer, b"hi") == b"hi"
        await switch(echo, down={})
        with pytest.raises(ConnectionResetError):
            await soon(reader.read())
    with pytest.raises(ConnectionResetError):
        async with connected(echo) as (reader, _):
            await soon(reader.read())
    assert await touched(echo) == {"down": 2}
    await tell(echo, "/fault", {})
    async with connected(echo) as (reader, writer):
        assert await said(reader, writer, b"again") == b"again"


async def test_toxics_come_and_go_on_a_connection_that_lives_on(echo):
    async with connected(echo) as (reader, writer):
        for toxics in ({"latency": {"fixed": 0.01}}, {"slicer": {"size": 3}}, {"bandwidth": {"rate": 1e6}}):
            await toxic(echo, UP, **toxics)
            assert await said(reader, writer, b"with it") == b"with it"
            await tell(echo, "/fault", {})
            assert await said(reader, writer, b"without") == b"without"
            [pipe] = echo.traffic.pipes
            assert (pipe.up.clear, pipe.down.clear) == (True, True)
    assert echo.traffic.tally.requests == 1


async def test_at_the_deadline_what_was_held_back_passes_and_the_connection_lives_on(echo):
    await toxic(echo, UP, seconds=0.4, latency={"fixed": 60}, bandwidth={"rate": 1})
    async with connected(echo) as (reader, writer):
        assert await said(reader, writer, b"held") == b"held"
        [pipe] = echo.traffic.pipes
        await until(lambda: pipe.up.clear)
        assert await said(reader, writer, b"not held") == b"not held"
    report = await status(echo)
    assert (report["active"], report["touched"]["upstream.latency"]) == (False, 1)


async def test_a_share_is_one_of_connections_and_a_seed_repeats_it():
    def hits(seed):
        board = Connections()
        board.switch(Toxics(time.time() + 60, seed, downstream=Stream(limit_data=LimitData(1, 0.3))))
        return [board.decide().downstream.limit_data is not None for _ in range(2000)]

    assert 500 < sum(hits(1)) < 700
    assert hits(1) == hits(1)
    assert hits(1) != hits(2)


async def test_a_toxic_for_half_of_the_connections_spares_the_others(echo):
    await toxic(echo, DOWN, limitData={"bytes": 1, "share": 0.5})
    whole = 0
    for _ in range(40):
        async with connected(echo) as (reader, writer):
            writer.write(b"hello")
            writer.write_eof()
            whole += await soon(reader.read()) == b"hello"
    assert 5 < whole < 35
    assert await touched(echo) == {"downstream.limitData": 40 - whole}


async def test_draining_closes_who_is_quiet_and_spares_who_waits_for_an_answer(raw, tcp):
    go_on = asyncio.Event()

    async def slow(reader, writer):
        await reader.readexactly(1)
        await go_on.wait()
        writer.write(b"answer")
        await reader.read()

    through = await tcp(await raw(slow))
    async with connected(through) as (quiet, _), connected(through) as (waiting, writer):
        writer.write(b"?")
        await until(lambda: [pipe for pipe in through.traffic.pipes if pipe.up.taken])
        await tell(through, "/drain")
        assert await soon(quiet.read()) == b""
        assert through.traffic.tally.connections == 1
        go_on.set()
        assert await soon(waiting.read()) == b"answer"


async def test_stopped_it_lets_go_of_whoever_is_quiet_and_cuts_off_who_waits_for_ever(raw, tcp):
    async def never(reader, writer):
        writer.write(b"hello")
        await reader.read()

    through = await tcp(await raw(never))
    async with connected(through) as (quiet, _), connected(through) as (waiting, writer):
        assert await soon(quiet.readexactly(5)) == await soon(waiting.readexactly(5)) == b"hello"
        writer.write(b"?")
        await until(lambda: [pipe for pipe in through.traffic.pipes if pipe.last is pipe.up])
        await soon(through.traffic.stop(0.5))
        assert await soon(quiet.read()) == b""
        with pytest.raises(ConnectionResetError):
            await soon(waiting.read())


WRONG = {
    "has none of down, upstream, downstream": {},
    "the fault has no field 'errors'": {"errors": {}},
    "upstream has no field 'delay'; it has latency": {"upstream": {"delay": 1}},
    "upstream.latency needs fixed or jitter": {"upstream": {"latency": {}}},
    "downstream.bandwidth needs rate": {"downstream": {"bandwidth": {}}},
    "downstream.bandwidth.rate must be a number from 1": {"downstream": {"bandwidth": {"rate": 0.5}}},
    "upstream.slowClose needs delay": {"upstream": {"slowClose": {}}},
    "upstream.slicer.size must be a whole number from 1": {"upstream": {"slicer": {"size": 0}}},
    "upstream.limitData.bytes must be a whole number": {"upstream": {"limitData": {"bytes": "many"}}},
    "upstream.timeout.after must be a number from 0 to 3600": {"upstream": {"timeout": {"after": -1}}},
    "upstream.reset must be a JSON object": {"upstream": {"reset": True}},
    "down.share must be a number from 0 to 1": {"down": {"share": 2}},
}


@pytest.mark.parametrize("message", WRONG)
async def test_a_wrong_order_is_refused_with_the_reason_and_changes_nothing(echo, message):
    await toxic(echo, UP, slicer={"size": 1})
    deadline = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    code, reply = await tell(echo, "/fault", {"until": deadline, "fault": WRONG[message]})
    assert code == 400
    assert message in reply["error"]
    assert echo.traffic.board.fault.upstream == Stream(slicer=Slicer(1))


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--protocol", "udp"], "--protocol"),
        (
            ["--protocol", "tcp", "--fault", '{"fault": {"errors": {}}, "until": "2030-01-01T00:00:00Z"}'],
            "errors",
        ),
        (
            ["--protocol", "http", "--fault", '{"fault": {"down": {}}, "until": "2030-01-01T00:00:00Z"}'],
            "down",
        ),
        (["--protocol", "tcp", "--fault", "[]"], "must be a JSON object"),
    ],
)
def test_a_fault_of_the_other_protocol_exits_with_2_and_one_error(arguments, why, capsys):
    with pytest.raises(SystemExit, match="2"):
        settings(["--upstream", "h:1", *arguments], {})
    told = capsys.readouterr().err.splitlines()
    assert [line for line in told if "error:" in line and why in line] == [told[-1]]


async def test_a_process_starts_with_a_fault_from_its_arguments(tcp, raw):
    async def silent(reader, _writer):
        await reader.read()

    fault = Toxics(time.time() + 60, down=Down())
    with pytest.raises(ConnectionResetError):
        async with connected(await tcp(await raw(silent), fault)) as (reader, _):
            await soon(reader.read())
