"""The fault proxy between real clients and real servers."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from traffic.conftest import (
    ALWAYS,
    DEADLINE,
    HOST,
    Play,
    Proxied,
    ask,
    read_request,
    status,
    switch,
    tell,
    until,
)

from chaosctl.traffic.proxy.settings import settings

GET = b"GET /v2 HTTP/1.1\r\nhost: m\r\n"
LAST = b"connection: close\r\n\r\n"


async def test_it_is_transparent_before_any_fault(model, proxy):
    through = await proxy(await model())
    played = await Play(through.port).run(0.3)
    assert played.window.failures(*ALWAYS).bad == 0
    assert played.window.disagreements(*ALWAYS).bad == 0
    assert played.window.pods(*ALWAYS) == {"p-1": 60}
    said = await status(through)
    assert (said["passed"], said["failed"], said["active"]) == (60, 0, False)


async def test_errors_hit_their_share_and_are_counted(model, proxy):
    through = await proxy(await model())
    await switch(through, errors={"status": 500, "share": 0.5}, seed=3)
    played = await Play(through.port).run(0.5)
    hit = played.errors()["status"]
    assert 25 < hit < 75
    said = await status(through)
    assert {part: count for part, count in said["touched"].items() if count} == {"errors": hit}
    assert (said["passed"], said["failed"]) == (100 - hit, 0)


async def test_latency_holds_answers_back_and_loses_none(model, proxy):
    through = await proxy(await model())
    await switch(through, latency={"fixed": 0.2})
    played = await Play(through.port, rate=100).run(0.2)
    assert played.window.failures(*ALWAYS).bad == 0
    assert played.window.latency(*ALWAYS, 0).value >= 0.2
    assert (await status(through))["touched"]["latency"] == 20


async def test_a_reset_reaches_the_client_as_one(model, proxy):
    through = await proxy(await model())
    await switch(through, disconnect={})
    with pytest.raises(ConnectionResetError):
        await ask(through.port, GET + LAST)
    played = await Play(through.port).run(0.1)
    assert played.errors() == {"reset": 20}
    assert (await status(through))["touched"]["disconnect"] == 21


async def test_a_timeout_is_no_answer_until_the_fault_ends(model, proxy):
    through = await proxy(await model())
    await switch(through, disconnect={"how": "timeout"})
    played = await Play(through.port, answer_within=0.5).run(0.1)
    assert played.errors() == {"timeout": 20}
    await until(lambda: through.traffic.tally.in_flight == 0)
    waiting = asyncio.create_task(ask(through.port, GET + LAST))
    await until(lambda: through.traffic.tally.in_flight == 1)
    await tell(through, "/fault", {})
    with pytest.raises(ConnectionResetError):
        await waiting


async def test_it_turns_transparent_at_its_deadline_by_itself(model, proxy):
    through = await proxy(await model())
    await switch(through, seconds=0.3, latency={"fixed": 60})
    await ask(through.port, GET + LAST)
    said = await status(through)
    assert (said["active"], said["secondsLeft"], said["touched"]["latency"]) == (False, 0, 1)


async def test_switched_off_it_lets_go_of_what_it_holds_back(model, proxy):
    through = await proxy(await model())
    await switch(through, latency={"fixed": 60})
    waiting = asyncio.create_task(ask(through.port, GET + LAST))
    await until(lambda: through.traffic.tally.in_flight == 1)
    assert (await tell(through, "/fault", {}))[0] == 200
    assert b"200 OK" in await waiting


async def test_a_bad_order_changes_nothing(model, proxy):
    through = await proxy(await model())
    await switch(through, errors={})
    for order in ({"x": 1}, {"until": "2001-01-01T00:00:00Z", "fault": {"errors": {}}}):
        code, reply = await tell(through, "/fault", order)
        assert code == 400
        assert reply["error"]
    assert (await status(through))["active"]
    assert (await tell(through, "/nothing"))[0] == 404
    assert (await tell(through, "/healthz", method="GET")) == (200, {"ok": True})


async def test_an_order_that_is_too_long_is_not_read(model, proxy):
    through = await proxy(await model())
    head = f"POST /fault HTTP/1.1\r\ncontent-length: {64 * 1024 + 1}\r\n\r\n".encode()
    assert await ask(through.orders, head + b" " * (64 * 1024 + 1)) == b""
    assert not (await status(through))["active"]


async def test_draining_ends_every_connection_with_its_next_answer_or_a_second_later(model, proxy):
    through = await proxy(await model())
    _, idle = await asyncio.open_connection(HOST, through.port)
    await until(lambda: through.traffic.tally.connections == 1)
    await tell(through, "/drain")
    assert b"connection: close" in await ask(through.port, GET + b"\r\n")
    await until(lambda: through.traffic.tally.connections == 0)
    idle.close()


async def test_an_upstream_that_is_not_there_is_a_failure_of_the_proxy(proxy):
    through = await proxy(1)
    assert (await ask(through.port, GET + LAST)).startswith(b"HTTP/1.1 502 ")
    assert (await status(through))["failed"] == 1


async def test_half_an_answer_is_passed_on_as_half_an_answer(raw, proxy):
    async def half(reader, writer):
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")

    through = await proxy(await raw(half))
    assert (await Play(through.port).run(0.05)).errors() == {"reset": 10}
    assert (await status(through))["failed"] == 10


async def test_an_upstream_that_speaks_no_http_is_a_reset(raw, proxy):
    async def other(reader, writer):
        await read_request(reader)
        writer.write(b"220 smtp\r\n")

    through = await proxy(await raw(other))
    assert (await Play(through.port).run(0.05)).errors() == {"reset": 10}


async def test_a_stream_passes_piece_by_piece_in_both_directions(raw, proxy):
    async def echo(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while (size := await reader.readline()) != b"0\r\n":
            writer.write(size + await reader.readexactly(int(size, 16) + 2))
        writer.write(b"0\r\n\r\n")

    through = await proxy(await raw(echo))
    reader, writer = await asyncio.open_connection(HOST, through.port)
    writer.write(b"PUT /any?x=1 HTTP/1.1\r\nhost: m\r\ntransfer-encoding: chunked\r\n\r\n")
    assert b"chunked" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), DEADLINE)
    for piece in (b"2\r\nab\r\n", b"3\r\ncde\r\n"):
        writer.write(piece)
        assert await asyncio.wait_for(reader.readexactly(len(piece)), DEADLINE) == piece
    writer.write(b"0\r\n\r\n")
    assert await asyncio.wait_for(reader.readexactly(5), DEADLINE) == b"0\r\n\r\n"
    writer.close()


async def test_a_slow_reader_makes_the_server_wait_and_not_the_proxy_grow(raw, proxy):
    sent = 0

    async def endless(reader, writer):
        nonlocal sent
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 0x10000)
            await writer.drain()
            sent += 0x10000

    through = await proxy(await raw(endless))
    reader, writer = await asyncio.open_connection(HOST, through.port, limit=1024)
    writer.write(GET + b"\r\n")
    await reader.readexactly(10)
    seen = -1
    while seen != sent:  # until nothing more goes through
        seen = sent
        await asyncio.sleep(0.2)
    assert sent < 64 * 1024 * 1024
    writer.transport.abort()
    await until(lambda: through.traffic.tally.connections == 0)


async def test_requests_without_end_wait_in_the_network_and_not_in_memory(raw, proxy):
    enough = asyncio.Event()

    async def silent(_reader, _writer):
        await enough.wait()

    through = await proxy(await raw(silent))
    _, writer = await asyncio.open_connection(HOST, through.port)
    writer.write((GET + b"\r\n") * 500_000)
    await until(lambda: through.traffic.relays)
    (relay,) = through.traffic.relays.values()
    await until(lambda: relay.client.paused)
    assert len(relay.client.parts) < 50_000
    enough.set()
    await until(lambda: not through.traffic.relays)
    writer.transport.abort()


async def test_a_client_that_leaves_frees_its_upstream_connection(raw, proxy):
    left = asyncio.Event()

    async def silent(reader, _writer):
        await reader.read()
        left.set()

    through = await proxy(await raw(silent))
    _, writer = await asyncio.open_connection(HOST, through.port)
    writer.write(GET + b"\r\n")
    await until(lambda: through.traffic.tally.in_flight == 1)
    writer.close()
    await asyncio.wait_for(left.wait(), DEADLINE)
    assert (await status(through))["failed"] == 0


async def test_pipelined_requests_head_requests_and_bodiless_answers_pass(model, proxy, raw):
    through = await proxy(await model())
    head = GET.replace(b"GET", b"HEAD")
    got = await ask(through.port, GET + b"\r\n" + head + b"\r\n" + GET + LAST)
    assert got.count(b"HTTP/1.1 200 OK") == 3
    assert got.count(b"chaosctl-sample-model") == 2

    async def empty(reader, writer):
        await read_request(reader)
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    assert b"204 No Content" in await ask((await proxy(await raw(empty))).port, GET + LAST)


async def test_an_early_refusal_reaches_the_client_while_it_still_sends(model, proxy):
    through = await proxy(await model())
    head = b"POST /v2/models/breast-cancer/infer HTTP/1.1\r\nhost: m\r\ncontent-length: 9000000\r\n\r\n"
    assert b"413" in await ask(through.port, head + b" " * 100_000, until_close=False)


async def test_a_client_of_http_1_0_gets_a_body_that_ends_with_the_connection(raw, proxy):
    async def chunked(reader, writer):
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n")

    got = await ask((await proxy(await raw(chunked))).port, b"GET / HTTP/1.0\r\n\r\n")
    assert got.endswith(b"\r\n\r\nab")


async def test_interim_answers_pass(raw, proxy):
    async def patient(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await reader.readexactly(2)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    reader, writer = await asyncio.open_connection(HOST, (await proxy(await raw(patient))).port)
    writer.write(b"POST / HTTP/1.1\r\nhost: m\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
    assert b"100 Continue" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), DEADLINE)
    writer.write(b"hi")
    assert b"200 OK" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), DEADLINE)
    writer.close()


@pytest.mark.parametrize("sent", [b"hello\r\n\r\n", b"GET / HTTP/1.1\r\nx: " + b"a" * 100_000])
async def test_what_is_no_request_is_refused(model, proxy, sent):
    assert (await ask((await proxy(await model())).port, sent)).startswith(b"HTTP/1.1 400 ")


def start(*arguments, **environment):
    """The proxy as a process, and its two ports."""
    command = [sys.executable, "-m", "chaosctl", "proxy", "--listen", ":0", "--admin", ":0", *arguments]
    process = subprocess.Popen(command, env={"POD_IP": HOST, **environment}, stderr=subprocess.PIPE)
    ports = [int(process.stderr.readline().decode().split(f"{HOST}:")[1].split()[0]) for _ in range(2)]
    return process, ports


async def test_as_a_process_it_takes_a_fault_from_its_environment_and_leaves_in_good_order(model):
    deadline = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    order = json.dumps({"until": deadline, "fault": {"errors": {"status": 599}}})
    reset = {"until": deadline, "fault": {"disconnect": {}}}
    upstream = f"{HOST}:{await model()}"
    process, (port, orders) = await asyncio.to_thread(
        start, "--upstream", upstream, CHAOSCTL_PROXY_FAULT=order, CHAOSCTL_PROXY_LINGER="0"
    )
    try:
        assert (await ask(port, GET + LAST)).startswith(b"HTTP/1.1 599 ")
        assert (await tell(Proxied(None, port, orders), "/fault", reset))[0] == 200
        with pytest.raises(ConnectionResetError):
            await ask(port, GET + LAST)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, DEADLINE) == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


async def test_started_after_the_deadline_it_is_transparent(model, proxy):
    order = json.dumps({"until": "2001-01-01T00:00:00Z", "fault": {"errors": {}}})
    late = settings(["--upstream", "h:1", "--fault", order], {}).fault
    assert late.deadline < time.time()
    through = await proxy(await model(), late)
    assert b"200 OK" in await ask(through.port, GET + LAST)


def test_settings_come_from_arguments_or_the_environment():
    chosen = settings(["--listen", ":80"], {"CHAOSCTL_PROXY_UPSTREAM": "shadow:8080", "POD_IP": HOST})
    assert (chosen.listen, chosen.upstream, chosen.admin) == ((HOST, 80), ("shadow", 8080), (HOST, 9901))


@pytest.mark.parametrize("arguments", [[], ["--upstream", "nowhere"], ["--upstream", "h:1", "--fault", "["]])
def test_settings_that_make_no_sense_exit_with_2(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        settings(arguments, {})
    assert "--" in capsys.readouterr().err


def test_serving_imports_nothing_heavy():
    started = [sys.executable, "-X", "importtime", "-m", "chaosctl", "proxy", "--help"]
    told = subprocess.run(started, capture_output=True, text=True, check=True).stderr
    loaded = {line.rpartition("|")[2].strip() for line in told.splitlines()}
    assert "chaosctl.traffic.proxy.serve" in loaded
    assert {"numpy", "pydantic", "aiohttp", "httpx", "kubernetes", "structlog", "typer"}.isdisjoint(loaded)
