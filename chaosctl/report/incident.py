"""Why: how it was noticed, who reacted and how it came back are three questions, each with its evidence."""

from collections.abc import Iterator

from chaosctl.engine import events
from chaosctl.engine.clocks import REACTIONS, credited, origin
from chaosctl.engine.tables import Stage
from chaosctl.report.checks import VERDICTS, absent, effect_row
from chaosctl.report.document import ClockRow, Effect, EntryRow, Line
from chaosctl.report.history import History
from chaosctl.report.text import around, between, clean, length, offset, plural, time_of_day
from chaosctl.report.words import CLOCKS, ORIGIN, changes, fault, label, outcomes
from chaosctl.spec import ClockName, Entry, Role

UNKNOWN = "unknown"


def clocks(history: History) -> tuple[ClockRow, ...]:
    """All seven moments, known or not."""
    return tuple(_clock(history, name) for name in ClockName)


def entries(history: History) -> tuple[EntryRow, ...]:
    return tuple(_entry(history, entry) for entry in history.state.plot.entries if history.state.lives)


def detection(history: History) -> tuple[Line, ...]:
    """Who noticed, and when; or that nobody did."""
    noticed = [record for record in history.records if isinstance(record.event, events.Noticed)]
    lines = [
        Line(
            clean(event.by),
            f"{clean(event.what)} ({time_of_day(event.when)}, {offset(event.when - history.zero)})",
            (seq,),
        )
        for seq, event in noticed
        if isinstance(event, events.Noticed)
    ]
    first = clock(history, ClockName.DETECT)
    summary = f"{first.text} after the {first.origin}" if first.since else "not detected"
    return (Line("Time to detect", summary, first.evidence), *lines)


def response(history: History) -> tuple[Line, ...]:
    """What anybody did about it, ourselves last."""
    lines = [
        _since(history, ClockName.MITIGATE, "Time to mitigate"),
        _since(history, ClockName.ROLLBACK, "Time to roll back"),
    ]
    for seq, event in history.records:
        if isinstance(event, events.Restored):
            lines.append(
                Line(event.entry, f"{event.by} put everything back at {time_of_day(event.at)}", (seq,))
            )
        if isinstance(event, events.Stopped):
            lines.append(Line("stop", f"{clean(event.why)} ({time_of_day(event.at)})", (seq,)))
    return tuple(lines)


def recovery(history: History) -> tuple[Line, ...]:
    """When it was good again, how that was shown, and what was left of us."""
    lines = [_since(history, ClockName.RECOVER, "Time to recover")]
    for check in history.state.plot.having(Role.STEADY):
        verdict = VERDICTS[history.state.judge(check).finding]
        n = history.state.judge(check).evidence.n
        shown = f"{verdict} after {plural(n, 'sample')} of the good stretch" if n else verdict
        if history.state.closed_at:
            lines.append(
                Line(f"{label(check)} after", shown, tuple(sample.seq for sample in history.of(check)[-1:]))
            )
    return (*lines, *_undone(history))


def clock(history: History, name: ClockName) -> ClockRow:
    return next(row for row in clocks(history) if row.name is name)


def _since(history: History, name: ClockName, label: str) -> Line:
    row = clock(history, name)
    text = f"{row.text} after the {row.origin}" if row.since else row.text
    return Line(label, text, row.evidence)


def _clock(history: History, name: ClockName) -> ClockRow:
    at, start = credited(history.state, name), origin(history.state)
    evidence = (history.clocks[name],) if name in history.state.clocks else ()
    if at is None:
        return ClockRow(name, CLOCKS[name], None, UNKNOWN, None, "", absent(history.state, name), evidence)
    if start is None or name not in REACTIONS:
        return ClockRow(name, CLOCKS[name], at, around(at), None, "", "", evidence)
    shortest, longest = at.since(start[1])
    since = shortest.total_seconds(), longest.total_seconds()
    return ClockRow(
        name, CLOCKS[name], at, around(at), since, ORIGIN[start[0]], between(shortest, longest), evidence
    )


def _entry(history: History, entry: Entry) -> EntryRow:
    life = history.state.lives[entry.id]
    lasted = length(life.reverting_at - life.applied_at) if life.applied_at and life.reverting_at else ""
    effect = effect_row(history, life.effect) if life.effect else None
    return EntryRow(
        id=entry.id,
        kind=str(entry.fault.get("kind", "")),
        fault=fault(entry.fault),
        changes=changes(life.plan),
        state=life.stage,
        restored_by=life.restored_by,
        why=clean(life.lost or ("" if life.stage is Stage.REVERTED else life.why)),
        lasted=lasted,
        effect=Effect(effect.expected, effect.observed, life.felt) if effect else None,
        evidence=history.evidence(events.EntryEvent, entry=entry.id),
    )


def _undone(history: History) -> Iterator[Line]:
    for seq, event in history.records:
        match event:
            case events.Reverted():
                by = event.by or history.state.lives[event.entry].restored_by or "chaosctl"
                yield Line(
                    f"{event.entry} reverted",
                    f"everything is as before, by {by} ({outcomes(event.outcomes)})",
                    (seq,),
                )
            case events.Superseded():
                yield Line(
                    f"{event.entry} superseded",
                    f"somebody else changed it; theirs was left alone ({outcomes(event.outcomes)})",
                    (seq,),
                )
            case events.GaveUp():
                yield Line(
                    f"{event.entry} stuck",
                    f"could not be undone: {clean(event.why)}; chaosctl recover tries again",
                    (seq,),
                )
    for name, life in history.state.lives.items():
        if life.stage in (Stage.APPLYING, Stage.APPLIED, Stage.REVERTING):
            yield Line(f"{name} open", "the journal ends before its undo; chaosctl recover finishes it")
