"""Why: a fault declares and a probe measures. Neither acts, neither judges."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime
from random import Random
from typing import ClassVar, NamedTuple

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

from chaosctl.model import Json, Model, Plan, Reading, Ref
from chaosctl.ports import Answers, Http, Reader
from chaosctl.spec.script import Bounds, Check, ClockName, Target


class Spec(Model):
    """The body of a kind; its fields are the YAML fields, in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True)

    kind: str


class Rule(NamedTuple):
    """Verbs on one resource, as RBAC writes them; a subresource after a slash ("pods/proxy")."""

    group: str
    resource: str
    verbs: tuple[str, ...]


class TargetView(Model):
    """A model deployment as it stood when somebody looked."""

    target: Target
    workload: Json
    replicas: int
    ready: int
    selector: str
    revision: str
    settled: bool
    unsettled: str = ""

    @property
    def ref(self) -> Ref:
        return self.target.workload


class Aim(NamedTuple):
    """Whose plan it is: names of what it creates derive from it, and its random choices repeat."""

    run: str
    entry: str
    random: Random

    def name(self, role: str) -> str:
        """A name for something that this entry creates; the same at every call."""
        return f"chaosctl-{self.run}-{self.entry}-{role}"[:63].rstrip("-")


class Fault(Spec, ABC):
    """A way to hurt a deployment, declared as a plan of reversible changes."""

    needs: ClassVar[tuple[Rule, ...]] = ()
    """Without these rights it is refused."""
    looks: ClassVar[tuple[Rule, ...]] = ()
    """What its doubts look at; without these rights there is one doubt more."""
    reaction: ClassVar[bool] = False
    """Whether somebody else (a watchdog, a progressive controller) is expected to undo it."""
    sends: ClassVar[bool] = False
    """Whether it is traffic on top of the workload's; probes then know it by the name of its entry."""
    touches: ClassVar[str] = ""
    """What two entries cannot change at once: "template", "replicas", "traffic", "config"; "" for nothing."""

    @abstractmethod
    async def plan(self, target: TargetView, see: Reader, aim: Aim) -> Plan:
        """Look at the target and say what to change. Raises CannotPlan."""

    def effect(self, plan: Plan, target: TargetView) -> Check | None:  # noqa: ARG002 - most faults need them
        """How we know that the plan bit; None leaves it to the entry."""
        return None

    @property
    def shows_itself(self) -> bool:
        """Whether it has an effect of its own, so that an entry need not bring one."""
        return type(self).effect is not Fault.effect

    async def doubts(self, target: TargetView, see: Reader) -> Sequence[str]:  # noqa: ARG002 - most faults have none
        """What may keep it from biting here, though it is no reason to refuse; people are told before.

        Raises ClusterError where it cannot be seen, which is a doubt as well.
        """
        return ()


def _none(_name: str) -> Answers | None:
    return None


class View(NamedTuple):
    """What a probe may look at, and for which interval it answers.

    `before` is what this check read last in the steady state, None until then. `answers` are those of the
    workload; `stream` finds those of an entry that sends traffic of its own.
    """

    target: Target
    see: Reader
    http: Http
    answers: Answers | None
    start: datetime
    end: datetime
    before: Reading | None = None
    stream: Callable[[str], Answers | None] = _none


class Probe(Spec, ABC):
    """A way to look at a deployment."""

    unit: ClassVar[str] = ""
    """Of the value: "share" (0 to 1), "seconds", "replicas", "" for a bare number."""
    tells: ClassVar[ClockName | None] = None
    """The clock that stops when a steady-state check of this probe, once broken, holds again."""
    counts: ClassVar[bool] = False
    """Whether it yields Counts, which an e-process can decide on."""
    complement: ClassVar[bool] = False
    """Whether its value is the good share: `min: 99%` then bounds Counts' bad share by 1 %."""

    def as_counts(self, holds: Bounds) -> "tuple[Probe, Bounds] | None":  # noqa: ARG002 - few need it
        """The probe of trials that asks the same, and its bounds; None where there is none."""
        return None

    @abstractmethod
    async def read(self, view: View) -> Reading:
        """Measure once. Raises NoData: it never guesses, and it never judges."""
