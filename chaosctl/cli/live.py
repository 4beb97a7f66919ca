"""Why: a drill is watched while it runs: as calm lines with colour on a terminal, as plain ones elsewhere."""

import os
import sys
from collections import defaultdict
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from chaosctl.engine.events import AnyEvent
    from chaosctl.engine.state import State
    from chaosctl.operations.viewing import Outcome, Viewer

GREEN, RED, YELLOW, DIM, BOLD, PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[2m", "\x1b[1m", "\x1b[0m"
ERASE = "\r\x1b[2K"
COLORS = {"passed": GREEN, "failed": RED, "aborted": YELLOW, "inconclusive": YELLOW, "refused": RED}


def view(*, quiet: bool, verdict: bool = True) -> "Viewer":
    """Whoever shows a run. When quiet, the verdict at most: standard output may belong to a document."""
    return Quiet(verdict=verdict) if quiet else Live()


class Quiet:
    """Prints the verdict alone, if that."""

    def __init__(self, *, verdict: bool) -> None:
        self._verdict = verdict

    def say(self, text: str) -> None: ...
    def happened(self, state: "State", event: "AnyEvent") -> None: ...

    def ended(self, outcome: "Outcome") -> None:
        from chaosctl.operations.papers import summary

        if self._verdict and not _refused(outcome):
            typer.echo(summary(outcome)[0])
        _alarm(outcome)


class Live:
    """Prints what happens; on a terminal the last line shows how things stand."""

    def __init__(self) -> None:
        from chaosctl.engine.state import State

        self._terminal = sys.stdout.isatty()
        self._color = self._terminal and not os.environ.get("NO_COLOR")
        self._before = State()
        self._values: dict[str, list[float]] = defaultdict(list)

    def say(self, text: str) -> None:
        self._line(text, DIM)

    def happened(self, state: "State", event: "AnyEvent") -> None:
        from chaosctl.engine import events
        from chaosctl.report import terminal

        before, self._before = self._before, state
        if isinstance(event, events.Started):
            self._begin(state)
            return
        if isinstance(event, events.Refused):
            return
        if isinstance(event, events.Opened):
            self._line(terminal.steady(before), GREEN)
        for line in terminal.news(before, event, state):
            self._line(line)
        if isinstance(event, events.Measured) and event.reading is not None:
            self._values[event.check].append(event.reading.value)
            self._now(state)

    def ended(self, outcome: "Outcome") -> None:
        from chaosctl.engine.state import State
        from chaosctl.operations.papers import summary

        if not _refused(outcome):
            first, *rest = summary(outcome)
            self._line(first, BOLD + COLORS.get(outcome.verdict.result, ""))
            for line in rest:
                self._line(line)
            for line in filter(None, (outcome.note,)):
                self._line(line, YELLOW)
            typer.echo()
        _alarm(outcome)
        self._before = State()

    def _begin(self, state: "State") -> None:
        from chaosctl.report import terminal

        self._values.clear()
        title, *rest = terminal.heading(state)
        self._line(title, BOLD)
        for line in rest:
            self._line(line, DIM)

    def _line(self, text: str, color: str = "") -> None:
        erase = ERASE if self._terminal else ""
        painted = f"{color}{text}{PLAIN}" if color and self._color else text
        typer.echo(f"{erase}{painted}")

    def _now(self, state: "State") -> None:
        """Written over and over, only where that is possible."""
        if not self._terminal:
            return
        from chaosctl.report import terminal

        width = os.get_terminal_size(sys.stdout.fileno()).columns
        typer.echo(f"{ERASE}{terminal.now(state, self._values)[: width - 1]}", nl=False)


def _refused(outcome: "Outcome") -> bool:
    from chaosctl.engine.verdict import Result

    return outcome.verdict.result is Result.REFUSED


def _alarm(outcome: "Outcome") -> None:
    """What must be heard even where nobody reads what is printed: a refusal, and what is left."""
    from chaosctl.operations.papers import summary

    if _refused(outcome):
        typer.echo("\n".join(summary(outcome)), err=True)
    if outcome.repair:
        typer.echo(f"chaosctl: something is left; repair it with:\n{outcome.repair}", err=True)
