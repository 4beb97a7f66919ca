"""Why: networks do not answer with a status; connections break, or nothing ever comes back."""

from typing import Literal

from chaosctl.faults.traffic import TrafficFault
from chaosctl.model import Json


class Disconnect(TrafficFault):
    """Break the connections of requests (reset), or leave them without an answer (timeout)."""

    kind: Literal["disconnect"] = "disconnect"
    mode: Literal["reset", "timeout"] = "reset"

    def harm(self) -> Json:
        return {"disconnect": {"how": self.mode, "share": self.share}}
