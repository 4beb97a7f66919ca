"""Why: controllers say in conditions what they think of an object; a hypothesis may be about just that."""

from typing import ClassVar, Literal

from chaosctl.errors import NoData
from chaosctl.model import Level, Reading
from chaosctl.probes.sources import ObjectName, fetch
from chaosctl.spec import Probe, View
from chaosctl.targets.fields import condition, text


class KubernetesCondition(Probe):
    """1 where a condition of an object (the target's workload unless named) has this status, else 0."""

    unit: ClassVar[str] = ""
    kind: Literal["k8s-condition"] = "k8s-condition"
    object: ObjectName | None = None
    type: str
    status: Literal["True", "False", "Unknown"] = "True"

    async def read(self, view: View) -> Reading:
        ref = self.object.ref(view.target) if self.object else view.target.workload
        found = condition(await fetch(view, ref), self.type)
        if found is None:
            raise NoData(f"{ref} has no condition {self.type}")
        now = text(found, "/status")
        return Level(value=int(now == self.status), detail=now, start=view.start, end=view.end)
