"""Why: the smallest fault: to copy from, and to try out a cluster, its rights and its guardian with."""

from typing import ClassVar, Literal

from chaosctl.changes import patch
from chaosctl.faults.parts import PATCH_WORKLOAD, felt
from chaosctl.model import Plan
from chaosctl.ports import Reader
from chaosctl.probes import ObjectValue
from chaosctl.probes.sources import ObjectName
from chaosctl.spec import Aim, Check, Fault, Rule, TargetView
from chaosctl.targets.fields import pointer

LABEL = pointer("metadata", "labels", "chaosctl.dev/noop")
ON = "on"


class Noop(Fault):
    """Label the workload, which hurts nobody, and take the label away again."""

    needs: ClassVar[tuple[Rule, ...]] = (PATCH_WORKLOAD,)
    touches: ClassVar[str] = "label"
    kind: Literal["noop"] = "noop"

    async def plan(self, target: TargetView, see: Reader, aim: Aim) -> Plan:  # noqa: ARG002 - nothing to look up
        return (patch(target.ref, target.workload, {LABEL: ON}),)

    def effect(self, plan: Plan, target: TargetView) -> Check:  # noqa: ARG002 - the label is always the same
        ref = target.ref
        workload = ObjectName(
            api_version=ref.api_version, kind=ref.kind, name=ref.name, namespace=ref.namespace
        )
        return felt("labelled", ObjectValue(object=workload, path=LABEL, value=ON), least=1)
