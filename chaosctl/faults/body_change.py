"""Why: a status of 200 says nothing of what is in the answer; whoever reads it must notice."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from chaosctl.faults.traffic import RequestFault
from chaosctl.model import Json


class BodyChange(RequestFault):
    """Change the body of answers; status and framing stay good HTTP.

    `corrupt` flips all bits of one byte in `every`, the first one included; `truncate` keeps the first
    `bytes`; `replace` sends `text` instead.
    """

    kind: Literal["body-change"] = "body-change"
    mode: Literal["corrupt", "truncate", "replace"] = "corrupt"
    every: PositiveInt = 100
    bytes: NonNegativeInt = 0
    text: Annotated[str, Field(max_length=32 * 1024)] = ""

    def harm(self) -> Json:
        wanted: dict[str, Json] = {
            "corrupt": {"every": self.every},
            "truncate": {"bytes": self.bytes},
            "replace": {"text": self.text},
        }
        return {"body": self.part(how=self.mode, **wanted[self.mode])}
