"""Why: nodes are closed for maintenance all the time; what dies then must find a place elsewhere."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from chaosctl.changes import look, patch
from chaosctl.errors import CannotPlan
from chaosctl.faults.parts import SEE_PODS, Some, existing, felt
from chaosctl.model import Json, Patch, Plan, Ref
from chaosctl.ports import Reader
from chaosctl.probes import ClosedNodes
from chaosctl.spec import Aim, Check, Rule, TargetView
from chaosctl.targets.fields import text

UNSCHEDULABLE = "/spec/unschedulable"


class Cordon(Some):
    """Let no new pods onto some of the nodes that run the model, whosever pods they are.

    What runs there stays. Nodes belong to the whole cluster, and so do the rights.
    """

    needs: ClassVar[tuple[Rule, ...]] = (*SEE_PODS, Rule("", "nodes", ("get", "patch")))
    touches: ClassVar[str] = "nodes"
    kind: Literal["cordon"] = "cordon"

    async def plan(self, target: TargetView, see: Reader, aim: Aim) -> Plan:
        return tuple(
            patch(_ref(node), node, {UNSCHEDULABLE: True}) for node in await self.chosen(target, see, aim)
        )

    def effect(self, plan: Plan, target: TargetView) -> Check:  # noqa: ARG002 - the plan names the nodes
        nodes = tuple(step.ref.name for step in plan if isinstance(step, Patch))
        return felt("nodes closed", ClosedNodes(nodes=nodes), least=len(nodes))

    async def chosen(self, target: TargetView, see: Reader, aim: Aim) -> Sequence[Json]:
        """Open nodes with pods of the target, as many as wanted. Raises CannotPlan."""
        hosts = sorted({text(pod, "/spec/nodeName") for pod in await see.pods(target.ref)} - {""})
        nodes = [await existing(Ref(kind="Node", name=host), see) for host in hosts]
        open_ones = [node for node in nodes if look(node, UNSCHEDULABLE) is not True]
        wanted = self.wanted(len(open_ones))
        if not open_ones or len(open_ones) < wanted:
            raise CannotPlan(f"{target.ref} runs on {len(open_ones)} open nodes, {wanted} are to be closed")
        return sorted(aim.random.sample(open_ones, wanted), key=lambda node: text(node, "/metadata/name"))


def _ref(node: Json) -> Ref:
    return Ref(kind="Node", name=text(node, "/metadata/name"))
