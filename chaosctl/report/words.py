"""Why: the live view, the timeline and the swimlane must tell the same event in the same words."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from pydantic import JsonValue

from chaosctl.changes import Outcome
from chaosctl.engine import events
from chaosctl.engine.events import AnyEvent
from chaosctl.model import Banish, Create, Delete, Edit, Evict, Json, Patch, Plan, Step, Stream, Switch
from chaosctl.report.text import clean, listed, plural
from chaosctl.spec import Check, ClockName, Script

CLOCKS: Mapping[ClockName, str] = {
    ClockName.INJECT: "every write was acknowledged",
    ClockName.EFFECT: "the fault was felt",
    ClockName.IMPACT: "the first bad answer",
    ClockName.DETECT: "somebody noticed: an alert, a watchdog, a person",
    ClockName.MITIGATE: "the service levels came back inside their bounds",
    ClockName.ROLLBACK: "the expected revision served again",
    ClockName.RECOVER: "the certified good stretch began",
}
ORIGIN: Mapping[ClockName, str] = {
    ClockName.IMPACT: "impact",
    ClockName.EFFECT: "effect",
    ClockName.INJECT: "injection",
}
RUN: Mapping[type[events.Event], str] = {
    events.Resumed: "another process goes on; what happened in between is unknown",
    events.Opened: "the steady state was seen; the timeline begins",
    events.Closed: "undoing is over; now the recovery must show",
    events.Finished: "the end",
}
ENTRY: Mapping[type[events.Event], str] = {
    events.Planned: "planned {fault}",
    events.Skipped: "not injected{why}",
    events.Applying: "inject {fault}",
    events.Applied: "every write was acknowledged",
    events.ApplyFailed: "a write was refused, or nobody knows{why}",
    events.Restored: "everything we changed was put back{by}",
    events.EffectLost: "the effect ended early{why}",
    events.Reverting: "put everything back{why}",
    events.Reverted: "everything is as before{by} ({outcomes})",
    events.Superseded: "somebody else changed it; theirs was left alone ({outcomes})",
    events.RevertFailed: "undoing failed, and is tried again{why}",
    events.GaveUp: "gave up undoing{why}",
}
BOUND = re.compile(
    r" [≤≥] (?:steady [-+] )?[\d.,]+(?: ?%| (?:ms|s|min|h|nodes?|pods?|replicas?)\b)?| within .*$"
)
OWN = "chaosctl"  # who put something back, where it was ourselves
LANE_LABEL = 18  # characters
FAULT_DETAILS = 4  # of a fault's fields that a line names


class Told(NamedTuple):
    """An event as people read it. `lane` says whose doing it was."""

    lane: str
    text: str


def tell(event: AnyEvent, script: Script) -> Told | None:
    """One event in words; None for a reading, which the charts show."""
    if isinstance(event, events.Measured):
        return None
    if isinstance(event, events.EntryEvent):
        return Told(event.entry, _entry(event, script))
    match event:
        case events.Noticed():
            return Told(event.by, event.what)
        case events.Trouble():
            return Told(event.what, f"ended, and is started again: {event.why}")
        case events.Started():
            return Told("run", f"{event.script.playbook} on {event.script.target} starts")
        case events.Refused():
            return Told("run", f"refused: {'; '.join(event.reasons)}")
        case events.Stopped():
            return Told("run", f"stop: {event.why}")
    return Told("run", RUN[type(event)])


def label(check: Check) -> str:
    """A check's name without the bound in it, for where the bound stands beside."""
    return BOUND.sub("", check.name) or check.name


def short(text: str) -> str:
    """As much of a label as stands beside a lane; of an effect's, what follows its entry's name."""
    text = text.rpartition(": ")[2] or text
    return text if len(text) <= LANE_LABEL else f"{text[: LANE_LABEL - 1]}…"


def fault(body: Json) -> str:
    """What is injected: its kind and what was asked for, without what is empty."""
    when = body.get("arrival")
    details = [arrival(when)] if isinstance(when, dict) else []
    details += [
        f"{_spaced(name)} {_scalar(value)}"
        for name, value in body.items()
        if name != "kind" and not isinstance(value, dict | list) and value not in (None, "", False)
    ]
    return clean(" ".join([str(body.get("kind", "")), ", ".join(details[:FAULT_DETAILS])]).strip())


def changes(plan: Plan) -> tuple[str, ...]:
    """A plan, one line a change."""
    deleted = [step for step in plan if isinstance(step, Delete)]
    lines = [line for step in plan for line in _change(step)]
    if deleted:
        names = listed(step.ref.name for step in deleted)
        lines.append(f"delete {plural(len(deleted), deleted[0].ref.kind)}: {names}")
    return tuple(clean(line) for line in lines)


def outcomes(some: tuple[Outcome, ...]) -> str:
    """What undoing came to: undone (2), already back."""
    counted = {outcome: some.count(outcome) for outcome in Outcome}
    parts = [f"{outcome} ({n})" if n > 1 else str(outcome) for outcome, n in counted.items() if n]
    return ", ".join(parts) or "nothing to undo"


def _entry(event: events.EntryEvent, script: Script) -> str:
    by, some = getattr(event, "by", ""), getattr(event, "outcomes", ())
    words = {
        "why": f": {event.why}" if event.why else "",
        "by": f" by {by}" if by not in {"", OWN} else "",
        "fault": fault(script.entry(event.entry).fault),
        "outcomes": outcomes(some),
    }
    return ENTRY[type(event)].format(**words)


def _change(step: Step) -> list[str]:
    match step:
        case Patch():
            return [f"{step.ref} {_edit(edit)}" for edit in step.edits]
        case Create():
            return [f"create {step.ref}"]
        case Banish():
            return [f"keep the pods of {step.owner} off {listed(step.nodes)}"]
        case Evict():
            return [f"evict the pods of {step.owner} from {listed(step.nodes)}"]
        case Switch():
            return [f"through {step.proxies}: {fault(step.fault)}"]
        case Stream():
            return [f"send {arrival(step.arrival)}"]
    return []


def arrival(body: Json) -> str:
    """When requests come, in words: `poisson, rate 50/s`."""
    said = (f"{_spaced(name)} {_several(value)}" for name, value in body.items() if name != "process")
    return " ".join([str(body.get("process")), " ".join(said)])


def _several(value: JsonValue) -> str:
    return " and ".join(map(_scalar, value)) if isinstance(value, list) else _scalar(value)


def _edit(edit: Edit) -> str:
    path = edit.path.removeprefix("/").replace("/", ".").replace("~1", "/").replace("~0", "~")
    return f"{path} {_scalar(edit.before)} → {_scalar(edit.after)}"


def _scalar(value: JsonValue) -> str:
    if value is None:
        return "absent"
    if isinstance(value, dict | list):
        return f"({plural(len(value), 'value')})"
    return str(value).lower() if isinstance(value, bool) else f"{value}"


def _spaced(name: str) -> str:
    """Words of a camelCase name."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
