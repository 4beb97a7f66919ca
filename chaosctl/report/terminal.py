"""Why: a run is followed line by line; what a line says is a function of the state, so that it can be tested.

Whoever prints adds colour. These lines hold no control characters, whatever was written into names.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from chaosctl.engine.clocks import credited, origin
from chaosctl.engine.events import AnyEvent, Planned
from chaosctl.engine.judge import Finding, Judge
from chaosctl.engine.state import State
from chaosctl.engine.tables import Phase
from chaosctl.engine.verdict import finding
from chaosctl.report.document import Document
from chaosctl.report.recap import harm_text
from chaosctl.report.text import between, bounds, clean, length, quantity, sparkline
from chaosctl.report.words import CLOCKS, label, tell
from chaosctl.spec import Check, ClockName, Role

WIDTH = 12  # of the first column
INJECT = ClockName.INJECT  # is told by its event
HISTORY = 12  # values that a spark shows
SIGNS = {Finding.HELD: "✓", Finding.REFUTED: "✗", Finding.OPEN: "·"}


def heading(state: State) -> tuple[str, ...]:
    """What is about to happen."""
    script = state.plot
    context = f" (context {script.target.context})" if script.target.context else ""
    title = f"{script.playbook} on {script.target}{context}"
    warned = [f"warning: {text}" for text in state.warnings]
    lines = [f"{title:<70} run {state.run}", script.summary, *warned]
    return tuple(clean(line) for line in lines if line)


def news(before: State, event: AnyEvent, after: State) -> tuple[str, ...]:
    """What an event adds to the live view: the event itself, and clocks that it stopped."""
    told = None if isinstance(event, Planned) else tell(event, after.plot)
    lines = []
    if told:
        who = "" if told.lane == "run" else f"{told.lane}: "
        lines.append(f"{_offset(after, event.at):<{WIDTH}} {who}{told.text}")
    stopped = [
        name for name, at in after.clocks.items() if before.clocks.get(name) != at and name is not INJECT
    ]
    lines += [f"{_offset(after, event.at):<{WIDTH}} {_clock(after, name)}" for name in stopped]
    return tuple(clean(line) for line in lines)


def steady(state: State) -> str:
    """How the steady state stands: errors 0 % ≤ 1 % ✓."""
    parts = [_standing(state, check) for check in state.plot.having(Role.STEADY)]
    return clean(f"{'steady':<{WIDTH}} {'   '.join(parts)}")


def now(state: State, values: Mapping[str, list[float]]) -> str:
    """The line that is written over and over; `values` are a check's latest ones."""
    parts = [
        f"{label(check)} {quantity(seen[-1], check.unit)} {sparkline(seen[-HISTORY:])}"
        for check in state.plot.having(Role.STEADY)
        if (seen := values.get(check.name))
    ]
    return clean(f"{'now':<{WIDTH}} {'   '.join(parts)}")


def ending(document: Document, paths: Mapping[str, str]) -> tuple[str, ...]:
    """The verdict, what it cost, how near it came, and where to read more."""
    header = document.header
    code = "" if header.exit_code is None else f"exit {header.exit_code}"
    lines = [f"{f'{header.result.upper()}  {header.reverted}':<70} {code}".rstrip()]
    lines += [f"  {reason}" for reason in header.why]
    lines += _cost(document)
    lines += [f"post-mortem  {' · '.join(paths.values())}"] if paths else []
    return (*(clean(line) for line in lines), clean(f"again        chaosctl runs show {header.run}"))


def _cost(document: Document) -> Iterator[str]:
    for row in [row for row in document.harm if row.bad][:1]:
        yield f"{harm_text(row)}: {row.budget_minutes:.2f} error-budget minutes."
    for margin in [margin for margin in document.margins if margin.part < 1][:1]:
        yield f"Nearest miss: {margin.text}."


def _standing(state: State, check: Check) -> str:
    judge = state.judge(check)
    return f"{label(check)} {_last(judge, check)} {bounds(check.holds, check.unit)} {SIGNS[judge.finding]}"


def _last(judge: Judge, check: Check) -> str:
    return "?" if judge.last is None else quantity(judge.last.value, check.unit)


def _clock(state: State, name: ClockName) -> str:
    at, start = credited(state, name), origin(state)
    promises = [check for check in state.plot.having(Role.EXPECT) if check.clock is name and check.within]
    text = f"{name}: {CLOCKS[name]}"
    if at is None or start is None or not promises:
        return text
    sign = SIGNS[finding(state, promises[0])]
    return f"{text}  {sign} {between(*at.since(start[1]))} ≤ {length(promises[0].within or at.since(at)[0])}"


def _offset(state: State, at: datetime) -> str:
    """Minutes and seconds since the timeline began."""
    if state.phase is Phase.STEADY or state.opened_at is None:
        return "steady"
    total = max(0, int((at - state.opened_at).total_seconds()))
    return f"{total // 60:02}:{total % 60:02}"
