"""Why: a release that crashes never answers; that its pods are there is all there is to see of it."""

from typing import ClassVar, Literal

from chaosctl.model import Level, Reading
from chaosctl.probes.sources import cluster
from chaosctl.spec import Probe, View
from chaosctl.targets.fields import template_hash


class NewPods(Probe):
    """How many pods of the target, ready or not, were made from another template than this one.

    `besides` is a pod-template-hash.
    """

    unit: ClassVar[str] = "pods"
    kind: Literal["new-pods"] = "new-pods"
    besides: str

    async def read(self, view: View) -> Reading:
        with cluster():
            pods = await view.see.pods(view.target.workload)
        others = [pod for pod in pods if template_hash(pod) != self.besides]
        return Level(value=len(others), start=view.start, end=view.end)
