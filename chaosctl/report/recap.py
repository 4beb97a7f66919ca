"""Why: five lines tell a colleague in thirty seconds what happened, each with where it is known from."""

from chaosctl.engine.events import Noticed
from chaosctl.engine.tables import Stage
from chaosctl.report import checks, incident
from chaosctl.report.document import Action, Chain, CheckRow, EntryRow, HarmRow, Line, Margin
from chaosctl.report.history import History
from chaosctl.report.text import count, length, listed, percent, plural
from chaosctl.spec import ClockName, Role


def injected(history: History, entries: tuple[EntryRow, ...]) -> Line:
    """What we did to it."""
    evidence = tuple(seq for entry in entries for seq in entry.evidence[:1])
    done = [entry for entry in entries if entry.state not in (Stage.PENDING, Stage.PLANNED, Stage.SKIPPED)]
    if history.state.refused:
        return Line("We injected", f"nothing: {'; '.join(history.state.refused)}", (history.records[0].seq,))
    if not done:
        reasons = {entry.why for entry in entries if entry.why} or {
            history.state.stop or "the run ended before"
        }
        return Line("We injected", f"nothing: {listed(sorted(reasons))}.", evidence)
    told = [f"{entry.fault}, {_held(history, entry)}" for entry in done]
    return Line("We injected", f"{'; '.join(told)}.", evidence)


def broke(history: History, entries: tuple[EntryRow, ...], harm: tuple[HarmRow, ...]) -> Line:
    """What users felt of it, else what else showed."""
    if not any(life.applying_at for life in history.state.lives.values()):
        return Line("It broke", "not applicable: nothing was touched.")
    worst = harm[0] if harm else None
    if worst and worst.bad:
        return Line(
            "It broke", f"{harm_text(worst)}, {worst.lasted} from the first to the last.", worst.evidence
        )
    users = f"none of {plural(worst.n, 'request')} was bad (at most {percent(worst.high)})" if worst else ""
    parts = [part for part in (users, _felt(entries)) if part]
    broken = checks.broken(history)
    if broken:
        found = listed(f"{row.label} was {row.observed} ({row.expected})" for row in broken)
        return Line(
            "It broke", f"{'; '.join([found, *parts])}.", tuple(seq for row in broken for seq in row.evidence)
        )
    text = "; ".join(parts) or "nothing was measured"
    return Line("It broke", f"nothing that users would notice: {text}.", worst.evidence if worst else ())


def _felt(entries: tuple[EntryRow, ...]) -> str:
    """How the faults showed; what was not felt proves nothing."""
    effects = [(entry.id, entry.effect) for entry in entries if entry.effect]
    shown = [f"{name}: {effect.observed}" for name, effect in effects if effect.held]
    if shown:
        return f"felt as {listed(shown)}"
    return "no effect was measured, so nothing is proven" if effects else ""


def caught(history: History, harm: tuple[HarmRow, ...]) -> Line:
    """Who noticed it, and how soon."""
    row = incident.clock(history, ClockName.DETECT)
    if row.at:
        stopped = [event for seq, event in history.records if seq in row.evidence]
        by = listed(event.by for event in stopped if isinstance(event, Noticed))
        after = f" after {row.text}" if row.since else ""
        return Line("It was caught by", f"{by}{after}.", row.evidence)
    if history.state.opened_at is None:
        return Line("It was caught by", "not applicable: nothing was touched.")
    if any(part.bad for part in harm):
        return Line("It was caught by", "nobody: not detected, though users felt it.")
    text = "not detected, though it showed." if history.state.broke else "there was nothing to notice."
    return Line("It was caught by", f"nobody: {text}")


def recovered(history: History, rows: tuple[CheckRow, ...]) -> Line:
    """When it was good again, and what that rests on."""
    row = incident.clock(history, ClockName.RECOVER)
    after = [check for check in rows if check.role == Role.STEADY and check.when == "after"]
    evidence = (*row.evidence, *(seq for check in after for seq in check.evidence))
    if history.state.opened_at is None:
        return Line("It recovered", "not applicable: nothing was touched.")
    live = max((check.samples for check in after), default=0)
    if not after or any(check.verdict != "passed" for check in after):
        return Line("It recovered", f"not shown. {_left(history)}".strip(), evidence)
    when = f"{row.text} after the {row.origin}"
    if not row.at:
        when = "only by our own undo, which is not credited to anybody"
    if not history.state.broke:
        when = "at once: its steady state never broke"
    return Line("It recovered", f"{when}; certified on {plural(live, 'sample')}.", evidence)


def learned(near: tuple[Margin, ...], actions: tuple[Action, ...], chain: Chain, events: int) -> Line:
    """What is left to do, and whether this can be trusted."""
    state = {True: "verified", False: f"BROKEN ({chain.fault})", None: "not verified"}[chain.intact]
    found = f"{plural(len(near), 'near miss')}, {plural(len(actions), 'proposed action')}"
    return Line("We learned", f"{found}. Integrity: chain of {plural(events, 'event')}, {state}.")


def harm_text(row: HarmRow) -> str:
    """98 of 3,640 answers were wrong (2.7 %, 95 % interval 2.2 to 3.3 %)."""
    share, low, high = (percent(value) for value in (row.bad / row.n, row.low, row.high))
    return f"{count(row.bad)} of {count(row.n)} {row.what} ({share}, 95 % interval {low[:-2]} to {high})"


def _left(history: History) -> str:
    """What is still broken, or still ours."""
    left = [name for name, life in history.state.lives.items() if life.stage is Stage.STUCK]
    return f"{listed(left)} could not be undone." if left else ""


def actions(
    rows: tuple[CheckRow, ...], near: tuple[Margin, ...], history: History, harm: tuple[HarmRow, ...]
) -> tuple[Action, ...]:
    """Proposals that follow from the findings; people decide."""
    again = "run the same playbook again"
    found = [
        Action(f"Make “{row.label}” hold: expected {row.expected}, observed {row.observed}.", "fix", again)
        for row in rows
        if row.verdict == "failed"
    ]
    undecided = [f"“{row.label}”" for row in rows if row.verdict == "inconclusive"]
    if undecided and history.state.opened_at:
        found.append(
            Action(
                f"Measure longer, or with more traffic: {listed(undecided)} could not be decided.",
                "measure",
                again,
            )
        )
    if any(part.bad for part in harm) and not history.state.notices:
        found.append(Action("Let somebody notice this: users felt it and no alert fired.", "detect", again))
    found += [Action(f"Widen the margin of {margin.text}.", "prevent", again) for margin in near]
    stuck = [name for name, life in history.state.lives.items() if life.stage is Stage.STUCK]
    return (
        *(Action(f"Put back what “{name}” changed: chaosctl recover.", "repair", "") for name in stuck),
        *found,
    )


def _held(history: History, entry: EntryRow) -> str:
    planned = history.state.plot.entry(entry.id).hold
    return f"held {entry.lasted}" if entry.lasted else f"to be held {length(planned)}"
