"""Why: draining a node asks the budgets; whether they protect the model shows only then."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from chaosctl.faults.cordon import Cordon
from chaosctl.faults.parts import felt
from chaosctl.model import Evict, Patch, Plan, Ref
from chaosctl.ports import Reader
from chaosctl.probes import PodsOnNodes
from chaosctl.spec import Aim, Check, Rule, TargetView
from chaosctl.targets.fields import number, selects, text


class Drain(Cordon):
    """Close some of the nodes that run the model, and evict its pods from them, as their budgets allow.

    A pod that a PodDisruptionBudget holds back is asked again until the end, and never deleted. All other
    pods stay: those of DaemonSets, of other workloads, and ours.
    """

    needs: ClassVar[tuple[Rule, ...]] = (*Cordon.needs, Rule("", "pods/eviction", ("create",)))
    looks: ClassVar[tuple[Rule, ...]] = (Rule("policy", "poddisruptionbudgets", ("list",)),)
    kind: Literal["drain"] = "drain"  # type: ignore[assignment]  # a cordon and more

    async def plan(self, target: TargetView, see: Reader, aim: Aim) -> Plan:
        closed = await super().plan(target, see, aim)
        return (*closed, Evict(owner=target.ref, nodes=_nodes(closed)))

    def effect(self, plan: Plan, target: TargetView) -> Check:  # noqa: ARG002 - the plan names the nodes
        return felt("nodes empty", PodsOnNodes(nodes=_nodes(plan)), most=0)

    async def doubts(self, target: TargetView, see: Reader) -> Sequence[str]:
        like = Ref(
            api_version="policy/v1", kind="PodDisruptionBudget", namespace=target.ref.namespace, name=""
        )
        return [
            f"PodDisruptionBudget {text(budget, '/metadata/name')} lets no pod go at the moment, "
            "so the drain waits until it does, or until its end"
            for budget in await see.find(like)
            if selects(budget, "/spec/selector", target.workload)
            and not number(budget, "/status/disruptionsAllowed")
        ]


def _nodes(plan: Plan) -> tuple[str, ...]:
    return tuple(step.ref.name for step in plan if isinstance(step, Patch))
