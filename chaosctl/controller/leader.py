"""Why: two replicas must never both run a drill. One leads, and stops before anybody else may begin.

The Lease says until when, in the API server's time; we count from before we asked for it, on a clock that
goes on while the machine sleeps. Both may be wrong by a second, so we stop earlier than we would have to.

Whoever could not renew it does nothing, and goes on only if the Lease still names it: then nobody else has
led. So that an API server that was away ends no run, others wait a little longer than the Lease lasts.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from chaosctl.changes import look
from chaosctl.cluster.clock import boot_time
from chaosctl.cluster.lease import is_alive, release, renew
from chaosctl.errors import ClusterError, Gone
from chaosctl.model import Ref
from chaosctl.ports import Clock, Cluster

NAME = "chaosctl-controller"
LASTING = timedelta(seconds=10)
MARGIN = 1.0  # seconds, beside those of grace: a `Date` is exact to one, on either side
GRACE = 3.0  # seconds for whoever held a Lease that is over, as soon as the API server answers again
EVERY = 2.0  # seconds between two renewals
TRY_EVERY = 1.0  # seconds between two tries of whoever does not lead
PATIENCE = 5.0  # seconds for one request
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
    _silent: float = field(default=math.inf, init=False)

    @property
    def leads(self) -> bool:
        return self.boot() < self.until

    async def elected(self) -> None:
        """Stand by, and return when we lead."""
        while True:
            if await self._taken():
                log.info("leads", name=self.name)
                return
            await asyncio.sleep(TRY_EVERY)

    async def deposed(self) -> None:
        """Renew the Lease, and return when it is no longer ours."""
        ours: bool | None = True
        while ours is not False:
            await asyncio.sleep(EVERY if ours else TRY_EVERY)
            ours = await self._ask(anew=False)
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

    async def _taken(self) -> bool:
        """Take the Lease if nobody has it, or whoever has it is silent for so long that it must be dead."""
        try:
            async with asyncio.timeout(PATIENCE):
                silent = await self._is_silent()
        except (ClusterError, TimeoutError) as error:
            log.warning("could not look at the lease", error=str(error) or "no answer")
            return False
        return silent and bool(await self._ask(anew=True))

    async def _is_silent(self) -> bool:
        try:
            seen = await self.cluster.get(self.where)
        except Gone:
            return True
        self.heard = self.boot()
        if is_alive(seen, self.clock.now()):
            self._silent = math.inf
            return False
        self._silent = min(self._silent, self.boot())
        released = not look(seen, "/spec/holderIdentity")
        return released or self.boot() - self._silent >= GRACE

    async def _ask(self, *, anew: bool) -> bool | None:
        """Ask for the Lease, or for more of it; whether it is ours, None where nobody answered."""
        asked = self.boot()
        try:
            async with asyncio.timeout(PATIENCE):
                now = self.clock.now()
                ours = await renew(self.name, now, self.cluster, self.where, LASTING, anew=anew)
                lost = not ours and await self._is_anothers()
        except (ClusterError, TimeoutError) as error:
            log.warning("could not ask for the lease", error=str(error) or "no answer")
            return None
        self.heard = self.boot()
        if ours:
            self.until = asked + LASTING.total_seconds() - MARGIN
        elif lost:
            self.until = -math.inf
        return ours or (False if lost else None)

    async def _is_anothers(self) -> bool:
        """Whether somebody else holds it; what was in our way may have been a late write of our own."""
        return look(await self.cluster.get(self.where), "/spec/holderIdentity") != self.name
