"""Why: whether callers got an answer is the first thing that they notice."""

from typing import ClassVar, Literal

from chaosctl.model import Reading
from chaosctl.probes.sources import answers
from chaosctl.spec import Probe, View


class ErrorRate(Probe):
    """The share of requests without a good answer."""

    unit: ClassVar[str] = "share"
    counts: ClassVar[bool] = True
    kind: Literal["error-rate"] = "error-rate"

    async def read(self, view: View) -> Reading:
        return answers(view).failures(view.start, view.end)
