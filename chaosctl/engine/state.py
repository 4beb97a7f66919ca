"""Why: what a run knows at any moment is one frozen value, so that it can be folded, compared and judged."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from chaosctl.engine import events
from chaosctl.engine.judge import LONG_AGO, Judge
from chaosctl.engine.tables import Phase, Stage
from chaosctl.errors import Illegal
from chaosctl.model import Interval, Json, Plan, Reading
from chaosctl.spec import Check, ClockName, Script


@dataclass(frozen=True)
class Life:
    """One entry of the timeline. `since` is when its stage began; `refusals` are tries that were answered."""

    stage: Stage = Stage.PENDING
    since: datetime = LONG_AGO
    plan: Plan = ()
    effect: Check | None = None
    reaction: bool = False
    deadline: datetime = LONG_AGO
    tries: int = 0
    refusals: int = 0
    felt: bool | None = None
    applying_at: datetime | None = None
    applied_at: datetime | None = None
    reverting_at: datetime | None = None
    over_at: datetime | None = None
    restored_by: str = ""
    lost: str = ""
    why: str = ""


@dataclass(frozen=True)
class State:
    """A run. `at` is when its last event happened, `steady` what probes read in the steady state.

    `origin` and `uid` are the object that asked for it, where one did.

    `broke`: a bad answer or a broken steady state was seen since the first write.
    """

    run: str = ""
    origin: str = ""
    uid: str = ""
    script: Script | None = None
    phase: Phase = Phase.NEW
    since: datetime = LONG_AGO
    at: datetime = LONG_AGO
    started_at: datetime | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    lives: Mapping[str, Life] = field(default_factory=dict)
    judges: Mapping[str, Judge] = field(default_factory=dict)
    steady: Mapping[str, tuple[Reading, ...]] = field(default_factory=dict)
    clocks: Mapping[ClockName, Interval] = field(default_factory=dict)
    broke: bool = False
    censored_at: datetime | None = None
    notices: tuple[events.Noticed, ...] = ()
    troubles: Mapping[str, int] = field(default_factory=dict)
    resumed_at: tuple[datetime, ...] = ()
    warnings: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    stop: str = ""
    stops: int = 0

    @property
    def plot(self) -> Script:
        """The script of a run that has started."""
        if self.script is None:
            raise Illegal("the run has not started")
        return self.script

    @property
    def checks(self) -> tuple[Check, ...]:
        """The script's checks and those that the plans brought along."""
        effects = tuple(life.effect for life in self.lives.values() if life.effect)
        return self.plot.checks + effects

    def check(self, name: str) -> Check:
        found = next((check for check in self.checks if check.name == name), None)
        if found is None:
            raise Illegal(f"no check is called {name!r}")
        return found

    def judge(self, check: Check) -> Judge:
        return self.judges.get(check.name, Judge())

    def steady_value(self, check: Check) -> float:
        """The mean of what the check's probe read in the steady state, 0 where it read nothing."""
        seen = self.steady.get(probe_key(check.probe), ())
        return sum(reading.value for reading in seen) / len(seen) if seen else 0.0


def probe_key(body: Json | None) -> str:
    """Two checks of the same probe share what it read in the steady state."""
    return json.dumps(body, sort_keys=True)
