"""Why: a network that is cut looks to Kubernetes as if all were well; only callers notice."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from pydantic import JsonValue

from chaosctl.changes import look, patch
from chaosctl.errors import CannotPlan
from chaosctl.faults.enforcers import enforced
from chaosctl.faults.parts import SEE_PODS, Some, felt
from chaosctl.model import Create, Json, Patch, Plan, Ref
from chaosctl.ports import Reader
from chaosctl.probes import ErrorRate
from chaosctl.spec import Aim, Check, Rule, TargetView
from chaosctl.targets.fields import is_leaving, items, pod_ref, pointer, selects, text

MARK = "chaosctl.dev/partition"
DNS: Json = {"ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]}
KIND = "NetworkPolicy"
GROUP = "networking.k8s.io/v1"


class Partition(Some):
    """Cut the model's pods off the network by a NetworkPolicy: all of them, unless it says how many.

    `allowFrom` and `allowTo` are the peers that still get through, in the words of a NetworkPolicy; `dns`
    leaves name resolution alone. A network plug-in must enforce it, and decides about open connections.
    """

    needs: ClassVar[tuple[Rule, ...]] = (
        *SEE_PODS,
        Rule("", "pods", ("get", "patch")),
        Rule("networking.k8s.io", "networkpolicies", ("get", "create", "delete")),
    )
    looks: ClassVar[tuple[Rule, ...]] = (
        Rule("networking.k8s.io", "networkpolicies", ("list",)),
        Rule("apps", "daemonsets", ("list",)),
        Rule("", "nodes", ("list",)),
    )
    touches: ClassVar[str] = "network"
    kind: Literal["partition"] = "partition"
    direction: Literal["ingress", "egress", "both"] = "ingress"
    allow_from: tuple[Json, ...] = ()
    allow_to: tuple[Json, ...] = ()
    dns: bool = True

    async def plan(self, target: TargetView, see: Reader, aim: Aim) -> Plan:
        ref = Ref(api_version=GROUP, kind=KIND, namespace=target.ref.namespace, name=aim.name("policy"))
        if self._everybody:
            return (self._policy(ref, look(target.workload, "/spec/selector")),)
        pods = [pod for pod in await see.pods(target.ref) if not is_leaving(pod)]
        wanted = self.wanted(len(pods))
        if not pods or len(pods) < wanted:
            raise CannotPlan(f"{target.ref} has {len(pods)} pods, {wanted} are to be cut off")
        mark = pointer("metadata", "labels", MARK)
        marked = [patch(pod_ref(pod), pod, {mark: ref.name}) for pod in aim.random.sample(pods, wanted)]
        return (*marked, self._policy(ref, {"matchLabels": {MARK: ref.name}}))

    def effect(self, plan: Plan, target: TargetView) -> Check | None:
        """Half of the requests that the cut pods would have got fail; nobody outside sees them call out."""
        if self.direction == "egress":
            return None
        cut = sum(isinstance(step, Patch) and step.ref.kind == "Pod" for step in plan)
        return felt("requests fail", ErrorRate(), least=(cut / target.replicas if cut else 1) / 2)

    @property
    def shows_itself(self) -> bool:
        return self.direction != "egress"

    async def doubts(self, target: TargetView, see: Reader) -> Sequence[str]:
        like = Ref(api_version=GROUP, kind=KIND, namespace=target.ref.namespace, name="")
        found = [
            f"NetworkPolicy {text(policy, '/metadata/name')} lets some {way} through already, and policies "
            "only add up: that much stays"
            for policy in await see.find(like)
            for way in self._ways
            if items(policy, f"/spec/{way}") and selects(policy, "/spec/podSelector", target.workload)
        ]
        if not await enforced(see):
            found.append(
                "nobody here seems to enforce NetworkPolicies: no network plug-in is known that does"
            )
        return found

    @property
    def _everybody(self) -> bool:
        return self.all or (self.count is None and self.percent is None)

    @property
    def _ways(self) -> tuple[str, ...]:
        return ("ingress", "egress") if self.direction == "both" else (self.direction,)

    def _policy(self, ref: Ref, chosen: JsonValue) -> Create:
        spec: Json = {"podSelector": chosen, "policyTypes": [way.capitalize() for way in self._ways]}
        spec |= {way: list(self._let_through(way)) for way in self._ways}
        metadata: Json = {"name": ref.name, "namespace": ref.namespace}
        return Create(ref=ref, body={"apiVersion": GROUP, "kind": KIND, "metadata": metadata, "spec": spec})

    def _let_through(self, way: str) -> Iterator[JsonValue]:
        peers, side = (self.allow_from, "from") if way == "ingress" else (self.allow_to, "to")
        if peers:
            yield {side: list(peers)}
        if way == "egress" and self.dns:
            yield DNS
