"""Why: Deployments come and go. Whoever carries the label has a guard, and nobody else has one."""

import asyncio
from collections.abc import Iterable
from dataclasses import InitVar, dataclass, field

import structlog

from chaosctl.errors import ClusterError
from chaosctl.model import Ref
from chaosctl.ports import Clock, Cluster, Journal
from chaosctl.targets.fields import text
from chaosctl.watchdog.events import AnyEvent
from chaosctl.watchdog.guard import Guard
from chaosctl.watchdog.lease import lease, renew
from chaosctl.watchdog.memory import Memory, recall
from chaosctl.watchdog.settings import Settings
from chaosctl.watchdog.voice import Voice
from chaosctl.watchdog.world import OpenAnswers, World

LABEL = "chaosctl.dev/watchdog=enabled"
log = structlog.get_logger(__name__)


@dataclass
class Watchdog:
    """Rolls labelled Deployments back to the last revision that it has certified.

    `cluster` must write in the name of the field manager `chaosctl-watchdog`. `answers` opens the watchdog's
    own stream to a target. `past` are the events of its journal so far, if it is to remember.
    """

    cluster: Cluster
    clock: Clock
    answers: OpenAnswers
    journal: Journal
    settings: Settings = field(default_factory=Settings)
    past: InitVar[Iterable[AnyEvent]] = ()

    def __post_init__(self, past: Iterable[AnyEvent]) -> None:
        voice = Voice(self.cluster, self.journal, self.settings.instance)
        self._world = World(self.cluster, self.clock, self.answers, voice, self.settings)
        self._memories = recall(past)
        self._guards: dict[Ref, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._stay_alive())
            while True:
                await self._assign(group)
                await self._world.pause()

    async def _assign(self, group: asyncio.TaskGroup) -> None:
        """A guard for each Deployment that is labelled, none for the others."""
        try:
            labelled = await self._labelled()
        except ClusterError as error:
            log.warning("cannot look for Deployments", error=str(error))
            return
        for ref in self._guards.keys() - labelled:
            log.info("no longer watched", workload=str(ref))
            self._guards.pop(ref).cancel()
        for ref in sorted(labelled - self._guards.keys(), key=str):
            guard = Guard(ref, self._memories.setdefault(ref, Memory()), self._world)
            self._guards[ref] = group.create_task(guard.run())

    async def _labelled(self) -> set[Ref]:
        found = set()
        for namespace in self.settings.namespaces:
            like = Ref(api_version="apps/v1", kind="Deployment", namespace=namespace, name="")
            for body in await self.cluster.find(like, LABEL):
                where, name = text(body, "/metadata/namespace"), text(body, "/metadata/name")
                found.add(like.model_copy(update={"namespace": where, "name": name}))
        return found

    async def _stay_alive(self) -> None:
        while True:
            now = self.clock.now()
            try:
                await renew(lease(self.settings.home), self.settings.instance, now, self.cluster)
            except ClusterError as error:
                log.warning("cannot renew the Lease", error=str(error))
            await self.clock.sleep_until(now + self.settings.renew_every)
