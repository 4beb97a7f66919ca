"""Why: what is known of a Run at any moment is one value, from which everything that people see follows."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from chaosctl.engine.state import State
from chaosctl.engine.tables import Phase
from chaosctl.engine.verdict import Result, Verdict, worst

NOTHING = State()


class Told(NamedTuple):
    """What is said of a run that nothing was run for: why, and how it ends."""

    why: str
    invalid: bool = False


@dataclass(frozen=True)
class PartView:
    """One playbook of a Run, as far as it came. `verdict` is there when it is over."""

    playbook: str
    run: str
    state: State = NOTHING
    verdict: Verdict | None = None


@dataclass(frozen=True)
class Progress:
    """A Run, as far as it came. `told`: why nothing of it is run. `note`: what it waits for, or is special.

    `created` and `generation` are the object's.
    """

    created: datetime
    generation: int = 0
    target: str = ""
    parts: tuple[PartView, ...] = ()
    told: Told | None = None
    note: str = ""
    over: bool = False

    @property
    def current(self) -> PartView | None:
        """The part that is going on, or was last."""
        begun = [part for part in self.parts if part.state.phase is not Phase.NEW]
        return begun[-1] if begun else next(iter(self.parts), None)

    @property
    def ended(self) -> datetime | None:
        """When the last part ended, once all is over."""
        moments = [part.state.at for part in self.parts if part.verdict] if self.over else []
        return max(moments, default=None)

    @property
    def result(self) -> str:
        """How it ended: the worst of its parts; "" where it cannot be run as it is written."""
        if self.told:
            return "" if self.told.invalid else Result.ABORTED
        verdicts = [part.verdict for part in self.parts if part.verdict] if self.over else []
        code = worst([one.exit_code for one in verdicts])
        return next((one.result for one in verdicts if one.exit_code == code), "")
