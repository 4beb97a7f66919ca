"""Why: an outage of a zone was felt once nothing serves there."""

from typing import ClassVar, Literal

from chaosctl.model import Level, Reading
from chaosctl.probes.sources import ready_pods
from chaosctl.spec import Probe, View
from chaosctl.targets.fields import text


class PodsOnNodes(Probe):
    """How many ready pods of the target run on these nodes."""

    unit: ClassVar[str] = "pods"
    kind: Literal["pods-on-nodes"] = "pods-on-nodes"
    nodes: tuple[str, ...]

    async def read(self, view: View) -> Reading:
        there = [pod for pod in await ready_pods(view) if text(pod, "/spec/nodeName") in self.nodes]
        return Level(value=len(there), start=view.start, end=view.end)
