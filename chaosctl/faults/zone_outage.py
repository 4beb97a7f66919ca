"""Why: replicas are spread over zones so that one may fail; only an outage shows that the rest suffices."""

from typing import ClassVar, Literal

from chaosctl.errors import CannotPlan
from chaosctl.faults.parts import SEE_PODS, felt
from chaosctl.model import Banish, Plan, Ref
from chaosctl.ports import Reader
from chaosctl.probes import PodsOnNodes
from chaosctl.spec import Aim, Check, Fault, Rule, TargetView
from chaosctl.targets.fields import text, texts

ZONE = "topology.kubernetes.io/zone"


class ZoneOutage(Fault):
    """Keep the model's pods off all nodes of a zone: of a named one, or of any that has some."""

    needs: ClassVar[tuple[Rule, ...]] = (
        *SEE_PODS,
        Rule("", "pods", ("delete",)),
        Rule("", "nodes", ("list",)),
    )
    kind: Literal["zone-outage"] = "zone-outage"
    zone: str = "any"

    async def plan(self, target: TargetView, see: Reader, aim: Aim) -> Plan:
        zones = await _zones(see)
        hosts = {text(pod, "/spec/nodeName") for pod in await see.pods(target.ref)}
        used = sorted({zones[host] for host in hosts if host in zones})
        if not used:
            raise CannotPlan(f"no pod of {target.ref} is on a node with the label {ZONE}")
        zone = aim.random.choice(used) if self.zone == "any" else self.zone
        if zone not in used:
            raise CannotPlan(f'{target.ref} has no pods in zone "{zone}", only in {", ".join(used)}')
        nodes = tuple(sorted(node for node, where in zones.items() if where == zone))
        return (Banish(owner=target.ref, nodes=nodes),)

    def effect(self, plan: Plan, target: TargetView) -> Check:  # noqa: ARG002 - the plan names the nodes
        nodes = tuple(node for step in plan if isinstance(step, Banish) for node in step.nodes)
        return felt("zone empty", PodsOnNodes(nodes=nodes), most=0)


async def _zones(see: Reader) -> dict[str, str]:
    """The zone of every node that has one."""
    nodes = await see.find(Ref(kind="Node", name=""))
    labelled = {text(node, "/metadata/name"): texts(node, "/metadata/labels").get(ZONE, "") for node in nodes}
    return {node: zone for node, zone in labelled.items() if zone}
