"""Why: a controller is a process: it stands by, leads, and ends. Its successor goes on with its runs.

It never undoes anything because it must end. A successor, or its own next start, finds what was going on in
the store, in the ledgers and among the objects.
"""

import asyncio
import os
import secrets
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import structlog

from chaosctl.catalog import installed
from chaosctl.cluster.adapter import connect
from chaosctl.cluster.clock import boot_time
from chaosctl.cluster.guardian import Guardian
from chaosctl.cluster.lease import GUARDIAN, lease
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.controller.desk import Desk
from chaosctl.controller.drills import Drills
from chaosctl.controller.http import serving
from chaosctl.controller.leader import NAME, Leader
from chaosctl.controller.metrics import Metrics
from chaosctl.controller.office import Office
from chaosctl.controller.orders import Rules
from chaosctl.controller.reach import Reach
from chaosctl.controller.voice import Voice
from chaosctl.errors import StoreError
from chaosctl.operations.connect import connected
from chaosctl.operations.home import home, own_namespace
from chaosctl.operations.order import Access
from chaosctl.operations.perform import World
from chaosctl.store import Store

SILENT = 30.0  # seconds without an answer of the API server, until we are not ready
STUCK = 120.0  # seconds without a look at all Runs, until we count as dead
STORE_EVERY = 5.0  # seconds between two looks whether the store answers
END_WITHIN = 3.0  # seconds for what goes on to be cancelled
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Options:
    """What `chaosctl serve` was told."""

    access: Access
    namespaces: tuple[str, ...] = ("",)
    bind: str = "0.0.0.0"
    port: int = 8080
    hosts: tuple[str, ...] = ()


@dataclass
class Sweeper(Guardian):
    """A guardian whose looks are counted."""

    metrics: Metrics = field(default_factory=Metrics)

    async def sweep(self) -> None:
        await super().sweep()
        self.metrics.sweeps += 1


@dataclass
class Service:
    """One replica. `trouble` is what is wrong with the store, as far as it was asked."""

    leader: Leader
    office: Office
    desk: Desk
    drills: Drills
    guardian: Guardian
    trouble: str = "the store was not asked yet"
    ending: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> int:
        """Stand by, lead, and end; the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.ending.set)
        asking = asyncio.ensure_future(self._ask_the_store())
        try:
            standing_by = self._stand_by()
            return await self._lead() if await self._unless_ending(standing_by) else 0
        finally:
            asking.cancel()

    async def _stand_by(self) -> None:
        while True:
            if self._opened():
                return await self.leader.elected()
            await asyncio.sleep(STORE_EVERY)

    def _opened(self) -> bool:
        try:
            self.office.store.open()
        except StoreError as error:
            log.warning("the store cannot be opened", error=str(error))
            return False
        return True

    async def _lead(self) -> int:
        before = asyncio.all_tasks()
        work = (
            self.desk.work(),
            self.drills.work(),
            self.guardian.stand(),
            self.office.voice.speak(),
        )
        try:
            deposed = await self._unless_ending(self.leader.deposed(), *work)
        finally:
            self.leader.stop()  # from here on nothing that still goes on is answered
            clean = await _ended(before)
            await self.leader.let_go()
        if not clean:
            log.error("something does not end; the process does")
            os._exit(1)
        return 1 if deposed else 0

    async def _unless_ending(self, *going: Awaitable[object]) -> bool:
        """Wait for the first of these to end, and raise what it raised; False where we are to end before."""
        tasks = {asyncio.ensure_future(one) for one in going}
        told = asyncio.ensure_future(self.ending.wait())
        done, _ = await asyncio.wait({told, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        return told not in done

    async def _ask_the_store(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self.office.store.known, "")
                self.trouble = ""
            except StoreError as error:
                self.trouble = str(error)
            await asyncio.sleep(STORE_EVERY)

    def alive(self) -> str:
        """What is wrong that only a new start can mend."""
        stuck = time.monotonic() - self.desk.beat
        if self.leader.leads and stuck > STUCK:
            return f"no look at the Runs for {stuck:.0f} s"
        return ""

    def ready(self) -> str:
        """Why we could not lead."""
        silent = boot_time() - self.leader.heard
        if silent > SILENT:
            return "the API server does not answer"
        return self.trouble


async def serve(options: Options) -> int:
    """Be one replica of the controller, until SIGTERM or until another leads; the exit code."""
    async with _service(options) as service:
        metrics = service.office.metrics
        async with serving(options.bind, options.port, service.alive, service.ready, metrics) as port:
            log.info("serves", port=port, name=service.leader.name)
            return await service.run()


@asynccontextmanager
async def _service(options: Options) -> AsyncIterator[Service]:
    """Everything that a replica needs. The Lease has a connection of its own, which no run can fill.

    None of them waits by itself before a write: by then, somebody else may lead.
    """
    where, metrics = own_namespace(), Metrics()
    name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
    access = options.access
    async with (
        connected(access, patient=False) as world,
        connect(access.context, access.kubeconfig, NAME, patient=False) as objects,
        connect(access.context, access.kubeconfig, NAME, patient=False) as apart,
    ):
        leader = Leader(name, lease(NAME, where), apart, apart.clock)
        ours = _while_leading(replace(world, guardians=lease(GUARDIAN, where)), leader)
        store = Store(home().store)
        rules = Rules(installed(), frozenset(options.hosts))
        voice = Voice(Reach(objects, lambda: leader.leads), world.clock, name)
        office = Office(ours, objects, store, rules, voice, metrics, lambda: leader.leads)
        desk = Desk(office, options.namespaces)
        drills = Drills(office, options.namespaces, desk.holder, desk.seen)
        sweeper = Sweeper(name, ours.ledgers, options.namespaces, lease=ours.guardians, metrics=metrics)
        _gauges(metrics, leader, desk)
        try:
            yield Service(leader, office, desk, drills, sweeper)
        finally:
            store.close()


def _while_leading(world: World, leader: Leader) -> World:
    reach = Reach(world.cluster, lambda: leader.leads)
    return replace(world, cluster=reach, ledgers=Ledgers(reach, world.clock, world.ledgers.key))


def _gauges(metrics: Metrics, leader: Leader, desk: Desk) -> None:
    metrics.gauges |= {
        "leader": ("Whether this replica leads.", lambda: leader.leads),
        "runs_active": ("Runs that go on.", lambda: desk.going),
        "runs_waiting": ("Runs that wait for their turn.", lambda: desk.office.turns.waiting),
    }


async def _ended(before: set[asyncio.Task[object]]) -> bool:
    """Cancel whatever began after that; again and again, as a write waits for an answer that never comes."""
    end = time.monotonic() + END_WITHIN
    while (others := asyncio.all_tasks() - before - {asyncio.current_task()}) and time.monotonic() < end:
        for task in others:
            task.cancel()
        await asyncio.wait(others, timeout=0.2)
    return not others
