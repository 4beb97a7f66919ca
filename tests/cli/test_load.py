"""`chaosctl load` against the sample model and real sockets: what it counts, and what it refuses."""

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from traffic.conftest import HOST, ModelServer, listening, model_settings, read_request, until

LOAD = (sys.executable, "-m", "chaosctl", "load")
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


async def load(*arguments, **more):
    """Exit code, the result where it is JSON, and stderr."""
    command = [*LOAD, *map(str, arguments), "--output", "json", "--quiet"]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, **more)
    said, told = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, json.loads(said) if said else {}, told.decode()


async def good(reader, writer):
    while True:
        await read_request(reader)
        writer.write(OK)


@pytest.fixture
async def model():
    server = ModelServer(model_settings(["--host", HOST, "--port", "0"], {"POD_NAME": "p-1"}))
    server.settings = server.settings._replace(linger=0)
    port = await server.start()
    yield f"{HOST}:{port}"
    await server.leave()


@pytest.fixture
async def server():
    async with listening(good) as port:
        yield f"http://{HOST}:{port}/some/path?q=1"


async def test_a_closed_loop_sends_as_many_as_were_asked_for(server):
    code, found, _ = await load(server, "-c", 3, "-n", 50)
    assert code == 0
    assert (found["requests"], found["good"], found["statuses"]) == (50, 50, {"200": 50})
    assert (found["connections"], found["bytesIn"], found["verdict"]) == (3, 50 * len(OK), "ok")


async def test_an_open_loop_sends_when_requests_are_due(server):
    _, found, _ = await load(server, "--rate", "100/s", "--arrival", "constant", "-d", "1s")
    assert (found["requests"], found["good"], found["duration"]) == (100, 100, 1.0)
    assert set(found["sendLag"]) == {"p50", "p99", "max", "mean"}


async def test_the_request_is_the_one_that_was_written(tmp_path):
    heads = []

    async def seeing(reader, writer):
        heads.append(await read_request(reader))
        writer.write(OK)

    (tmp_path / "body.json").write_text('{"a": 1}')
    async with listening(seeing) as port:
        where = f"http://{HOST}:{port}/v1/x?q=1"
        await load(
            where, "-c", 1, "-n", 1, "-H", "Authorization: Bearer t", "--body", f"@{tmp_path}/body.json"
        )
    head, body = heads[0]
    assert head.startswith(b"POST /v1/x?q=1 HTTP/1.1\r\n")
    assert b"Authorization: Bearer t\r\n" in head
    assert body == b'{"a": 1}'


async def test_workers_share_a_load_and_add_up_to_one(model):
    arguments = (model, "--protocol", "v2", "--model", "breast-cancer", "-d", "1s", "--seed", 7)
    _, one, _ = await load(*arguments, "--rate", "60/s")
    code, three, _ = await load(*arguments, "--rate", "60/s", "--workers", 3)
    assert code in (0, 4)  # 4: this machine was too busy to send in time, and said so
    assert one["requests"] == three["requests"] > 30
    assert (one["good"], one["bytesOut"]) == (three["good"], three["bytesOut"])


async def test_a_worker_that_is_killed_makes_it_invalid(server):
    command = [*LOAD, server, "--rate", "50/s", "-d", "4s", "--workers", "2", "--output", "json", "-q"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    victim = await child(process.pid)
    os.kill(victim, signal.SIGKILL)
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 4
    assert json.loads(said)["verdict"] == "INVALID_LOADGEN"
    assert "was lost: it ended with -9" in json.loads(said)["reasons"][0]


async def child(pid):
    file = Path(f"/proc/{pid}/task/{pid}/children")
    await until(file.read_text)
    return int(file.read_text().split()[0])  # noqa: ASYNC240


async def test_text_for_people_names_what_failed():
    command = [*LOAD, f"http://{HOST}:1/", "-c", "1", "-d", "300ms"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert "connect" in said.decode()
    assert "good       0" in said.decode()


def ended(*arguments, **more):
    command = [*LOAD, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **more)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no address"),
        (["ftp://a"], "no address"),
        ([f"{HOST}:1", "--rate", "fast"], "rate"),
        ([f"{HOST}:1", "--rate", "5/s", "-c", "3"], "either --connections (closed loop) or --rate"),
        ([f"{HOST}:1", "--arrival", "{"], "--arrival is not JSON"),
        ([f"{HOST}:1", "--arrival", "gamma", "--rate", "5/s"], "burstiness"),
        ([f"{HOST}:1", "-d", "10"], "no duration"),
        ([f"{HOST}:1", "-H", "nothing"], "write NAME: VALUE"),
        ([f"{HOST}:1", "-H", "a: b\r\nc: d"], "headers"),
        ([f"{HOST}:1", "--body", "@/no/such/file"], "cannot be read"),
        ([f"{HOST}:1", "--protocol", "v9"], "no protocol 'v9'"),
        ([f"{HOST}:1", "--protocol", "v2", "--corpus", "/no/such"], "cannot be read"),
        ([f"https://{HOST}:1", "--ca", __file__], "cannot be read"),
    ],
)
def test_bad_input_is_one_clear_error(arguments, said):
    lasting = () if "-d" in arguments else ("-d", "100ms")
    done = ended(*arguments, *lasting)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_too_few_open_files_are_told_before_anything_is_sent():
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))

    done = ended(f"{HOST}:1", "-c", "1000", preexec_fn=few)
    assert done.returncode == 2
    assert "1000 connections need 1064 open files, and this process may have 256" in done.stderr
