"""Why: a model that answers late has failed whoever stopped waiting."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from chaosctl.faults.traffic import EitherFault
from chaosctl.model import Json
from chaosctl.spec.amounts import Duration


class Latency(EitherFault):
    """Hold answers back by `delay`, give or take `jitter` after a distribution.

    With `protocol: tcp`, all that the model says on a connection comes so much later.
    """

    kind: Literal["latency"] = "latency"
    delay: Annotated[Duration, Field(gt=timedelta(), le=timedelta(hours=1))]
    jitter: Annotated[Duration, Field(le=timedelta(hours=1))] = timedelta()
    distribution: Literal["none", "uniform", "normal", "exponential", "pareto"] = "none"

    @model_validator(mode="after")
    def _jitter_has_a_distribution(self) -> Self:
        if bool(self.jitter) != (self.distribution != "none"):
            raise ValueError('"jitter" and "distribution" belong together: give both, or neither')
        return self

    def harm(self) -> Json:
        fields: Json = {"fixed": self.delay.total_seconds()}
        if self.jitter:
            fields |= {"jitter": self.jitter.total_seconds(), "distribution": self.distribution}
        latency: Json = {"latency": self.part(**fields)}
        return latency if self.protocol == "http" else {"downstream": latency}
