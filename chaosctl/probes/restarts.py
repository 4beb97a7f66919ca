"""Why: a model that falls over under load and is started again hides it well."""

from typing import ClassVar, Literal

from chaosctl.model import Level, Reading
from chaosctl.probes.sources import staying_pods
from chaosctl.spec import Probe, View
from chaosctl.targets.fields import items, number


class Restarts(Probe):
    """How often containers of the target's pods have been started again. Compare it with `fromSteady`."""

    unit: ClassVar[str] = "restarts"
    kind: Literal["restarts"] = "restarts"

    async def read(self, view: View) -> Reading:
        pods = await staying_pods(view)
        statuses = (status for pod in pods for status in items(pod, "/status/containerStatuses"))
        count = sum(number(status, "/restartCount") for status in statuses)
        return Level(value=count, start=view.start, end=view.end, n=max(1, len(pods)))
