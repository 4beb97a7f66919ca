"""Why: pods die; whoever calls the model should not notice."""

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from chaosctl.errors import CannotPlan
from chaosctl.faults.parts import SEE_PODS, felt
from chaosctl.model import Delete, Json, Plan
from chaosctl.ports import Reader
from chaosctl.probes import PodsGone
from chaosctl.spec import Aim, Check, Fault, Rule, TargetView
from chaosctl.spec.amounts import Share
from chaosctl.targets.fields import controller, is_leaving, pod_ref, text, uid


class PodKill(Fault):
    """Delete some of the model's pods, each by its UID: a number, a share (rounded up), or all; else one."""

    needs: ClassVar[tuple[Rule, ...]] = (*SEE_PODS, Rule("", "pods", ("delete",)))
    kind: Literal["pod-kill"] = "pod-kill"
    count: PositiveInt | None = None
    percent: Annotated[Share, Field(gt=0)] | None = None
    all: bool = False
    order: Literal["random", "oldest", "newest"] = "random"
    grace_seconds: NonNegativeInt | None = None

    @model_validator(mode="after")
    def _one_way_to_say_how_many(self) -> Self:
        if (self.count is not None) + (self.percent is not None) + self.all > 1:
            raise ValueError('say how many in one way only: "count", "percent" or "all"')
        return self

    async def plan(self, target: TargetView, see: Reader, aim: Aim) -> Plan:
        pods = [pod for pod in await see.pods(target.ref) if not is_leaving(pod)]
        orphans = [text(pod, "/metadata/name") for pod in pods if not controller(pod)]
        if orphans:
            raise CannotPlan(f"nothing would replace {', '.join(orphans)}: no controller owns it")
        wanted = self._wanted(len(pods))
        if not pods or len(pods) < wanted:
            raise CannotPlan(f"{target.ref} has {len(pods)} pods, {wanted} are to be killed")
        return tuple(
            Delete(ref=pod_ref(pod), uid=uid(pod), grace_seconds=self.grace_seconds)
            for pod in self._ordered(pods, aim)[:wanted]
        )

    def effect(self, plan: Plan, target: TargetView) -> Check:  # noqa: ARG002 - the plan names the pods
        uids = tuple(step.uid for step in plan if isinstance(step, Delete))
        return felt("pods gone", PodsGone(uids=uids), least=len(uids))

    def _wanted(self, present: int) -> int:
        if self.all:
            return present
        return self.count or (math.ceil(self.percent * present) if self.percent else 1)

    def _ordered(self, pods: Sequence[Json], aim: Aim) -> list[Json]:
        by_age = sorted(pods, key=lambda pod: (text(pod, "/metadata/creationTimestamp"), uid(pod)))
        if self.order == "random":
            return aim.random.sample(by_age, len(by_age))
        return by_age if self.order == "oldest" else by_age[::-1]
