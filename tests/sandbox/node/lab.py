"""A sandbox to experiment on: shorthand for objects, and waiting that is driven by changes."""

import asyncio
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from chaosctl.sandbox.api.store import Change
from chaosctl.sandbox.cluster import Sandbox, SandboxConfig

Json = dict[str, Any]
DEADLINE = 30.0
SERVER = (sys.executable, "-I", "-S", str(Path(__file__).with_name("server.py")), "{ip}", "8080")
IMAGES = {
    "test/server:v1": (*SERVER, "v1"),
    "test/server:v2": (*SERVER, "v2"),
    "test/crash:1": ("/bin/sh", "-c", "echo going down; exit 3"),
    "test/once:1": ("/bin/sh", "-c", "echo done"),
    "test/shell:1": ("/bin/sh", "-c"),
}
_GROUPS = {"deployments": "apps/v1", "replicasets": "apps/v1", "jobs": "batch/v1"}
_GROUPS |= {"poddisruptionbudgets": "policy/v1", "endpointslices": "discovery.k8s.io/v1"}
_GROUPS |= {"networkpolicies": "networking.k8s.io/v1"}


class Lab:
    """A running sandbox and its namespace `default`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.store = sandbox, sandbox.store

    def resource(self, plural: str):
        return self.store.resource(_GROUPS.get(plural, "v1"), plural)

    def create(self, plural: str, body: Json, namespace: str = "default") -> Json:
        return self.store.create(self.resource(plural), namespace, body)

    def get(self, plural: str, name: str) -> Json:
        return self.store.get(self.resource(plural), "default", name)

    def find(self, plural: str, name: str) -> Json | None:
        return self.store.find(self.resource(plural), "default", name)

    def all(self, plural: str) -> list[Json]:
        return self.store.list(self.resource(plural), "default")

    def delete(self, plural: str, name: str, **options: Any) -> None:
        self.store.delete(self.resource(plural), "default", name, **options)

    def edit(self, plural: str, name: str, change: Callable[[Json], object], subresource: str = "") -> Json:
        def changed(body: Json) -> Json:
            change(body)
            return body

        space = None if plural == "nodes" else "default"
        return self.store.update(self.resource(plural), space, name, changed, subresource=subresource)

    def status(self, plural: str, name: str) -> Json:
        return self.get(plural, name).get("status") or {}

    def reasons(self, about: str) -> set[str]:
        """The reasons of the events about objects whose name starts so."""
        return {e["reason"] for e in self.all("events") if e["involvedObject"]["name"].startswith(about)}

    def release(self, name: str, image: str) -> None:
        def with_image(body: Json) -> None:
            body["spec"]["template"]["spec"]["containers"][0]["image"] = image

        self.edit("deployments", name, with_image)

    def rolled_out(self, name: str) -> bool:
        body = self.get("deployments", name)
        status, wanted = body.get("status") or {}, body["spec"]["replicas"]
        counts = [status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")]
        return status.get("observedGeneration") == body["metadata"]["generation"] and counts == [wanted] * 3

    def running(self, selector: str = "") -> list[Json]:
        """Ready pods that are not going."""
        pods = [p for p in self.all("pods") if p["metadata"]["name"].startswith(selector)]
        return [p for p in pods if is_ready(p) and "deletionTimestamp" not in p["metadata"]]

    async def until(self, holds: Callable[[], object], what: str = "") -> None:
        """Wait until something holds in the store; looked at after every change."""
        changes = self.store.subscribe()
        try:
            async with asyncio.timeout(DEADLINE):
                while not holds():
                    await changes.get()
        except TimeoutError:
            pods = {p["metadata"]["name"]: p.get("status") for p in self.all("pods")}
            pytest.fail(f"did not come true: {what or holds}\n{pods}")
        finally:
            self.store.unsubscribe(changes)

    @asynccontextmanager
    async def recorded(self) -> AsyncIterator[list[Change]]:
        """Every change while the block runs, complete when it has ended."""
        changes, seen = self.store.subscribe(), []
        try:
            yield seen
        finally:
            self.store.unsubscribe(changes)
            while not changes.empty():
                seen.append(changes.get_nowait())


class Kubectl:
    """The real kubectl with a home of its own."""

    def __init__(self, kubeconfig: str, home: Path) -> None:
        self._home, self.program = home, shutil.which("kubectl")
        home.mkdir(exist_ok=True)
        (home / "config").write_text(kubeconfig)

    async def __call__(self, *arguments: str, stdin: str = "", code: int | None = 0) -> str:
        """What it prints; its exit code must be this one, if one is given."""
        process = await self._start(*arguments)
        try:
            async with asyncio.timeout(2 * DEADLINE):
                output, _ = await process.communicate(stdin.encode())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        text = output.decode()
        assert code is None or process.returncode == code, f"kubectl {' '.join(arguments)}: {text}"
        return text

    @asynccontextmanager
    async def lines(self, *arguments: str) -> AsyncIterator[AsyncIterator[str]]:
        """The lines of a command that does not end by itself; it is killed after the block."""
        process = await self._start(*arguments)

        async def read() -> AsyncIterator[str]:
            async with asyncio.timeout(2 * DEADLINE):
                while line := await process.stdout.readline():
                    yield line.decode().strip()

        try:
            yield read()
        finally:
            process.kill()
            await process.communicate()

    async def _start(self, *arguments: str) -> asyncio.subprocess.Process:
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._home),
            "KUBECONFIG": str(self._home / "config"),
        }
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            self.program or "kubectl",
            *arguments,
            env=environ,
            stdin=pipe,
            stdout=pipe,
            stderr=asyncio.subprocess.STDOUT,
        )


def is_ready(pod: Json) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def container(image: str = "test/server:v1", **fields: Any) -> Json:
    return {"name": "main", "image": image, "ports": [{"name": "http", "containerPort": 8080}], **fields}


def ready_probe(path: str = "/ready", **fields: Any) -> Json:
    return {"httpGet": {"path": path, "port": "http"}, "periodSeconds": 1, **fields}


def pod(name: str, image: str = "test/server:v1", *, spec: Json | None = None, **fields: Any) -> Json:
    whole = {"terminationGracePeriodSeconds": 2, "containers": [container(image, **fields)], **(spec or {})}
    return {"metadata": {"name": name, "labels": {"app": name}}, "spec": whole}


def deployment(name: str = "web", replicas: int = 3, *, spec: Json | None = None, **fields: Any) -> Json:
    template = pod(name, **{"readinessProbe": ready_probe(), **fields})
    template = {"metadata": {"labels": {"app": name}}, "spec": template["spec"]}
    body = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"metadata": {"name": name}, "spec": {**body, **(spec or {})}}


def service(name: str = "web", **fields: Any) -> Json:
    spec = {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": "http"}], **fields}
    return {"metadata": {"name": name}, "spec": spec}


async def get(address: str, port: int = 80, path: str = "/") -> str:
    """The body of an HTTP answer. ConnectionError if there is none."""
    reader, writer = await asyncio.open_connection(address, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answer = await reader.read()
        if not answer:
            raise ConnectionResetError("no answer")
        return answer.partition(b"\r\n\r\n")[2].decode()
    finally:
        await closed(writer)


async def poll(holds: Callable[[], object], what: str) -> None:
    """Wait until something holds that no change tells of."""
    end = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < end, f"did not come true: {what}"
        await asyncio.sleep(0.02)


async def until_connected(address: str, port: int = 80) -> None:
    """Wait until somebody listens there."""
    await _until(address, port, listening=True)


async def until_refused(address: str, port: int = 80) -> None:
    """Wait until nobody listens there."""
    await _until(address, port, listening=False)


async def _until(address: str, port: int, *, listening: bool) -> None:
    end = time.monotonic() + DEADLINE
    while await _listens(address, port) is not listening:
        assert time.monotonic() < end, f"{address}:{port} does not {'listen' if listening else 'stop'}"
        await asyncio.sleep(0.02)


async def _listens(address: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(address, port)
    except ConnectionError:
        return False
    await closed(writer)
    return True


async def closed(writer: asyncio.StreamWriter) -> None:
    """Close a connection, whatever its other end has done to it."""
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


@asynccontextmanager
async def laboratory(folder: Path, **config: Any) -> AsyncIterator[Lab]:
    bugs: list[Json] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: bugs.append(context))
    chosen = {"images": IMAGES, "back_off_seconds": 0.2, **config}
    async with Sandbox(folder, SandboxConfig(**chosen)) as sandbox:
        yield Lab(sandbox)
    assert bugs == []
