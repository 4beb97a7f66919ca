"""Why: a share of slow requests can be decided by an e-process, a percentile cannot."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from chaosctl.model import Reading
from chaosctl.probes.sources import OfTraffic
from chaosctl.spec import View
from chaosctl.spec.amounts import Duration


class SlowAnswers(OfTraffic):
    """The share of requests that took longer than this, failed ones among them."""

    unit: ClassVar[str] = "share"
    counts: ClassVar[bool] = True
    kind: Literal["slow-answers"] = "slow-answers"
    slower_than: Annotated[Duration, Field(gt=timedelta())]

    async def read(self, view: View) -> Reading:
        return self.answers(view).slower_than(view.start, view.end, self.slower_than.total_seconds())
