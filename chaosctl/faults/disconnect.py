"""Why: networks do not answer with a status; connections break, or nothing ever comes back."""

from typing import Literal

from chaosctl.faults.traffic import EitherFault
from chaosctl.model import Json


class Disconnect(EitherFault):
    """Break the connections of requests (reset), or leave them without an answer (timeout).

    With `protocol: tcp`, connections of any kind are reset, or nothing passes back on them.
    """

    kind: Literal["disconnect"] = "disconnect"
    mode: Literal["reset", "timeout"] = "reset"

    def harm(self) -> Json:
        if self.protocol == "tcp":
            return {"downstream": {self.mode: self.part()}}
        return {"disconnect": self.part(how=self.mode)}
