"""Why: every worker of a load, wherever it runs, must read the same order in the same way."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Self

from pydantic import Base64Bytes, Field, NonNegativeInt, PositiveInt, model_validator
from pydantic_core import PydanticCustomError

from chaosctl.spec.amounts import Duration
from chaosctl.spec.arrivals import Arrival
from chaosctl.spec.written import Written

MOST_USERS = 100_000
MOST_WORKERS = 1000
Token = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
HeaderValue = Annotated[str, Field(pattern=r"^[^\x00-\x08\x0a-\x1f\x7f]*$", max_length=8192)]


class Asked(Written):
    """A request as it is sent where no protocol makes it."""

    method: Token = "GET"
    headers: Mapping[Token, HeaderValue] = {}
    body: Base64Bytes = b""


class Share(Written):
    """Which part of a load a worker does: every `of`-th request, beginning with number `number`."""

    number: NonNegativeInt = 0
    of: Annotated[int, Field(ge=1, le=MOST_WORKERS)] = 1

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.number >= self.of:
            raise PydanticCustomError("share", "worker {number} of {of}: they count from 0", dict(self))
        return self

    def part(self, whole: int) -> int:
        """Of so many, how many are this worker's."""
        return whole // self.of + (self.number < whole % self.of)


class Load(Written):
    """What to send, how, and for how long.

    Either `users` ask again and again (closed loop), or requests leave when they are due (`arrival`, open
    loop). `rows`: JSON lines for a protocol of models; none: the corpus that ships.
    """

    url: str
    protocol: str = "http"
    model: str = ""
    ask: Asked = Asked()
    rows: str = ""
    users: Annotated[int, Field(ge=1, le=MOST_USERS)] | None = None
    arrival: Arrival | None = None
    lasting: Annotated[Duration, Field(gt=timedelta())] = timedelta(seconds=10)
    requests: PositiveInt | None = None
    answer_within: Annotated[Duration, Field(gt=timedelta())] = timedelta(seconds=5)
    max_in_flight: PositiveInt = 10_000
    connections: PositiveInt = 10_000
    seed: int = 0
    authorities: str = Field(default="", description="PEM of whom to trust, in place of the system's.")

    @model_validator(mode="after")
    def _one_loop(self) -> Self:
        if (self.users is None) == (self.arrival is None):
            raise PydanticCustomError("one_of", 'say either "users" or "arrival"')
        return self
