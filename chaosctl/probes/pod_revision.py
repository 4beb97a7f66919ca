"""Why: where no answer tells its version, the pods that get the requests still tell their template."""

from collections import Counter
from typing import ClassVar, Literal

from chaosctl.errors import NoData
from chaosctl.model import Level, Reading
from chaosctl.probes.revision import steady
from chaosctl.probes.sources import ready_pods
from chaosctl.spec import Probe, View
from chaosctl.targets.fields import template_hash


class PodRevision(Probe):
    """The share of ready pods that were made from the expected template.

    Expected is `revision` (a pod-template-hash), else the one of the steady state, else the most common one.
    """

    unit: ClassVar[str] = "share"
    kind: Literal["pod-revision"] = "pod-revision"
    revision: str = ""

    async def read(self, view: View) -> Reading:
        hashes = Counter(template_hash(pod) for pod in await ready_pods(view))
        if not hashes:
            raise NoData(f"no pod of {view.target} is ready")
        revision = self.revision or steady(view) or max(sorted(hashes), key=hashes.__getitem__)
        share = hashes[revision] / hashes.total()
        return Level(value=share, n=hashes.total(), detail=revision, start=view.start, end=view.end)
