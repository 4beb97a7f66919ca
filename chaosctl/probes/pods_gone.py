"""Why: a replacement may be ready within a second, so a killed pod is known by its UID, not by a count."""

from typing import ClassVar, Literal

from chaosctl.model import Level, Reading
from chaosctl.probes.sources import cluster
from chaosctl.spec import Probe, View
from chaosctl.targets.fields import is_leaving, uid


class PodsGone(Probe):
    """How many of these pods are gone, or on their way out and without new requests."""

    unit: ClassVar[str] = "pods"
    kind: Literal["pods-gone"] = "pods-gone"
    uids: tuple[str, ...]

    async def read(self, view: View) -> Reading:
        with cluster():
            pods = await view.see.pods(view.target.workload)
        there = {uid(pod) for pod in pods if not is_leaving(pod)}
        gone = [name for name in self.uids if name not in there]
        return Level(value=len(gone), start=view.start, end=view.end)
