"""Why: the core asks the outside world for this much and no more, so that tests can be the outside world."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from chaosctl.model import Counts, Json, Level, Model, Op, Ref, Stream


class Reader(Protocol):
    """All of the cluster that a fault or a probe may use. It has no write. Raises ClusterError."""

    async def get(self, ref: Ref) -> Json:
        """One object. Raises Gone."""
        ...

    async def find(self, like: Ref, selector: str = "", fields: str = "") -> Sequence[Json]:
        """Objects of `like`'s kind in its namespace ("" is everywhere); its name is ignored.

        `selector` and `fields` are label and field selectors as kubectl writes them.
        """
        ...

    async def pods(self, owner: Ref) -> Sequence[Json]:
        """The pods that belong to a workload through its ReplicaSets, by owner reference, by name."""
        ...

    async def ask(self, pod: Ref, port: int, path: str) -> Json:
        """What one of our own pods answers on its admin port, by way of the API server (pods/proxy)."""
        ...


class Cluster(Reader, Protocol):
    """A Reader that can also write. Every write may be Refused, in Conflict, or Lost."""

    async def patch(self, ref: Ref, ops: Sequence[Op], *, dry_run: bool = False) -> Json: ...
    async def create(self, ref: Ref, body: Json, *, dry_run: bool = False) -> Json: ...
    async def delete(self, ref: Ref, uid: str, *, grace_seconds: int | None = None) -> None: ...
    async def evict(self, pod: Ref, uid: str) -> None:
        """Ask for a pod to leave; its disruption budget decides. Raises Held where it says not now."""
        ...

    async def tell(self, pod: Ref, port: int, path: str, body: Json) -> Json: ...
    async def allowed(self, verb: str, ref: Ref, subresource: str = "") -> bool: ...
    async def plural(self, ref: Ref) -> str:
        """What URLs and Roles call the kind. Raises Gone where the cluster does not know it."""
        ...


class Clock(Protocol):
    """Time as the API server sees it, in UTC."""

    def now(self) -> datetime: ...
    async def sleep_until(self, when: datetime) -> None: ...


class Journal(Protocol):
    """Append-only; an event is durable when `append` returns. Raises StoreError."""

    def append(self, event: Model) -> None: ...


class Http(Protocol):
    """One request to somebody else's endpoint. Raises NoData when there is no answer."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """Status and at most 1 MiB of the body."""
        ...


class Answers(Protocol):
    """What the workload saw: one sample a request, in the order in which they were due.

    A request counts once it was answered, or once it is past its time (then it failed). All of these are
    over requests due in [start, end) and raise NoData when there are none.
    """

    async def settled(self, end: datetime) -> None:
        """Return when every request due before `end` was answered or is past its time."""
        ...

    def failures(self, start: datetime, end: datetime) -> Counts:
        """Requests without a good answer: errors, statuses of 400 and more, time-outs, dropped ones."""
        ...

    def disagreements(self, start: datetime, end: datetime, version: str | None = None) -> Counts:
        """Good answers that differ from the known ones, of one model version where it is named.

        `n` counts good answers with a known one.
        """
        ...

    def slower_than(self, start: datetime, end: datetime, seconds: float) -> Counts:
        """Requests that took longer than this from when they were due, failed ones among them."""
        ...

    def latency(self, start: datetime, end: datetime, percentile: float) -> Level:
        """Seconds from when a request was due to its answer; `percentile` from 0 to 100."""
        ...

    def versions(self, start: datetime, end: datetime) -> Mapping[str, int]:
        """How many good answers each model version gave."""
        ...

    def statuses(self, start: datetime, end: datetime, among: Collection[int]) -> Counts:
        """Requests that were answered with one of these statuses, of all that were due."""
        ...

    def sent_rate(self, start: datetime, end: datetime) -> Level:
        """How many requests left, a second."""
        ...


class Stage(Protocol):
    """Where a run's traffic is sent from, and what it saw."""

    @property
    def answers(self) -> Answers:
        """The workload's."""
        ...

    def begin(self, name: str, stream: Stream, until: datetime) -> None:
        """Send a stream on top of the workload until then. Raises CannotPlan."""
        ...

    async def end(self, name: str) -> None:
        """Send no more of it, and wait for nothing that is under way."""
        ...

    def of(self, name: str) -> Answers | None:
        """What a stream saw; None where it has not begun."""
        ...
