"""Why: a sandbox may have to outlive the command that wants it, so it can be a process of its own.

`python -m chaosctl.sandbox --folder F` serves until SIGTERM. F/kubeconfig appears when it is ready. With
`--owner-pid` it ends when its owner is gone and no ledger is open, so that nothing broken is left behind.
"""

import argparse
import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop

from chaosctl.sandbox.api.store import Store
from chaosctl.sandbox.cluster import Sandbox, SandboxConfig

OPEN_LEDGER = ("chaosctl.dev/ledger", "open")


def main(arguments: Sequence[str] | None = None) -> None:
    uvloop.run(serve(*options(arguments)))


def options(arguments: Sequence[str] | None) -> tuple[Path, SandboxConfig, int | None]:
    """Folder, configuration and owner, from the command line and the file that it names."""
    given = _parser().parse_args(arguments)
    config = SandboxConfig.load(given.config) if given.config else SandboxConfig()
    chosen = {name: getattr(given, name) for name in ("pods", "port") if getattr(given, name) is not None}
    return given.folder, config.model_copy(update=chosen), given.owner_pid


async def serve(folder: Path, config: SandboxConfig, owner: int | None) -> None:
    """Run a sandbox until it is told to stop, or has no owner any more."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Sandbox(folder, config) as sandbox:
        waiting: list[asyncio.Task[Any]] = [asyncio.create_task(stop.wait())]
        if owner is not None:
            waiting.append(asyncio.create_task(abandoned(sandbox.store, owner)))
        write_private(folder / "kubeconfig", sandbox.kubeconfig)
        try:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in waiting:
                task.cancel()
            (folder / "kubeconfig").unlink(missing_ok=True)


async def abandoned(store: Store, owner: int) -> None:
    """Return when the process has gone and no run has anything to undo."""
    await _ended(owner)
    changes = store.subscribe()
    try:
        while _ledger_is_open(store):
            await changes.get()
    finally:
        store.unsubscribe(changes)


def write_private(file: Path, text: str) -> None:
    """Write a file that only we can read, and that is never seen half written."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(
        os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as stream:
        stream.write(text)
    draft.replace(file)


async def _ended(pid: int) -> None:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _ledger_is_open(store: Store) -> bool:
    label, value = OPEN_LEDGER
    maps = store.list(store.resource("v1", "configmaps"))
    return any((each["metadata"].get("labels") or {}).get(label) == value for each in maps)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m chaosctl.sandbox", description="Serve a Kubernetes sandbox."
    )
    parser.add_argument("--folder", type=Path, required=True, help="everything that it writes lies here")
    parser.add_argument(
        "--config", type=Path, help="a YAML file with nodes, zones, images, pods, backOffSeconds"
    )
    parser.add_argument(
        "--pods", choices=("processes", "objects"), help="run pods, or only keep their objects"
    )
    parser.add_argument("--port", type=int, help="of the API server; 0 takes a free one")
    parser.add_argument("--owner-pid", type=int, help="end when this process has ended and no ledger is open")
    return parser


if __name__ == "__main__":
    main()
