"""Why: guardian and watchdog are processes of their own; here each is given its cluster."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

from chaosctl.changes import look
from chaosctl.cluster.guardian import Guardian
from chaosctl.cluster.lease import GUARDIAN, lease
from chaosctl.model import Ref
from chaosctl.operations.connect import connected
from chaosctl.operations.home import home, own_namespace
from chaosctl.operations.order import Access
from chaosctl.ports import Answers, Reader
from chaosctl.spec import Script, Target, Workload
from chaosctl.store import Store
from chaosctl.watchdog import Settings, Watchdog, parse_event
from chaosctl.watchdog.settings import MANAGER

RATE = "20/s"  # of the watchdog's own requests


async def guardian(context: str, kubeconfig: str) -> None:
    """Keep watch over every ledger until SIGTERM."""
    async with connected(Access(context=context, kubeconfig=kubeconfig)) as world:
        standing = Guardian(_myself("guardian"), world.ledgers, lease=lease(GUARDIAN, own_namespace()))
        await _until_told(standing.stand())


async def watchdog(context: str, kubeconfig: str, namespaces: tuple[str, ...]) -> None:
    """Watch the Deployments that ask for it until SIGTERM; "" is every namespace."""
    async with connected(Access(context=context, kubeconfig=kubeconfig), manager=MANAGER) as world:

        @asynccontextmanager
        async def answers(target: Target) -> AsyncIterator[Answers]:
            async with world.play(_probing(target), target) as stage:
                yield stage.answers

        name = await _journal_name(world.cluster, namespaces[0] or "kube-system")
        with Store(home().store) as store, store.journal(name) as journal:
            past = [parse_event(json.dumps(event)) for event in store.events(name)]
            settings = Settings(namespaces=namespaces, home=own_namespace())
            dog = Watchdog(world.cluster, world.clock, answers, journal, settings, past)
            await _until_told(dog.run())


async def _journal_name(see: Reader, namespace: str) -> str:
    """One journal for each cluster, known by a namespace: what was certified elsewhere says nothing here."""
    space = await see.get(Ref(kind="Namespace", name=namespace))
    return f"watchdog-{look(space, '/metadata/uid')}"


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
    return f"{role}-{socket.gethostname()}-{os.getpid()}"
