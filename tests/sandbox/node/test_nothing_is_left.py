"""Whatever ends a sandbox, no process, port or file outside its folder is left."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import yaml
from sandbox.node.lab import IMAGES, deployment, get, laboratory, poll

from chaosctl.sandbox import __main__ as sandbox_process
from chaosctl.sandbox.cluster import SandboxConfig
from chaosctl.sandbox.node import keeper, launcher

_STRAY = ("sleep 3600 & (setsid sleep 3601 &) ; trap '' TERM; while :; do sleep 1; done",)


def carriers(mark: str) -> list[int]:
    """The processes that know this folder from their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environ = (entry / "environ").read_bytes()
            except OSError:
                continue
            if mark.encode() in environ:
                found.append(int(entry.name))
    return found


@pytest.fixture
def config(tmp_path: Path) -> Path:
    images = {name: list(command) for name, command in IMAGES.items()}
    images["test/stray:1"] = ["/bin/sh", "-c", *_STRAY]
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump({"images": images, "backOffSeconds": 0.2}))
    return file


@pytest.fixture
def serve(tmp_path: Path, config: Path):
    """Start `python -m chaosctl.sandbox`; killed at the end of the test, if it still runs."""
    started = []

    def start(*more: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "chaosctl.sandbox", "--folder", str(tmp_path / "box")]
        process = subprocess.Popen([*command, "--config", str(config), *more])
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def owner():
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


async def client(folder: Path) -> httpx.AsyncClient:
    kubeconfig = folder / "kubeconfig"
    await poll(kubeconfig.exists, "the kubeconfig is there")
    assert kubeconfig.stat().st_mode & 0o777 == 0o600
    server = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    return httpx.AsyncClient(base_url=server)


async def fill(api: httpx.AsyncClient, folder: Path) -> None:
    """Deploy something that will not go by itself."""
    body = deployment("stray", 2, image="test/stray:1", readinessProbe=None)
    answer = await api.post("/apis/apps/v1/namespaces/default/deployments", json=body)
    assert answer.status_code == 201, answer.text
    await poll(lambda: len(carriers(str(folder))) >= 6, "pods and their children run")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
async def test_no_process_survives_the_sandbox(serve, tmp_path: Path, number: int):
    process, folder = serve(), tmp_path / "box"
    async with await client(folder) as api:
        await fill(api, folder)
    process.send_signal(number)
    code = await asyncio.to_thread(process.wait, 20)
    assert code == (-number if number == signal.SIGKILL else 0)
    await poll(lambda: not carriers(str(folder)), "nothing runs")
    if number != signal.SIGKILL:
        assert not (folder / "kubeconfig").exists()


async def test_a_sandbox_ends_with_its_owner(owner, tmp_path: Path):
    serving = asyncio.create_task(serve_here(tmp_path, owner))
    async with await client(tmp_path / "box") as api:
        assert (await api.get("/version")).status_code == 200
        owner.kill()
        await asyncio.wait_for(serving, 20)
    assert not (tmp_path / "box" / "kubeconfig").exists()


async def test_an_open_ledger_keeps_the_sandbox_alive_until_it_is_closed(owner, tmp_path: Path):
    serving = asyncio.create_task(serve_here(tmp_path, owner))
    maps = "/api/v1/namespaces/default/configmaps"
    async with await client(tmp_path / "box") as api:
        ledger = {"metadata": {"name": "ledger", "labels": {"chaosctl.dev/ledger": "open"}}}
        assert (await api.post(maps, json=ledger)).status_code == 201
        owner.kill()
        await asyncio.to_thread(owner.wait)
        assert (await api.post(maps, json={"metadata": {"name": "other"}})).status_code == 201
        assert not serving.done()
        closed = [{"op": "replace", "path": "/metadata/labels/chaosctl.dev~1ledger", "value": "closed"}]
        patch = {"Content-Type": "application/json-patch+json"}
        answer = await api.patch(f"{maps}/ledger", content=json.dumps(closed), headers=patch)
        assert answer.status_code == 200
        await asyncio.wait_for(serving, 20)


async def test_an_owner_that_has_gone_already_ends_it_at_once(serve, owner):
    owner.kill()
    owner.wait()
    process = serve("--owner-pid", str(owner.pid), "--pods", "objects", "--port", "0")
    assert await asyncio.to_thread(process.wait, 20) == 0


async def serve_here(folder: Path, owner: subprocess.Popen[bytes]) -> None:
    await sandbox_process.serve(folder / "box", SandboxConfig(pods="objects"), owner.pid)


def test_the_command_line_and_the_file_make_the_configuration(config: Path):
    arguments = ["--folder", "box", "--config", str(config), "--pods", "objects", "--port", "7"]
    folder, chosen, owner = sandbox_process.options(arguments)
    assert (folder, owner) == (Path("box"), None)
    assert (chosen.pods, chosen.port, chosen.back_off_seconds) == ("objects", 7, 0.2)
    assert chosen.images["test/crash:1"][0] == "/bin/sh"


async def test_stopping_in_process_leaves_nothing(tmp_path: Path):
    folder = tmp_path / "box"
    async with laboratory(folder) as lab:
        lab.create("deployments", deployment(replicas=2))
        await lab.until(lambda: len(lab.running()) == 2)
        address = lab.running()[0]["status"]["podIP"]
        assert await get(address, 8080)
        assert carriers(str(folder))
    assert not carriers(str(folder))
    with pytest.raises(ConnectionRefusedError):
        await get(address, 8080)


async def test_a_port_that_is_taken_starts_nothing(tmp_path: Path):
    async with laboratory(tmp_path / "one", pods="objects") as lab:
        port = int(lab.sandbox.url.split("/")[2].split(":")[1])
        with pytest.raises(OSError, match="address already in use"):
            async with laboratory(tmp_path / "two", port=port):
                pass
    assert not carriers(str(tmp_path))


async def test_two_sandboxes_share_no_address(tmp_path: Path):
    async with laboratory(tmp_path / "one", pods="objects") as one, laboratory(tmp_path / "two") as two:
        nodes = [
            {n["status"]["addresses"][0]["address"] for n in lab.store.list(lab.resource("nodes"))}
            for lab in (one, two)
        ]
        assert not nodes[0] & nodes[1]


def test_the_keeper_kills_what_carries_its_mark(stranger):
    mark = f"test-{os.getpid()}"
    marked = [stranger({keeper.VARIABLE: mark}) for _ in range(2)]
    other = stranger({keeper.VARIABLE: f"{mark}-other"})
    assert {process.pid for process in marked} <= set(keeper.marked(f"{keeper.VARIABLE}={mark}".encode()))
    keeper.kill_all(f"{keeper.VARIABLE}={mark}".encode())
    assert [process.wait(10) for process in marked] == [-signal.SIGKILL] * 2
    assert other.poll() is None


def test_the_keeper_waits_for_its_pipe_to_close(stranger):
    mark = f"test-{os.getpid()}"
    process = stranger({keeper.VARIABLE: mark})
    guard = subprocess.Popen([sys.executable, "-I", "-S", keeper.__file__, mark], stdin=subprocess.PIPE)
    assert process.poll() is None
    guard.communicate()
    assert process.wait(10) == -signal.SIGKILL


def test_a_launcher_whose_parent_has_gone_starts_nothing(tmp_path: Path):
    command = [sys.executable, "-I", "-S", launcher.__file__, "1", "touch", str(tmp_path / "started")]
    assert subprocess.run(command, check=False).returncode == launcher.ORPHANED
    assert not (tmp_path / "started").exists()


@pytest.fixture
def stranger():
    """Start processes with an environment; killed at the end of the test."""
    started = []

    def start(env: dict[str, str]) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(["/bin/sleep", "600"], env=env))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
