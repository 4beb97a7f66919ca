"""Why: two replicas must never both run a drill. One leads, and stops before anybody else may begin.

The Lease says until when, in the API server's time; we count from before we asked for it, on a clock that
goes on while the machine sleeps. Both may be wrong by a second, so we stop earlier than we would have to.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from chaosctl.cluster.clock import boot_time
from chaosctl.cluster.lease import release, renew
from chaosctl.errors import ClusterError
from chaosctl.model import Ref
from chaosctl.ports import Clock, Cluster

NAME = "chaosctl-controller"
LASTING = timedelta(seconds=12)
MARGIN = 3.0  # seconds: a `Date` is exact to one, on either side, and a request takes its time
EVERY = 2.0  # seconds between two renewals
TRY_EVERY = 1.0  # seconds between two looks of whoever stands by
PATIENCE = 5.0  # seconds for one request of theirs
log = structlog.get_logger(__name__)


@dataclass
class Leader:
    """One who wants to lead. `until` is how long we may act, on our own clock."""

    name: str
    where: Ref
    cluster: Cluster
    clock: Clock
    boot: Callable[[], float] = boot_time
    until: float = field(default=-math.inf, init=False)
    heard: float = field(default=-math.inf, init=False)
    """When the API server last answered."""
    _held: bool = field(default=False, init=False)

    @property
    def leads(self) -> bool:
        return self.boot() < self.until

    async def elected(self) -> None:
        """Stand by, and return when we lead."""
        while True:
            if await self._ask(PATIENCE):
                log.info("leads", name=self.name)
                return
            await asyncio.sleep(TRY_EVERY)

    async def deposed(self) -> None:
        """Renew as long as possible, and return when we must not lead any more."""
        while self.leads:
            await asyncio.sleep(EVERY)
            if self.leads:  # else we slept for too long; what we would renew may be somebody else's
                await self._ask(self.until - self.boot())
        log.warning("no longer leads", name=self.name)

    def stop(self) -> None:
        """Act no more."""
        self._held, self.until = self.leads, -math.inf

    async def let_go(self) -> None:
        """Once nothing goes on any more: let somebody else lead at once, if they can be told."""
        if self._held:
            try:
                async with asyncio.timeout(PATIENCE):
                    await release(self.name, self.cluster, self.where)
            except (ClusterError, TimeoutError) as error:
                log.warning("could not let go of the lease", error=str(error))

    async def _ask(self, patience: float) -> bool:
        """Ask for the Lease, or for more of it; whether we have it."""
        asked = self.boot()
        try:
            async with asyncio.timeout(patience):
                ours = await renew(self.name, self.clock.now(), self.cluster, self.where, LASTING)
        except (ClusterError, TimeoutError) as error:
            log.warning("could not ask for the lease", error=str(error))
            return False
        self.heard = self.boot()
        self.until = asked + LASTING.total_seconds() - MARGIN if ours else -math.inf
        return ours and self.leads
