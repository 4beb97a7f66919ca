"""Why: an answer that begins in time and does not end holds whoever reads it longer than one that is late."""

from typing import Annotated, Literal

from pydantic import Field

from chaosctl.faults.traffic import RequestFault
from chaosctl.model import Json


class SlowBody(RequestFault):
    """Send the head of answers at once, and their body with so many bytes a second."""

    kind: Literal["slow-body"] = "slow-body"
    bytes_per_second: Annotated[int, Field(ge=1, le=10**9)]

    def harm(self) -> Json:
        return {"slowBody": self.part(rate=self.bytes_per_second)}
