"""Why: what matters in a drill is what happens when the network, the API server or the process fails."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from chaosctl.errors import Lost, Refused
from chaosctl.model import Json, Op, Ref
from chaosctl.ports import Cluster

T = TypeVar("T")
A_LONG_SLEEP = 40.0  # seconds, longer than the holds of tests


class Died(BaseException):
    """The process is gone. Not an Exception: nobody handles their own death."""


@dataclass
class Fate:
    """What goes wrong for one process: its death at a step, a long sleep, and troubles with the network."""

    rng: Random = field(default_factory=Random)
    troubles: int = 0
    dies_at: int | None = None
    sleeps_at: int | None = None
    steps: int = 0
    waits: int = 0
    dead: bool = False

    def step(self) -> None:
        """Called before and after everything that can be seen from outside. Raises Died."""
        self.dead = self.dead or self.steps == self.dies_at
        if self.dead:
            raise Died
        self.steps += 1

    def delay(self) -> float:
        """Seconds on the way to the cluster or back."""
        self.waits += 1
        if self.waits == self.sleeps_at:
            return A_LONG_SLEEP
        return self.rng.random() * (30 if self.trouble(0.02) else 0.2)

    def trouble(self, likelihood: float) -> bool:
        struck = self.troubles > 0 and self.rng.random() < likelihood
        self.troubles -= struck
        return struck


@dataclass(frozen=True)
class Shaky:
    """A client's way to a cluster: slow, lossy, cut when the client dies. What was sent still arrives."""

    cluster: Cluster
    fate: Fate

    async def get(self, ref: Ref) -> Json:
        return await self._call(lambda: self.cluster.get(ref))

    async def find(self, like: Ref, selector: str = "", fields: str = "") -> Sequence[Json]:
        return await self._call(lambda: self.cluster.find(like, selector, fields))

    async def pods(self, owner: Ref) -> Sequence[Json]:
        return await self._call(lambda: self.cluster.pods(owner))

    async def ask(self, pod: Ref, port: int, path: str) -> Json:
        return await self._call(lambda: self.cluster.ask(pod, port, path))

    async def patch(self, ref: Ref, ops: Sequence[Op], *, dry_run: bool = False) -> Json:
        return await self._call(lambda: self.cluster.patch(ref, ops, dry_run=dry_run))

    async def create(self, ref: Ref, body: Json, *, dry_run: bool = False) -> Json:
        return await self._call(lambda: self.cluster.create(ref, body, dry_run=dry_run))

    async def delete(self, ref: Ref, uid: str, *, grace_seconds: int | None = None) -> None:
        await self._call(lambda: self.cluster.delete(ref, uid, grace_seconds=grace_seconds))

    async def evict(self, pod: Ref, uid: str) -> None:
        await self._call(lambda: self.cluster.evict(pod, uid))

    async def tell(self, pod: Ref, port: int, path: str, body: Json) -> Json:
        return await self._call(lambda: self.cluster.tell(pod, port, path, body))

    async def allowed(self, verb: str, ref: Ref, subresource: str = "") -> bool:
        return await self._call(lambda: self.cluster.allowed(verb, ref, subresource))

    async def plural(self, ref: Ref) -> str:
        return await self._call(lambda: self.cluster.plural(ref))

    async def _call(self, request: Callable[[], Awaitable[T]]) -> T:
        self.fate.step()
        landing = asyncio.ensure_future(self._land(request))
        landing.add_done_callback(lambda done: done.cancelled() or done.exception())
        answer = await asyncio.shield(landing)
        self.fate.step()
        return answer

    async def _land(self, request: Callable[[], Awaitable[T]]) -> T:
        await asyncio.sleep(self.fate.delay())
        if self.fate.trouble(0.08):
            raise Refused("the API server said no")
        answer = await request()
        if self.fate.trouble(0.08):
            raise Lost("no answer")
        await asyncio.sleep(self.fate.delay())
        return answer
