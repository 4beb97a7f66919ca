"""Why: traffic that never left cannot have hurt anybody."""

from typing import ClassVar, Literal

from chaosctl.model import Reading
from chaosctl.probes.sources import OfTraffic
from chaosctl.spec import View


class RequestRate(OfTraffic):
    """How many requests left, a second."""

    unit: ClassVar[str] = "requests/s"
    kind: Literal["request-rate"] = "request-rate"

    async def read(self, view: View) -> Reading:
        return self.answers(view).sent_rate(view.start, view.end)
