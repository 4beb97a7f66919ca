"""Why: a fault that no traffic met proves nothing, however many proxies it was switched on at."""

from typing import Literal

from pydantic import PositiveInt

from chaosctl.changes import look
from chaosctl.errors import NoData
from chaosctl.model import Json, Level, Reading, Ref
from chaosctl.probes.sources import cluster
from chaosctl.spec import Probe, View
from chaosctl.targets.fields import is_ready, pod_ref

STATUS = "/status"


class Touched(Probe):
    """How many requests the fault in our proxies has touched since it was switched on; with TCP, connections.

    `proxies` is the Deployment of the proxies, `port` their admin port.
    """

    kind: Literal["touched"] = "touched"
    proxies: str
    port: PositiveInt

    async def read(self, view: View) -> Reading:
        namespace = view.target.namespace
        owner = Ref(api_version="apps/v1", kind="Deployment", namespace=namespace, name=self.proxies)
        with cluster():
            pods = [pod_ref(pod) for pod in await view.see.pods(owner) if is_ready(pod)]
            reports = [await view.see.ask(pod, self.port, STATUS) for pod in pods]
        if not reports:
            raise NoData(f"no proxy of {owner} is ready")
        return Level(value=sum(map(_touched, reports)), start=view.start, end=view.end)


def _touched(report: Json) -> int:
    """Of all kinds of harm."""
    counts = look(report, "/touched")
    found = counts.values() if isinstance(counts, dict) else ()
    return sum(count for count in found if isinstance(count, int))
