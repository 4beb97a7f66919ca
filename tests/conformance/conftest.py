"""One cluster for all tests, the sandbox or a real one, and a namespace for each. No test knows which."""

import asyncio
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from kubernetes.client import Configuration
from kubernetes.config import load_kube_config

from chaosctl.sandbox.cluster import Sandbox, SandboxConfig
from conformance.api import Api, Space, poll
from conformance.bodies import IMAGE, PORT

SERVER = (sys.executable, "-I", "-S", str(Path(__file__).with_name("server.py")), "{ip}", str(PORT))


def pytest_addoption(parser):
    text = "which side to test; the real one is that of $KUBECONFIG_E2E"
    parser.addoption("--cluster", choices=("sandbox", "real"), default="sandbox", help=text)


def pytest_configure(config):
    config.addinivalue_line("markers", "differs(reason, real, sandbox): what a test expects on each side")


@pytest.fixture(scope="session")
def side(request) -> str:
    """Only for fixtures; a test that differs asks for `expected`."""
    return request.config.getoption("--cluster", "sandbox")


@pytest.fixture
def expected(request, side):
    """What this test expects here, of the two things that its marker `differs` names."""
    return request.node.get_closest_marker("differs").kwargs[side]


@pytest.fixture(scope="session")
def kubeconfig(side, tmp_path_factory) -> Iterator[Path]:
    if side == "real":
        named = os.environ.get("KUBECONFIG_E2E")
        assert named, "--cluster real needs a cluster: KUBECONFIG_E2E"
        yield Path(named)
        return
    folder = tmp_path_factory.mktemp("sandbox")
    with running_sandbox(folder) as file:
        yield file


class running_sandbox:  # noqa: N801  # reads as a function
    """A sandbox in a thread of its own, so that coverage sees it."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._file = folder, folder / "kubeconfig"
        self._bugs: list[object] = []
        self._ready, self._thread = (
            threading.Event(),
            threading.Thread(target=lambda: asyncio.run(self._run())),
        )

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(lambda _, context: self._bugs.append(context))
        config = SandboxConfig(images={IMAGE: SERVER}, back_off_seconds=0.5)
        try:
            async with Sandbox(self._folder, config) as sandbox:
                self._file.write_text(sandbox.kubeconfig)
                self._ready.set()
                await self._stop.wait()
        finally:
            self._ready.set()

    def __enter__(self) -> Path:
        self._thread.start()
        self._ready.wait()
        return self._file

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        assert self._bugs == []


@pytest.fixture(scope="session")
def configuration(kubeconfig) -> Configuration:
    found = Configuration()
    load_kube_config(str(kubeconfig), client_configuration=found)
    return found


@pytest.fixture(scope="session")
def api(configuration) -> Iterator[Api]:
    api = Api(configuration)
    yield api
    api.close()


@pytest.fixture(scope="session")
def cluster(api) -> Space:
    """What is in no namespace."""
    return Space(api, "")


@pytest.fixture(scope="session")
def shared(api, cluster) -> Iterator[Space]:
    """For tests that store nothing."""
    with namespace(api, cluster) as space:
        yield space


@pytest.fixture
def make_space(api, cluster) -> Iterator[object]:
    """Namespaces that go after the test."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(namespace(api, cluster))


@contextmanager
def namespace(api: Api, cluster: Space) -> Iterator[Space]:
    space = Space(api, f"conf-{secrets.token_hex(4)}")
    cluster.create("namespaces", {"metadata": {"name": space.name}})
    try:
        poll(lambda: space.find("serviceaccounts", "default"), "a namespace gets its ServiceAccount")
        yield space
    finally:
        if cluster.find("namespaces", space.name):
            cluster.delete("namespaces", space.name)


@pytest.fixture
def space(make_space) -> Space:
    return make_space()


@pytest.fixture
def as_token(configuration) -> Iterator[object]:
    """The API for whoever holds a token; nothing of the kubeconfig's own rights comes along."""
    made = []

    def of(token: str) -> Api:
        poor = Configuration()
        parts = urlsplit(configuration.host)
        poor.host = f"{parts.scheme}://{parts.netloc}"
        poor.ssl_ca_cert = configuration.ssl_ca_cert
        poor.api_key["BearerToken"] = f"Bearer {token}"
        made.append(Api(poor))
        return made[-1]

    yield of
    for each in made:
        each.close()


@pytest.fixture(scope="session")
def kubectl_home(tmp_path_factory) -> Path:
    """Discovery is read once, as on a laptop."""
    return tmp_path_factory.mktemp("kubectl")


@pytest.fixture
def kubectl(space, kubeconfig, kubectl_home):
    """kubectl in the test's namespace: its output, or with `fails` its complaint."""

    def run(*arguments, stdin=None, fails=False) -> str:
        environment = {**os.environ, "HOME": str(kubectl_home), "KUBECONFIG": str(kubeconfig)}
        bodies = stdin if isinstance(stdin, list) else [stdin]
        text = yaml.safe_dump_all(bodies) if stdin is not None else None
        done = subprocess.run(
            ["kubectl", "--namespace", space.name, *arguments],
            input=text,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (done.returncode != 0) is fails, (arguments, done.stdout, done.stderr)
        return done.stderr + done.stdout if fails else done.stdout

    return run
