"""Why: a full line is slow for all that is large, and nobody sees an error."""

from typing import Annotated, Literal

from pydantic import Field

from chaosctl.faults.traffic import TrafficFault
from chaosctl.model import Json


class Bandwidth(TrafficFault):
    """Let so many bytes a second pass on a connection, in the direction that is named.

    `upstream` is what clients send, `downstream` what the model answers. It works on any TCP traffic.
    """

    kind: Literal["bandwidth"] = "bandwidth"
    bytes_per_second: Annotated[int, Field(ge=1, le=10**12)]
    direction: Literal["upstream", "downstream", "both"] = "both"

    @property
    def speaks(self) -> Literal["http", "tcp"]:
        return "tcp"

    def harm(self) -> Json:
        limit: Json = {"bandwidth": self.part(rate=self.bytes_per_second)}
        ways = ("upstream", "downstream") if self.direction == "both" else (self.direction,)
        return dict.fromkeys(ways, limit)
