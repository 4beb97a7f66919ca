"""Why: a fault that no request met proves nothing, however many proxies it was switched on at."""

from typing import ClassVar, Literal

from pydantic import PositiveInt

from chaosctl.errors import NoData
from chaosctl.model import Level, Reading, Ref
from chaosctl.probes.sources import cluster
from chaosctl.spec import Probe, View
from chaosctl.targets.fields import is_ready, number, pod_ref


class Touched(Probe):
    """How many requests the fault in our proxies has touched so far.

    `proxies` is the Deployment of the proxies, `port` their admin port.
    """

    unit: ClassVar[str] = "requests"
    kind: Literal["touched"] = "touched"
    proxies: str
    port: PositiveInt

    async def read(self, view: View) -> Reading:
        owner = Ref(
            api_version="apps/v1", kind="Deployment", namespace=view.target.namespace, name=self.proxies
        )
        with cluster():
            pods = [pod_ref(pod) for pod in await view.see.pods(owner) if is_ready(pod)]
            reports = [await view.see.ask(pod, self.port, "/status") for pod in pods]
        if not reports:
            raise NoData(f"no proxy of {owner} is ready")
        touched = sum(number(report, "/touched") for report in reports)
        return Level(value=touched, start=view.start, end=view.end)
