"""Why: guardian and watchdog are processes of their own; here each is given its cluster."""

import asyncio
import os
import signal
import socket
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager

from chaosctl.cluster.guardian import Guardian
from chaosctl.operations.connect import connected
from chaosctl.operations.home import home
from chaosctl.operations.order import Access
from chaosctl.ports import Answers
from chaosctl.spec import Script, Target, Workload
from chaosctl.store import Store
from chaosctl.watchdog import Settings, Watchdog
from chaosctl.watchdog.settings import MANAGER

RATE = "20/s"  # of the watchdog's own requests


async def guardian(context: str, kubeconfig: str) -> None:
    """Keep watch over every ledger until SIGTERM."""
    async with connected(Access(context=context, kubeconfig=kubeconfig)) as world:
        await _until_told(Guardian(_myself("guardian"), world.ledgers).stand())


async def watchdog(context: str, kubeconfig: str, namespace: str) -> None:
    """Watch the Deployments that ask for it until SIGTERM."""
    async with connected(Access(context=context, kubeconfig=kubeconfig), manager=MANAGER) as world:

        def answers(target: Target) -> AbstractAsyncContextManager[Answers]:
            return world.play(_probing(target), target)

        with Store(home().store) as store, store.journal(f"watchdog-{_myself('')}") as journal:
            dog = Watchdog(world.cluster, world.clock, answers, journal, Settings(namespaces=(namespace,)))
            await _until_told(dog.run())


def _probing(target: Target) -> Script:
    """A workload of its own: rows with known answers, evenly spaced."""
    workload = Workload(requests={"corpus": "golden"}, arrival={"process": "constant", "rate": RATE})
    return Script(playbook="watchdog", target=target, entries=(), workload=workload)


async def _until_told(working: Coroutine[object, object, None]) -> None:
    """Run until SIGTERM or SIGINT, or until it fails."""
    task = asyncio.ensure_future(working)
    running = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        running.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return


def _myself(role: str) -> str:
    return f"{role}-{socket.gethostname()}-{os.getpid()}".strip("-")
