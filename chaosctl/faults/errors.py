"""Why: whoever calls a model must know what to do when it answers with an error."""

from typing import Annotated, Literal

from pydantic import Field

from chaosctl.faults.traffic import RequestFault
from chaosctl.model import Json


class Errors(RequestFault):
    """Answer requests with an error status, without asking the model."""

    kind: Literal["errors"] = "errors"
    status: Annotated[int, Field(ge=400, le=599)] = 503

    def harm(self) -> Json:
        return {"errors": self.part(status=self.status)}
