"""Why: a status is for people. Writing it must neither slow a run down nor end it, and must end up right.

Only the latest is written, by compare-and-set; what changes meanwhile is written with it. Whoever led before
may be late, and then writes nothing.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from chaosctl.changes import at_version, look
from chaosctl.cluster.adapter import KubernetesCluster
from chaosctl.errors import ClusterError, Conflict, Gone, Refused
from chaosctl.model import Json, Op, Ref

PAUSE = 0.3  # seconds between two writes of one status
LONGEST_PAUSE = 5.0  # seconds between two tries
log = structlog.get_logger(__name__)


@dataclass
class Writer:
    """Keeps the status of one object as `render` says that it is."""

    ref: Ref
    uid: str
    cluster: KubernetesCluster
    leads: Callable[[], bool]
    render: Callable[[], Json]
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _written: Json | None = None
    _gone: bool = False

    def changed(self) -> None:
        """There may be something new to write."""
        self._news.set()

    async def keep(self) -> None:
        """Write whenever there is something new, for ever."""
        while True:
            await self._news.wait()
            self._news.clear()
            await self.latest()
            await asyncio.sleep(PAUSE)

    async def latest(self) -> None:
        """Return when the latest status stands, or there is no object to write it to."""
        failures = 0
        while not self._gone and self.leads() and (wanted := self.render()) != self._written:
            try:
                await self._write(wanted)
            except Conflict:
                await asyncio.sleep(0)
            except ClusterError as error:
                failures += 1
                log.warning("a status could not be written", object=str(self.ref), error=str(error))
                await asyncio.sleep(min(PAUSE * 2**failures, LONGEST_PAUSE))

    async def _write(self, wanted: Json) -> None:
        try:
            seen = await self.cluster.get(self.ref)
            if not self.leads() or look(seen, "/metadata/uid") != self.uid:
                self._gone = True
                return
            if look(seen, "/status") != wanted:
                ops = (at_version(seen), Op(op="add", path="/status", value=wanted))
                await self.cluster.patch(self.ref, ops, subresource="status")
            self._written = wanted
        except Gone:
            self._gone = True
        except Refused as error:  # it would be refused again; a later one may not
            self._written = wanted
            log.warning("a status was refused", object=str(self.ref), error=str(error))
