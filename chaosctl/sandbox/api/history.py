"""Why: a watch starts from a version in the past, so the last changes are kept, but not all."""

import asyncio
from collections import deque
from itertools import islice
from typing import Literal, NamedTuple

from chaosctl.sandbox.api import errors
from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.resources import Resource

FIRST = 1_000  # so that versions of an earlier life are too old here, and not yet to come
ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]


class Change(NamedTuple):
    """What happened to one object; for DELETED `object` is its last state at the version of the deletion."""

    version: int
    type: ChangeType
    resource: Resource
    object: Json
    previous: Json | None


class History:
    """The version counter, the last changes, and the queues of those who want the next ones."""

    def __init__(self, length: int) -> None:
        self.version = FIRST
        self._changes: deque[Change] = deque(maxlen=length)
        self._queues: set[asyncio.Queue[Change]] = set()

    @property
    def watchers(self) -> int:
        return len(self._queues)

    def add(self, type_: ChangeType, resource: Resource, new: Json, old: Json | None) -> None:
        """Give the new state the next version and tell everybody."""
        self.version += 1
        new["metadata"]["resourceVersion"] = str(self.version)
        change = Change(self.version, type_, resource, new, old)
        self._changes.append(change)
        for queue in self._queues:
            queue.put_nowait(change)

    def subscribe(self) -> asyncio.Queue[Change]:
        queue: asyncio.Queue[Change] = asyncio.Queue()
        self._queues.add(queue)
        return queue

    def unsubscribe(self, queue: asyncio.Queue[Change]) -> None:
        self._queues.discard(queue)

    def since(self, version: int) -> list[Change]:
        """The changes after a version. Raises ApiError 410 where they are no longer kept."""
        oldest = self._changes[0].version if self._changes else self.version + 1
        if version < oldest - 1:
            raise errors.gone(version, oldest)
        return list(islice(self._changes, version - oldest + 1, None))
