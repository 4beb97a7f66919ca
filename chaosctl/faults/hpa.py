"""Why: an autoscaler with a wrong limit starves a model just when it is needed most."""

from typing import ClassVar, Literal, Self

from pydantic import JsonValue, PositiveInt, model_validator

from chaosctl.changes import patch
from chaosctl.errors import CannotPlan
from chaosctl.faults.parts import changed
from chaosctl.model import Json, Plan, Ref
from chaosctl.ports import Reader
from chaosctl.spec import Aim, Check, Fault, Rule, TargetView
from chaosctl.targets.fields import items, text

KIND = "HorizontalPodAutoscaler"


class Hpa(Fault):
    """Change the limits, or the goal, of the HorizontalPodAutoscaler that scales the model.

    `utilization` is the goal in percent of what `metric` (cpu or memory) was requested. `name` tells which
    one, where there are several. What the autoscaler makes of it is its own doing: beside a burst it shows.
    """

    needs: ClassVar[tuple[Rule, ...]] = (
        Rule("autoscaling", "horizontalpodautoscalers", ("get", "list", "patch")),
    )
    touches: ClassVar[str] = "autoscaler"
    kind: Literal["hpa"] = "hpa"
    name: str = ""
    min_replicas: PositiveInt | None = None
    max_replicas: PositiveInt | None = None
    utilization: PositiveInt | None = None
    metric: Literal["cpu", "memory"] = "cpu"

    @model_validator(mode="after")
    def _something_to_change(self) -> Self:
        if self.min_replicas is self.max_replicas is self.utilization is None:
            raise ValueError('name what to change: "minReplicas", "maxReplicas" or "utilization"')
        return self

    async def plan(self, target: TargetView, see: Reader, aim: Aim) -> Plan:  # noqa: ARG002 - nothing is random
        found = await self._autoscaler(target, see)
        ref = Ref(api_version="autoscaling/v2", kind=KIND, namespace=target.ref.namespace, name=_name(found))
        limits = {"/spec/minReplicas": self.min_replicas, "/spec/maxReplicas": self.max_replicas}
        wanted: dict[str, JsonValue] = {path: value for path, value in limits.items() if value is not None}
        if self.utilization is None:
            return (patch(ref, found, wanted),)
        goal = self._goal(found)
        wanted[f"{goal}/target/averageUtilization"] = self.utilization
        return (patch(ref, found, wanted, pins=[f"{goal}/name"]),)

    def effect(self, plan: Plan, target: TargetView) -> Check:  # noqa: ARG002 - the plan names the autoscaler
        return changed("autoscaler changed", plan)

    async def _autoscaler(self, target: TargetView, see: Reader) -> Json:
        """Raises CannotPlan where none scales the target, or several do and none was named."""
        like = Ref(api_version="autoscaling/v2", kind=KIND, namespace=target.ref.namespace, name="")
        scales = {"kind": target.ref.kind, "name": target.ref.name}
        found = [
            body
            for body in await see.find(like)
            if all(text(body, f"/spec/scaleTargetRef/{key}") == value for key, value in scales.items())
            and self.name in ("", _name(body))
        ]
        if len(found) != 1:
            names = ", ".join(map(_name, found)) or "none"
            raise CannotPlan(f'name the {KIND} that scales {target.ref} ("name"): there is {names}')
        return found[0]

    def _goal(self, found: Json) -> str:
        metrics = items(found, "/spec/metrics")
        named = [text(metric, "/resource/name") for metric in metrics]
        if self.metric not in named or "averageUtilization" not in str(metrics[named.index(self.metric)]):
            raise CannotPlan(f"{KIND} {_name(found)} has no goal for the utilization of {self.metric}")
        return f"/spec/metrics/{named.index(self.metric)}/resource"


def _name(body: Json) -> str:
    return text(body, "/metadata/name")
