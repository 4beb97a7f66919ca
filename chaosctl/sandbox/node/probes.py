"""Why: readiness and liveness decide what a drill sees, so probes ask and answer as a kubelet's do."""

import asyncio
import signal
import ssl
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.node.process import Process

_REDIRECTED = 400  # 200 up to here counts as success
_HEAD_LIMIT = 64 * 1024
_OUTPUT_LIMIT = 10 * 1024


class ProbeFailed(Exception):
    """The container did not pass. The message is for its event."""


class Subject(NamedTuple):
    """The container that is asked: where it listens, and how to run a command in it."""

    address: str
    ports: Mapping[str, int]
    env: Mapping[str, str]
    folder: Path

    def port(self, port: int | str) -> int:
        """The number of a port. ProbeFailed if no port has that name."""
        if isinstance(port, int) or port.isdigit():
            return int(port)
        if port not in self.ports:
            raise ProbeFailed(f"couldn't find port: {port}")
        return self.ports[port]


async def probe(spec: Json, subject: Subject) -> None:
    """Ask once. ProbeFailed says why it did not pass."""
    timeout = spec.get("timeoutSeconds") or 1
    try:
        async with asyncio.timeout(timeout):
            await _handler(spec)(spec, subject)
    except TimeoutError as error:
        raise ProbeFailed(f"context deadline exceeded (no answer within {timeout}s)") from error


def _handler(spec: Json) -> Callable[[Json, Subject], Awaitable[None]]:
    known = {"httpGet": _http_get, "tcpSocket": _tcp_socket, "exec": _exec}
    for name, handler in known.items():
        if name in spec:
            return handler
    raise ProbeFailed("the sandbox supports httpGet, tcpSocket and exec probes only")


async def _http_get(spec: Json, subject: Subject) -> None:
    ask = spec["httpGet"]
    host, port = ask.get("host") or subject.address, subject.port(ask["port"])
    secure = (ask.get("scheme") or "HTTP").upper() == "HTTPS"
    path = "/" + (ask.get("path") or "/").lstrip("/")
    headers = {
        "Host": f"{host}:{port}",
        "User-Agent": "kube-probe/1.32",
        "Accept": "*/*",
        "Connection": "close",
    }
    headers |= {header["name"]: header["value"] for header in ask.get("httpHeaders") or ()}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    url = f"{'https' if secure else 'http'}://{host}:{port}{path}"
    status = await _status(url, host, port, secure, f"GET {path} HTTP/1.1\r\n{head}\r\n")
    if not 200 <= status < _REDIRECTED:  # noqa: PLR2004  # HTTP's own number
        raise ProbeFailed(f"HTTP probe failed with statuscode: {status}")


async def _status(url: str, host: str, port: int, secure: bool, request: str) -> int:  # noqa: FBT001  # one caller
    context = ssl._create_unverified_context() if secure else None  # noqa: S323, SLF001  # kubelets do not verify
    try:
        reader, writer = await asyncio.open_connection(host, port, ssl=context, limit=_HEAD_LIMIT)
        try:
            writer.write(request.encode())
            line = await reader.readline()
        finally:
            writer.transport.abort()
        return int(line.split()[1])
    except OSError as error:
        raise ProbeFailed(f'Get "{url}": dial tcp {host}:{port}: {_plain(error)}') from error
    except (ValueError, IndexError) as error:
        raise ProbeFailed(f'Get "{url}": malformed HTTP response') from error


async def _tcp_socket(spec: Json, subject: Subject) -> None:
    ask = spec["tcpSocket"]
    host, port = ask.get("host") or subject.address, subject.port(ask["port"])
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        raise ProbeFailed(f"dial tcp {host}:{port}: {_plain(error)}") from error
    writer.transport.abort()


async def _exec(spec: Json, subject: Subject) -> None:
    command: Sequence[str] = spec["exec"]["command"]
    with tempfile.NamedTemporaryFile(dir=subject.folder) as output:
        process = Process.start(command, subject.env, subject.folder, Path(output.name))
        try:
            code = await process.wait()
        finally:
            process.signal(signal.SIGKILL)
            await process.wait()
        if code:
            raise ProbeFailed(output.read(_OUTPUT_LIMIT).decode(errors="replace"))


def _plain(error: OSError) -> str:
    texts: dict[type[OSError], str] = {
        ConnectionRefusedError: "connect: connection refused",
        ConnectionResetError: "read: connection reset by peer",
    }
    return texts.get(type(error), f"connect: {error}")
