"""Why: one value says everything about a run, so that it can be hashed, approved and resumed."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from chaosctl.model import Json, Model, Reading, Ref
from chaosctl.spec.windows import Windows


class Role(StrEnum):
    """What a check's refutation causes."""

    STEADY = "steadyState"  # before: do not start; after: not recovered
    EXPECT = "expect"  # failed
    ABORT = "abort"  # stop and revert
    EFFECT = "effect"  # inconclusive: nobody felt the fault


class ClockName(StrEnum):
    """The moments of an incident, in the order in which one hopes for them."""

    INJECT = "inject"  # every write was acknowledged
    EFFECT = "effect"  # the fault was felt
    IMPACT = "impact"  # the first bad answer
    DETECT = "detect"  # the first alert, watchdog decision or human acknowledgement
    MITIGATE = "mitigate"  # the service levels are back inside their bounds
    ROLLBACK = "rollback"  # the expected revision serves again
    RECOVER = "recover"  # the first moment of the certified good stretch


class Span(StrEnum):
    """What a check is judged over, where it is not each reading by itself."""

    RUN = "run"  # everything from the first fault to the end


class Bounds(Model):
    """What must hold of a value; `from_steady` counts from what it was in the steady state."""

    min: float | None = None
    max: float | None = None
    from_steady: bool = False

    def hold(self, value: float, steady: float = 0.0) -> bool:
        value = value - steady if self.from_steady else value
        above = self.min is None or value >= self.min
        return above and (self.max is None or value <= self.max)


class KOfN(Model):
    """Refuted when `k` of the last `n` readings broke the bounds; held when `n` readings did not refute."""

    decision: Literal["fixed"] = "fixed"
    k: PositiveInt = 1
    n: PositiveInt = 1


class Tested(Model):
    """A test of a rate against its bound that stays valid however often one looks.

    It is held wrongly in at most `alpha` of runs, and refuted wrongly in at most `false_alarm`; its
    e-detector raises a false alarm once in `run_length`, or less often. `window`: what counts is the share of
    bad ones of each window of this length; None: each request by itself, as if failures were independent.
    """

    alpha: float = Field(default=0.05, gt=0, lt=1)
    false_alarm: float = Field(default=0.05, gt=0, lt=1)
    run_length: timedelta = timedelta(hours=1)
    window: timedelta | None = None


class EProcess(Tested):
    """Certified and refuted by e-processes; in the steady state an e-detector tells a relapse."""

    decision: Literal["eProcess"] = "eProcess"


class EDetector(Tested):
    """Certified by an e-process, refuted by an e-detector: what was good before hides no break."""

    decision: Literal["eDetector"] = "eDetector"


Decision = Annotated[KOfN | EProcess | EDetector, Field(discriminator="decision")]


class Check(Model):
    """Says what must hold of a probe's readings, or by when a clock must have stopped.

    Exactly one of `probe` (the body of a probe) and `clock` is set. `within` and `never` (it must not stop at
    all) belong to clocks, all the other conditions to probes. `lasting`: refuted only when every reading for
    so long broke the bounds. `every` is the pause between readings, and the length of each. `tells` is the
    clock that stops when the check, once broken by a fault, holds again (the revision that serves tells
    `rollback`).
    """

    name: str
    role: Role
    probe: Json | None = None
    clock: ClockName | None = None
    within: timedelta | None = None
    never: bool = False
    holds: Bounds = Bounds()
    unit: str = ""
    over: Span | None = None
    lasting: timedelta | None = None
    decision: Decision = KOfN()
    every: timedelta = timedelta(seconds=1)
    tells: ClockName | None = None

    def hold(self, reading: Reading, steady: float = 0.0) -> bool:
        return self.holds.hold(reading.value, steady)


class Target(Model):
    """One model deployment. Where its answers come from is `service`, or `url` where one is given.

    `rollback` names who is expected to undo a bad release; `container` the model's container, the first
    one where it is empty.
    """

    context: str = ""
    workload: Ref
    service: str = ""
    port: PositiveInt | None = None
    url: str = ""
    protocol: str = "v2"
    model: str = ""
    container: str = ""
    rollback: Literal["watchdog", "none"] = "none"

    @property
    def namespace(self) -> str:
        return self.workload.namespace

    def __str__(self) -> str:
        return f"{self.namespace}/{self.workload.name}"


class Workload(Model):
    """The traffic of a run: bodies of the request corpus and the arrival process, by their kinds."""

    requests: Json
    arrival: Json
    answer_within: timedelta = timedelta(seconds=2)


class Entry(Model):
    """One line of the timeline. An `effect` given here replaces the fault's own."""

    id: str
    at: timedelta
    hold: timedelta
    fault: Json
    effect: Check | None = None


class Script(Model):
    """A run, resolved: nothing is left to look up but the kinds.

    `stable_for`: how long a good stretch of the steady state lasts, at least, before it counts as recovered.
    `alpha`: how often the run is failed, aborted or flagged wrongly by its tests, at most; they share it.
    """

    playbook: str
    digest: str = ""
    summary: str = ""
    hypothesis: str = ""
    target: Target
    parameters: Mapping[str, str] = {}
    workload: Workload | None = None
    entries: tuple[Entry, ...]
    checks: tuple[Check, ...] = ()
    allow_outage: bool = False
    seed: int = 0
    set_up: timedelta = timedelta(seconds=15)
    steady_within: timedelta = timedelta(seconds=60)
    recover_within: timedelta = timedelta(seconds=60)
    stable_for: timedelta = timedelta(seconds=30)
    alpha: float = 0.05
    windows: Windows | None = None

    @property
    def lasts(self) -> timedelta:
        """How long a run may take: from its steady state to the end of its recovery."""
        ends = [entry.at + self.set_up + entry.hold for entry in self.entries]
        return self.steady_within + max(ends) + self.recover_within

    def entry(self, name: str) -> Entry:
        return next(entry for entry in self.entries if entry.id == name)

    def having(self, role: Role) -> tuple[Check, ...]:
        """The checks of one role, as written."""
        return tuple(check for check in self.checks if check.role is role)
