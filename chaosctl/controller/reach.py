"""Why: whoever leads acts for many namespaces, and must stop acting the moment that somebody else may lead.

So nothing of a run can touch another namespace, whatever its playbook says; and as long as the Lease is over,
no call begins: a process that slept wakes up and finds that it can do nothing, until it leads again or is
ended.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from chaosctl.cluster.patience import patiently
from chaosctl.errors import Forbidden
from chaosctl.model import Json, Op, Ref
from chaosctl.ports import Cluster

CLUSTER_WIDE = frozenset({"Namespace", "Node"})  # what has no namespace, and drills look at
LOOK_AGAIN = 0.2  # seconds
T = TypeVar("T")


@dataclass(frozen=True)
class Reach:
    """A cluster, while we lead. With `namespace`: that one alone, and `also` may be read.

    Every method raises what the cluster's own does, and Forbidden.
    """

    cluster: Cluster
    leads: Callable[[], bool]
    namespace: str = ""
    also: frozenset[Ref] = frozenset()

    async def get(self, ref: Ref) -> Json:
        return await self._call(lambda: self.cluster.get(ref), ref, reads=True)

    async def find(self, like: Ref, selector: str = "", fields: str = "") -> Sequence[Json]:
        return await self._call(lambda: self.cluster.find(like, selector, fields), like, reads=True)

    async def pods(self, owner: Ref) -> Sequence[Json]:
        return await self._call(lambda: self.cluster.pods(owner), owner, reads=True)

    async def ask(self, pod: Ref, port: int, path: str) -> Json:
        return await self._call(lambda: self.cluster.ask(pod, port, path), pod)

    async def patch(self, ref: Ref, ops: Sequence[Op], *, dry_run: bool = False) -> Json:
        return await self._call(lambda: self.cluster.patch(ref, ops, dry_run=dry_run), ref)

    async def create(self, ref: Ref, body: Json, *, dry_run: bool = False) -> Json:
        return await self._call(lambda: self.cluster.create(ref, body, dry_run=dry_run), ref)

    async def delete(self, ref: Ref, uid: str, *, grace_seconds: int | None = None) -> None:
        await self._call(lambda: self.cluster.delete(ref, uid, grace_seconds=grace_seconds), ref)

    async def evict(self, pod: Ref, uid: str) -> None:
        await self._call(lambda: self.cluster.evict(pod, uid), pod)

    async def tell(self, pod: Ref, port: int, path: str, body: Json) -> Json:
        return await self._call(lambda: self.cluster.tell(pod, port, path, body), pod)

    async def allowed(self, verb: str, ref: Ref, subresource: str = "") -> bool:
        return await self._call(lambda: self.cluster.allowed(verb, ref, subresource), ref, reads=True)

    async def plural(self, ref: Ref) -> str:
        return await self.cluster.plural(ref)  # it is about a kind, and looks at no object

    async def _call(self, request: Callable[[], Awaitable[T]], ref: Ref, *, reads: bool = False) -> T:
        if self.namespace and not self._is_near(ref, reads=reads):
            raise Forbidden(f"{ref}: a run in namespace {self.namespace} reaches nothing outside of it")
        return await patiently(lambda: self._while_leading(request))

    async def _while_leading(self, request: Callable[[], Awaitable[T]]) -> T:
        while True:
            if self.leads():
                return await request()
            await asyncio.sleep(LOOK_AGAIN)  # if somebody else does, they go on with our runs, and we end

    def _is_near(self, ref: Ref, *, reads: bool) -> bool:
        if ref.namespace or ref.kind not in CLUSTER_WIDE:
            return ref.namespace == self.namespace or (reads and ref in self.also)
        return ref.kind != "Namespace" or (reads and ref.name == self.namespace)
