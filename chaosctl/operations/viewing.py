"""Why: a run is shown on a terminal, in a log, or not at all; whoever runs it need not know which."""

from pathlib import Path
from typing import NamedTuple, Protocol

from chaosctl.engine.events import AnyEvent
from chaosctl.engine.state import State
from chaosctl.engine.verdict import Verdict
from chaosctl.report import Document


class Outcome(NamedTuple):
    """How a run ended. `files` are the post-mortem's, `repair` is for a person where something is left.

    `interrupted`: somebody asked to stop when it was over already; what would come next must not.
    """

    run: str
    state: State
    verdict: Verdict
    document: Document | None = None
    files: tuple[Path, ...] = ()
    repair: str = ""
    note: str = ""
    interrupted: bool = False


class Viewer(Protocol):
    """Somebody to show a run to."""

    def say(self, text: str) -> None:
        """Progress outside of a run."""
        ...

    def happened(self, state: State, event: AnyEvent) -> None:
        """An event is in the journal; `state` is after it."""
        ...

    def ended(self, outcome: Outcome) -> None:
        """A run is over, or was refused."""
        ...


class Silent:
    """Shows nothing."""

    def say(self, text: str) -> None: ...
    def happened(self, state: State, event: AnyEvent) -> None: ...
    def ended(self, outcome: Outcome) -> None: ...
