"""Why: faults, engine, ledger and reports must mean the same thing by a change and by a reading.

Everything here is a frozen value that survives a round trip through JSON. `None` stands for "absent":
Kubernetes stores no nulls.
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, NonNegativeInt, PositiveInt

Json = dict[str, JsonValue]


class Model(BaseModel):
    """A frozen value: no unknown keys, no mutation."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Ref(Model):
    """Names one Kubernetes object. A cluster-wide one has no namespace."""

    api_version: str = "v1"
    kind: str
    namespace: str = ""
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    def __hash__(self) -> int:
        return hash((self.api_version, self.kind, self.namespace, self.name))


class Op(Model):
    """One operation of a JSON Patch (RFC 6902)."""

    op: Literal["test", "add", "remove", "replace"]
    path: str
    value: JsonValue = None


class Edit(Model):
    """One path of an object, as it was and as we want it. Both directions follow from it."""

    path: str
    before: JsonValue
    after: JsonValue


class Pin(Model):
    """A value that must not have changed, else the edits' paths mean something else (a container's name)."""

    path: str
    value: JsonValue


class Patch(Model):
    """Change an object; undo is mechanical."""

    step: Literal["patch"] = "patch"
    ref: Ref
    edits: tuple[Edit, ...]
    pins: tuple[Pin, ...] = ()


class Create(Model):
    """Add an object that was not there; undo deletes it. `wait` waits until it reports itself ready."""

    step: Literal["create"] = "create"
    ref: Ref
    body: Json
    wait: bool = False


class Delete(Model):
    """Remove one object, by UID, that its controller replaces; undo has nothing to do."""

    step: Literal["delete"] = "delete"
    ref: Ref
    uid: str
    grace_seconds: NonNegativeInt | None = None


class Banish(Model):
    """Delete the owner's pods on these nodes, at once and whenever new ones appear there, until the end."""

    step: Literal["banish"] = "banish"
    owner: Ref
    nodes: tuple[str, ...]


class Evict(Model):
    """Ask the owner's pods on these nodes to leave, as `kubectl drain` does, and again until the end.

    Disruption budgets may refuse for as long as they like: nothing is ever deleted against one. Undo has
    nothing to do: the owner makes others.
    """

    step: Literal["evict"] = "evict"
    owner: Ref
    nodes: tuple[str, ...]


class Switch(Model):
    """Turn on what our proxies do to the traffic; they turn it off themselves at the deadline.

    `proxies` is the Deployment of the proxies, `port` their admin port, `fault` what they are told.
    Sent only when they have passed traffic on without a failure of their own.
    """

    step: Literal["switch"] = "switch"
    proxies: Ref
    port: PositiveInt
    fault: Json


class Stream(Model):
    """Send requests on top of the workload, until the end; they end with whoever sends them.

    `name` is its entry's; `arrival` as a playbook has it. `answer_within` is in seconds; `most` is how many
    may be under way at once.
    """

    step: Literal["stream"] = "stream"
    name: str
    arrival: Json
    answer_within: float
    most: PositiveInt


Step = Annotated[Patch | Create | Delete | Banish | Evict | Switch | Stream, Field(discriminator="step")]
Plan = tuple[Step, ...]


class Counts(Model):
    """How many of `n` observations in [start, end) were bad, and when the first and the last one was.

    `complement`: the value speaks of the good share, 1 - bad/n, so that people can write `min: 99%`.
    """

    reading: Literal["counts"] = "counts"
    bad: NonNegativeInt
    n: PositiveInt
    start: datetime
    end: datetime
    first_bad: datetime | None = None
    last_bad: datetime | None = None
    complement: bool = False

    @property
    def value(self) -> float:
        """The bad share, 0 to 1; the good share where `complement` says so."""
        return (self.n - self.bad if self.complement else self.bad) / self.n


class Level(Model):
    """A quantity, as it stood in [start, end). `n` is how many observations it was computed from."""

    reading: Literal["level"] = "level"
    value: float
    start: datetime
    end: datetime
    n: PositiveInt = 1
    detail: str = ""


Reading = Annotated[Counts | Level, Field(discriminator="reading")]


class Interval(Model):
    """A moment that sampling could pin down only so far."""

    low: datetime
    high: datetime

    def since(self, other: "Interval") -> tuple[timedelta, timedelta]:
        """The shortest and the longest time that can have passed since `other`."""
        return max(self.low - other.high, timedelta()), max(self.high - other.low, timedelta())
