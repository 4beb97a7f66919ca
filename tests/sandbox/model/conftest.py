"""Starts the real server as the sandbox's node does: a process on a loopback address."""

import asyncio
import http.client
import json
import queue
import select
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager

import pytest
import uvloop

from chaosctl.sandbox.model.serve import ModelServer
from chaosctl.sandbox.model.settings import settings

HOST = "127.0.41.1"
DEADLINE = 20.0


class Served:
    """A running model server and a client for it."""

    def __init__(self, process, port):
        self.process = process
        self.port = port

    def ask(self, method, path, body=None, headers=None):
        """Status, parsed or raw body, headers; on a connection of its own."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=DEADLINE)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            raw = answer.read()
        finally:
            connection.close()
        is_json = answer.headers.get("content-type") == "application/json" and raw
        return answer.status, json.loads(raw) if is_json else raw, answer.headers

    def infer(self, rows, **more):
        tensor = {"name": "features", "datatype": "FP64", "shape": [len(rows), 30], "data": rows}
        return self.ask("POST", "/v2/models/breast-cancer/infer", json.dumps({"inputs": [tensor], **more}))


@pytest.fixture
def serve():
    """serve("stable", *arguments, NAME=value) -> Served by a thread of this process."""
    with ExitStack() as stack:
        yield lambda version, *arguments, **environment: stack.enter_context(
            threaded(["--version", version, "--host", HOST, "--port", "0", *arguments], environment)
        )


@contextmanager
def threaded(arguments, environment):
    ports = queue.Queue()
    done = {}

    async def main():
        server = ModelServer(settings(arguments, environment)._replace(linger=0))
        port = await server.start()
        done["loop"] = asyncio.get_running_loop()
        done["server"] = server
        ports.put(port)
        await server.stopped.wait()
        await server.leave()

    thread = threading.Thread(target=uvloop.run, args=(main(),))
    thread.start()
    try:
        yield Served(None, ports.get(timeout=DEADLINE))
    finally:
        done["loop"].call_soon_threadsafe(done["server"].stopped.set)
        thread.join()


@pytest.fixture
def start():
    """start("stable", *arguments, NAME=value) -> Served; every process is gone after the test."""
    processes = []

    def start(version, *arguments, **environment):
        process = launch(version, *arguments, **environment)
        processes.append(process)
        line = read_line(process)
        assert "serving breast-cancer" in line, line
        return Served(process, int(line.rsplit(":", 1)[1]))

    yield start
    for process in processes:
        process.kill()
        process.wait()
        process.stderr.close()


def launch(version, *arguments, **environment):
    command = [sys.executable, "-m", "chaosctl.sandbox.model", "--version", version]
    command += ["--host", HOST, "--port", "0", *arguments]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)


def read_line(process):
    """The next line of the log, within the deadline."""
    ready, _, _ = select.select([process.stderr], [], [], DEADLINE)
    assert ready, "the server said nothing"
    return process.stderr.readline().decode()


def until(condition):
    """Poll until true, or fail."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        select.select([], [], [], 0.01)
