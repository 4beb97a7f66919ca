"""Why: a release that crashes never answers, so no answer tells of it; its pods do."""

from collections import Counter
from typing import ClassVar, Literal

from chaosctl.errors import NoData
from chaosctl.model import Level, Reading
from chaosctl.probes.revision import steady
from chaosctl.probes.sources import staying_pods
from chaosctl.spec import ClockName, Probe, View
from chaosctl.targets.fields import template_hash


class PodRevision(Probe):
    """The share of pods that were made from the expected template, ready or not, but for those that leave.

    Expected is `revision` (a pod-template-hash), else the one of the steady state, else the most common one.
    """

    unit: ClassVar[str] = "share"
    tells: ClassVar[ClockName | None] = ClockName.ROLLBACK
    kind: Literal["pod-revision"] = "pod-revision"
    revision: str = ""

    async def read(self, view: View) -> Reading:
        hashes = Counter(template_hash(pod) for pod in await staying_pods(view))
        if not hashes:
            raise NoData(f"{view.target} has no pod")
        revision = self.revision or steady(view) or max(sorted(hashes), key=hashes.__getitem__)
        share = hashes[revision] / hashes.total()
        return Level(value=share, n=hashes.total(), detail=revision, start=view.start, end=view.end)
