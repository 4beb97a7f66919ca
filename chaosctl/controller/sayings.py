"""Why: people look at `kubectl describe` and `kubectl get events`. They are told what matters, and once.

What is said follows from the journal's events. Each saying has a key, so that whoever takes a run over and
says it again is not heard twice.
"""

from collections.abc import Iterator
from typing import NamedTuple

from chaosctl.engine import events
from chaosctl.engine.clocks import credited, origin
from chaosctl.engine.events import AnyEvent
from chaosctl.engine.state import State
from chaosctl.engine.verdict import Result, RevertStatus, Verdict
from chaosctl.report.text import between
from chaosctl.report.words import ORIGIN, tell
from chaosctl.spec import ClockName

REASONS: dict[type[events.Event], str] = {
    events.Started: "Started",
    events.Refused: "Refused",
    events.Resumed: "TakenOver",
    events.Stopped: "Stopped",
    events.Applied: "Injected",
    events.Restored: "Restored",
    events.Reverted: "Reverted",
    events.Superseded: "Superseded",
    events.GaveUp: "Stuck",
}
WARNINGS = frozenset({"Refused", "TakenOver", "Stopped", "Superseded", "Stuck"})


class Saying(NamedTuple):
    """One Kubernetes Event. `key` tells it from the others of its Run."""

    key: str
    reason: str
    message: str
    warning: bool = False


def sayings(before: State, event: AnyEvent, after: State) -> Iterator[Saying]:
    """What people should hear of an event; `before` and `after` it the run stood so."""
    reason = REASONS.get(type(event))
    if reason:
        told = tell(event, after.plot)
        entry = getattr(event, "entry", "")
        text = f"{entry}: {told.text}" if entry and told else told.text if told else ""
        about = entry or f"{len(after.resumed_at)}.{after.stops}"
        yield Saying(f"{after.run} {reason} {about}", reason, text, reason in WARNINGS)
    yield from _felt(before, after)
    yield from _clocks(before, event, after)


def verdict_of(state: State, found: Verdict) -> Saying:
    """How a run ended."""
    reason = found.result.capitalize()
    left = " SOMETHING IS LEFT: chaosctl recover" if found.revert is RevertStatus.INCOMPLETE else ""
    why = "; ".join(found.why) or "every expectation held"
    text = f"{state.plot.playbook}: {why} (reverted: {found.revert}){left}"
    bad = found.result is not Result.PASSED or bool(left)
    return Saying(f"{state.run} verdict", reason, text, bad)


def _felt(before: State, after: State) -> Iterator[Saying]:
    for name, life in after.lives.items():
        if life.felt and not (name in before.lives and before.lives[name].felt):
            yield Saying(f"{after.run} Felt {name}", "Felt", f"{name}: the fault was felt")


def _clocks(before: State, event: AnyEvent, after: State) -> Iterator[Saying]:
    stopped = {name for name, at in after.clocks.items() if before.clocks.get(name) != at}
    if ClockName.DETECT in stopped and isinstance(event, events.Noticed):
        yield Saying(f"{after.run} Detected", "Detected", f"{event.by}: {event.what}")
    start, recover = origin(after), after.clocks.get(ClockName.RECOVER)
    if ClockName.RECOVER in stopped and start and recover:
        took = between(*recover.since(start[1]))
        ours = "" if credited(after, ClockName.RECOVER) else ", by our own undo"
        text = f"the steady state is back{ours}, {took} after the {ORIGIN[start[0]]}"
        yield Saying(f"{after.run} Recovered", "Recovered", text)
