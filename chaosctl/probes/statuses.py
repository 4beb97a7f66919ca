"""Why: a server that sheds load says so with 429 or 503; one that breaks says 500."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from chaosctl.model import Reading
from chaosctl.probes.sources import OfTraffic
from chaosctl.spec import View

Status = Annotated[int, Field(ge=200, le=599)]


class Statuses(OfTraffic):
    """The share of requests that were answered with one of these HTTP statuses."""

    unit: ClassVar[str] = "share"
    counts: ClassVar[bool] = True
    kind: Literal["statuses"] = "statuses"
    among: Annotated[tuple[Status, ...], Field(min_length=1)]

    async def read(self, view: View) -> Reading:
        return self.answers(view).statuses(view.start, view.end, self.among)
