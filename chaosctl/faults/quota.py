"""Why: a quota that is used up is not noticed until a pod dies and nothing replaces it."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from chaosctl.changes import patch
from chaosctl.faults.parts import SEE_PODS, existing, felt
from chaosctl.model import Create, Json, Plan, Ref
from chaosctl.ports import Reader
from chaosctl.probes import ObjectValue
from chaosctl.probes.sources import ObjectName
from chaosctl.spec import Aim, Check, Fault, Rule, TargetView
from chaosctl.targets.fields import pointer, text


class Quota(Fault):
    """Give the namespace a ResourceQuota that refuses new pods, or change the one called `name`.

    It holds for every workload of the namespace. Pods that are there stay: kill one beside it. `hard` is
    written as Kubernetes stores quantities ("500m", not "0.5").
    """

    needs: ClassVar[tuple[Rule, ...]] = (Rule("", "resourcequotas", ("get", "create", "patch", "delete")),)
    looks: ClassVar[tuple[Rule, ...]] = SEE_PODS
    touches: ClassVar[str] = "quota"
    kind: Literal["quota"] = "quota"
    name: str = ""
    hard: Mapping[str, str] = Field(default={"pods": "0"}, min_length=1)

    async def plan(self, target: TargetView, see: Reader, aim: Aim) -> Plan:
        ref = Ref(kind="ResourceQuota", namespace=target.ref.namespace, name=self.name or aim.name("limits"))
        if self.name:
            seen = await existing(ref, see)
            return (
                patch(ref, seen, {pointer("spec", "hard", key): value for key, value in self.hard.items()}),
            )
        body: Json = {
            "apiVersion": ref.api_version,
            "kind": ref.kind,
            "metadata": {"name": ref.name, "namespace": ref.namespace},
            "spec": {"hard": {**self.hard}},
        }
        return (Create(ref=ref, body=body),)

    def effect(self, plan: Plan, target: TargetView) -> Check:  # noqa: ARG002 - the plan names the quota
        name = next((step.ref.name for step in plan if step.step in ("create", "patch")), self.name)
        key, value = next(iter(self.hard.items()))
        quota = ObjectName(kind="ResourceQuota", name=name)
        return felt(
            "quota enforced",
            ObjectValue(object=quota, path=pointer("status", "hard", key), value=value),
            least=1,
        )

    async def doubts(self, target: TargetView, see: Reader) -> Sequence[str]:
        own = {text(pod, "/metadata/name") for pod in await see.pods(target.ref)}
        everybody = await see.find(Ref(kind="Pod", namespace=target.ref.namespace, name=""))
        others = len({text(pod, "/metadata/name") for pod in everybody} - own)
        if not others:
            return ()
        return (f"{others} pods of other workloads in {target.ref.namespace} could not be replaced either",)
