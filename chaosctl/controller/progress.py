"""Why: what is known of a Run at any moment is one value, from which everything that people see follows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from chaosctl.engine.state import State
from chaosctl.engine.tables import Phase
from chaosctl.engine.verdict import EXIT, Result, Verdict, worst

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
    """A Run, as far as it came.

    `created` and `generation` are the object's. `told`: why nothing of it is run. `note`: what it waits for
    at the moment; `remark`: what is special about it. `cut`: not all of it was run.
    """

    created: datetime
    generation: int = 0
    target: str = ""
    parts: tuple[PartView, ...] = ()
    told: Told | None = None
    note: str = ""
    remark: str = ""
    over: bool = False
    cut: bool = False

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
    def endings(self) -> Mapping[int, str]:
        """How it ended, by exit code, once it is over; what was not run is aborted at best."""
        if self.told:
            invalid = self.told.invalid
            return {EXIT[Result.REFUSED]: ""} if invalid else {EXIT[Result.ABORTED]: Result.ABORTED}
        verdicts = [part.verdict for part in self.parts if part.verdict] if self.over else []
        cut = {EXIT[Result.ABORTED]: Result.ABORTED} if self.over and self.cut else {}
        return cut | {one.exit_code: one.result for one in verdicts}

    @property
    def exit_code(self) -> int | None:
        """The worst of its parts decides."""
        return worst(list(self.endings)) if self.endings else None

    @property
    def result(self) -> str:
        """The verdict; "" before it is over, and where it cannot be run as it is written."""
        code = self.exit_code
        return "" if code is None else self.endings[code]
