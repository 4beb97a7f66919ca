import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
import yaml

from chaosctl.sandbox.api.kubeconfig import kubeconfig
from chaosctl.sandbox.api.server import ApiServer
from chaosctl.sandbox.api.store import Store


@pytest.fixture
def history() -> int:
    return 10_000


@pytest.fixture
def store(history: int) -> Store:
    return Store(history=history)


@pytest.fixture
async def server(store: Store) -> AsyncIterator[ApiServer]:
    server = ApiServer(store)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def url(server: ApiServer) -> str:
    return server.url_for(server.identities.admin_token)


@pytest.fixture
async def api(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, timeout=20) as client:
        yield client


@pytest.fixture
def kubectl(url: str, tmp_path: Path) -> "Kubectl":
    program = shutil.which("kubectl")
    if program is None:
        pytest.skip("kubectl is not on PATH")
    return Kubectl(program, url, tmp_path)


class Kubectl:
    """The real program, with a home of its own."""

    def __init__(self, program: str, url: str, home: Path) -> None:
        self._program, self.home = program, home
        self.config = home / "kubeconfig"
        self.config.write_text(kubeconfig(url))

    async def __call__(self, *arguments: str, stdin: object = None, fails: bool = False) -> str:
        """The output. A body given as `stdin` is sent as YAML; with `fails`, what it complained about."""
        process = await asyncio.create_subprocess_exec(
            self._program,
            *arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "HOME": str(self.home), "KUBECONFIG": str(self.config)},
        )
        sent = yaml.safe_dump_all(stdin if isinstance(stdin, list) else [stdin]).encode() if stdin else b""
        async with asyncio.timeout(60):
            out, err = await process.communicate(sent)
        assert (process.returncode != 0) is fails, (arguments, out.decode(), err.decode())
        return err.decode() if fails else out.decode()


Body = dict[str, object]
MakeDeployment = Callable[..., Body]


@pytest.fixture
def deployment() -> MakeDeployment:
    def make(name: str = "web", **spec: object) -> Body:
        template = {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "c", "image": "registry.example/web:1"}]},
        }
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name},
            "spec": {"selector": {"matchLabels": {"app": name}}, "template": template, **spec},
        }

    return make


@pytest.fixture
def pod() -> Callable[..., Body]:
    def make(name: str, labels: dict[str, str] | None = None, **spec: object) -> Body:
        containers = [{"name": "c", "image": "registry.example/web:1"}]
        metadata = {"name": name, "labels": labels or {}}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": {"containers": containers, **spec},
        }

    return make
