"""Why: what the watchdog decided must be readable afterwards, by itself when it starts again and by people.

Those with a `reason` are told to the cluster too, as Kubernetes Events about the Deployment.
"""

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field, TypeAdapter

from chaosctl.model import Json, Model, Ref


class Revision(Model):
    """One pod template of one Deployment.

    `uid` is the Deployment's, `digest` is made from the template, `hash` is its ReplicaSet's, `number` what
    `kubectl rollout history` calls it; `versions` are those that answered when it was certified.
    """

    uid: str
    digest: str
    hash: str = ""
    number: str = ""
    template: Json
    versions: tuple[str, ...] = ()

    def __str__(self) -> str:
        name = self.number or self.hash or self.digest[:10]
        named = [version for version in self.versions if version]
        return f"revision {name} ({', '.join(named)})" if named else f"revision {name}"


class Event(Model):
    """Something that the watchdog did, or saw, or would not do."""

    reason: ClassVar[str] = ""
    warning: ClassVar[bool] = True

    at: datetime
    workload: Ref

    @property
    def message(self) -> str:
        """For people."""
        return ""


class Certified(Event):
    """The objectives were shown to hold, on answers of this revision."""

    type: Literal["certified"] = "certified"
    revision: Revision

    @property
    def message(self) -> str:
        return f"{self.revision} holds its objectives"


class Failing(Event):
    """An objective was refuted; from here on it wants to act."""

    type: Literal["failing"] = "failing"
    revision: str
    why: str

    @property
    def message(self) -> str:
        return f"{self.revision}: {self.why}"


class RollbackStarted(Event):
    """The certified template was written. `drill` is the run whose ledger was open, "" outside of drills."""

    reason: ClassVar[str] = "RollbackStarted"
    type: Literal["rollback-started"] = "rollback-started"
    away_from: str
    to: str
    why: str
    drill: str = ""

    @property
    def message(self) -> str:
        return f"{self.why}: back to {self.to}"


class RollbackFinished(Event):
    """The certified revision is rolled out again."""

    reason: ClassVar[str] = "RollbackFinished"
    warning: ClassVar[bool] = False
    type: Literal["rollback-finished"] = "rollback-finished"
    to: str

    @property
    def message(self) -> str:
        return f"{self.to} is rolled out again"


class RollbackRefused(Event):
    """It could roll back, but would flap, or its hands are tied."""

    reason: ClassVar[str] = "RollbackRefused"
    type: Literal["rollback-refused"] = "rollback-refused"
    revision: str
    why: str
    obstacle: str

    @property
    def message(self) -> str:
        return f"{self.why}: not rolled back, {self.obstacle}"


class Helpless(Event):
    """There is nothing that it could roll back to."""

    reason: ClassVar[str] = "WatchdogHelpless"
    type: Literal["helpless"] = "helpless"
    revision: str
    why: str
    obstacle: str

    @property
    def message(self) -> str:
        return f"{self.why}: {self.obstacle}"


class Misconfigured(Event):
    """Its rules cannot be read, so it does not act."""

    reason: ClassVar[str] = "WatchdogMisconfigured"
    type: Literal["misconfigured"] = "misconfigured"
    why: str

    @property
    def message(self) -> str:
        return f"not watched: {self.why}"


AnyEvent = Annotated[
    Certified | Failing | RollbackStarted | RollbackFinished | RollbackRefused | Helpless | Misconfigured,
    Field(discriminator="type"),
]
_EVENTS: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)


def parse_event(line: str | bytes) -> AnyEvent:
    """An event, from its line in a journal. Raises ValueError."""
    return _EVENTS.validate_json(line)
