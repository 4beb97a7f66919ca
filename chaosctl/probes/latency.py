"""Why: a slow model is a broken model to whoever waits for it."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from chaosctl.model import Reading
from chaosctl.probes.sources import answers
from chaosctl.spec import Probe, View


class Latency(Probe):
    """A percentile of the time from when a request was due to its answer."""

    unit: ClassVar[str] = "seconds"
    kind: Literal["latency"] = "latency"
    percentile: Annotated[float, Field(gt=0, le=100)] = 99

    async def read(self, view: View) -> Reading:
        return answers(view).latency(view.start, view.end, self.percentile)
