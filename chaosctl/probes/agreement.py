"""Why: a model that answers 200 OK and wrongly looks healthy to all who do not look at the answers."""

from typing import ClassVar, Literal

from chaosctl.model import Reading
from chaosctl.probes.sources import OfTraffic
from chaosctl.spec import View


class Agreement(OfTraffic):
    """The share of good answers that equal the known ones."""

    unit: ClassVar[str] = "share"
    counts: ClassVar[bool] = True
    complement: ClassVar[bool] = True
    kind: Literal["agreement"] = "agreement"

    async def read(self, view: View) -> Reading:
        counts = self.answers(view).disagreements(view.start, view.end)
        return counts.model_copy(update={"complement": True})
