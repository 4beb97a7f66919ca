"""Why: a watchdog that starts again must know what it trusted and how often it acted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chaosctl.model import Ref
from chaosctl.spec import show_duration
from chaosctl.watchdog.events import AnyEvent, Certified, Revision, RollbackFinished, RollbackStarted
from chaosctl.watchdog.rules import Limits

KEPT = timedelta(days=1)  # no limit counts further back


@dataclass
class Memory:
    """Of one Deployment: the revision it trusts, its rollbacks, and the one that is on its way."""

    certified: Revision | None = None
    rollbacks: tuple[RollbackStarted, ...] = ()
    rolling: RollbackStarted | None = None

    def learn(self, event: AnyEvent) -> None:
        match event:
            case Certified():
                self.certified = event.revision
            case RollbackStarted():
                recent = [each for each in self.rollbacks if event.at - each.at < KEPT]
                self.rollbacks = (*recent, event)
                self.rolling = event
            case RollbackFinished():
                self.rolling = None


def recall(past: Iterable[AnyEvent]) -> dict[Ref, Memory]:
    """What a journal says of every Deployment."""
    memories: dict[Ref, Memory] = {}
    for event in past:
        memories.setdefault(event.workload, Memory()).learn(event)
    return memories


def too_many(rollbacks: Sequence[RollbackStarted], drill: str, limits: Limits, now: datetime) -> str:
    """Why not to roll back once more, "" if nothing is against it.

    Each drill has a count of its own, and none of them uses up what a real incident may need.
    """
    counted = [rollback.at for rollback in rollbacks if rollback.drill == drill]
    recent = [at for at in counted if now - at < limits.within]
    if len(recent) >= limits.rollbacks:
        times = "once" if len(recent) == 1 else f"{len(recent)} times"
        return f"it was already {times} in the last {show_duration(limits.within)}"
    if counted and now - counted[-1] < limits.back_off:
        return f"the last one was less than {show_duration(limits.back_off)} ago"
    return ""
