"""Why: whether callers got an answer is the first thing that they notice."""

from typing import ClassVar, Literal

from chaosctl.model import Reading
from chaosctl.probes.sources import OfTraffic
from chaosctl.spec import View


class ErrorRate(OfTraffic):
    """The share of requests without a good answer."""

    unit: ClassVar[str] = "share"
    counts: ClassVar[bool] = True
    kind: Literal["error-rate"] = "error-rate"

    async def read(self, view: View) -> Reading:
        return self.answers(view).failures(view.start, view.end)
