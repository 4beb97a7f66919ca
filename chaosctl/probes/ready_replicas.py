"""Why: the cheapest proof that a fault took replicas away, and that they came back."""

from typing import ClassVar, Literal

from chaosctl.changes import look
from chaosctl.errors import NoData
from chaosctl.model import Level, Reading
from chaosctl.probes.sources import fetch
from chaosctl.spec import Probe, View
from chaosctl.targets.fields import number


class ReadyReplicas(Probe):
    """How many replicas of the workload are ready."""

    unit: ClassVar[str] = "replicas"
    kind: Literal["ready-replicas"] = "ready-replicas"

    async def read(self, view: View) -> Reading:
        workload = await fetch(view, view.target.workload)
        if look(workload, "/status/observedGeneration") is None:
            raise NoData(f"no controller has reported on {view.target} yet")
        return Level(value=number(workload, "/status/readyReplicas"), start=view.start, end=view.end)
