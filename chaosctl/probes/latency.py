"""Why: a slow model is a broken model to whoever waits for it."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from chaosctl.model import Reading
from chaosctl.probes.slow_answers import SlowAnswers
from chaosctl.probes.sources import OfTraffic
from chaosctl.spec import Bounds, Probe, View
from chaosctl.stats import share_above

WHOLE = 100  # no number of answers shows that none at all is slower


class Latency(OfTraffic):
    """A percentile of the time from when a request was due to its answer."""

    unit: ClassVar[str] = "seconds"
    kind: Literal["latency"] = "latency"
    percentile: Annotated[float, Field(gt=0, le=100)] = 99

    def as_counts(self, holds: Bounds) -> tuple[Probe, Bounds] | None:
        """A p99 within a limit is a share of slower answers within 1 %."""
        limit = timedelta(seconds=holds.max or 0)
        other = holds.min is not None or holds.from_steady
        if limit <= timedelta() or other or self.percentile >= WHOLE:
            return None
        return SlowAnswers(slower_than=limit, stream=self.stream), Bounds(max=share_above(self.percentile))

    async def read(self, view: View) -> Reading:
        return self.answers(view).latency(view.start, view.end, self.percentile)
