"""Why: capacity that is missing is the plainest thing a model deployment must survive."""

from typing import ClassVar, Literal

from pydantic import NonNegativeInt

from chaosctl.changes import patch
from chaosctl.errors import CannotPlan
from chaosctl.faults.parts import PATCH_WORKLOAD, SEE_AUTOSCALERS, felt
from chaosctl.model import Plan
from chaosctl.ports import Reader
from chaosctl.probes import ReadyReplicas
from chaosctl.spec import Aim, Check, Fault, Rule, TargetView


class ScaleDown(Fault):
    """Serve the model with fewer replicas than it asked for."""

    needs: ClassVar[tuple[Rule, ...]] = (PATCH_WORKLOAD, SEE_AUTOSCALERS)
    touches: ClassVar[str] = "replicas"
    kind: Literal["scale-down"] = "scale-down"
    replicas: NonNegativeInt = 0

    async def plan(self, target: TargetView, see: Reader, aim: Aim) -> Plan:  # noqa: ARG002 - nothing to look up
        if self.replicas >= target.replicas:
            raise CannotPlan(f"{target.ref} has {target.replicas} replicas, so {self.replicas} are not fewer")
        return (patch(target.ref, target.workload, {"/spec/replicas": self.replicas}),)

    def effect(self, plan: Plan, target: TargetView) -> Check:  # noqa: ARG002 - the bound is the fault's own
        return felt("scaled down", ReadyReplicas(), most=self.replicas)
