"""Why: the world does not call like a metronome; how it does call is written in a few numbers.

Each process says when requests are due. `expected` is how many come in the first seconds, on average.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, JsonValue, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from chaosctl.spec.amounts import Duration, Rate, Share
from chaosctl.spec.written import Written

MOST_STEPS = 1000
MOST_TURNS = 1000  # of mmpp without a request: finding the next one must not take long
Long = Annotated[Duration, Field(ge=timedelta(milliseconds=1))]
Some = Annotated[Rate, Field(gt=0)]


class Poisson(Written):
    """Independent of each other, as many people's requests are."""

    process: Literal["poisson"] = "poisson"
    rate: Some

    def expected(self, seconds: float) -> float:
        return self.rate * seconds


class Constant(Written):
    """Evenly spaced, the first at once."""

    process: Literal["constant"]
    rate: Some

    def expected(self, seconds: float) -> float:
        return self.rate * seconds


class Gamma(Written):
    """Independent gaps that vary more, or less, than those of poisson. It has bursts, but none that last."""

    process: Literal["gamma"]
    rate: Some
    burstiness: float = Field(
        ge=0.01,
        le=1000,
        description="The index of dispersion in the long run: 1 is poisson, 4 has four times the variance. "
        "It is 1 over the shape of the gaps.",
    )

    def expected(self, seconds: float) -> float:
        return self.rate * seconds


class Mmpp(Written):
    """A Markov-modulated Poisson process: two states, each with a rate, and times in them by chance.

    So bursts last, as those of people and of agents do.
    """

    process: Literal["mmpp"]
    rates: tuple[Rate, ...] = Field(
        min_length=2, max_length=2, description="In the one state, and in the other."
    )
    dwells: tuple[Long, ...] = Field(
        min_length=2, max_length=2, description="How long it stays in each, on average."
    )

    @model_validator(mode="after")
    def _sends(self) -> Self:
        _some(self.rates)
        turn = sum(rate * dwell.total_seconds() for rate, dwell in zip(self.rates, self.dwells, strict=True))
        if turn < 1 / MOST_TURNS:
            message = "less than one request in {turns} turns through both states; let it stay longer"
            raise PydanticCustomError("no_rate", message, {"turns": MOST_TURNS})
        return self

    @property
    def share(self) -> float:
        """Of the time that it is in the first state, in the long run."""
        first, second = (dwell.total_seconds() for dwell in self.dwells)
        return first / (first + second)

    def expected(self, seconds: float) -> float:
        first, second = self.rates
        return (self.share * first + (1 - self.share) * second) * seconds


class Stretch(Written):
    """A rate, and for how long."""

    rate: Rate
    lasting: Long = Field(alias="for")


class Step(Written):
    """One rate after another. The last one stays, however long it is written to last."""

    process: Literal["step"]
    steps: tuple[Stretch, ...] = Field(min_length=1, max_length=MOST_STEPS)

    @model_validator(mode="after")
    def _sends(self) -> Self:
        _some([one.rate for one in self.steps])
        return self

    def expected(self, seconds: float) -> float:
        found, left = 0.0, seconds
        for one in self.steps[:-1]:
            there = min(left, one.lasting.total_seconds())
            found, left = found + one.rate * there, left - there
        return found + self.steps[-1].rate * left


class Ramp(Written):
    """From one rate to another in so much time; then it stays there."""

    process: Literal["ramp"]
    begin: Rate = Field(alias="from")
    to: Rate
    over: Long

    @model_validator(mode="after")
    def _sends(self) -> Self:
        _some((self.begin, self.to))
        return self

    def expected(self, seconds: float) -> float:
        length = self.over.total_seconds()
        rising = min(seconds, length)
        reached = self.begin + (self.to - self.begin) * rising / length
        return rising * (self.begin + reached) / 2 + self.to * (seconds - rising)


class Sine(Written):
    """Up and down around a mean, as a day does; it begins at the mean, going up."""

    process: Literal["sine"]
    rate: Some
    amplitude: Rate
    period: Long

    @model_validator(mode="after")
    def _above_zero(self) -> Self:
        if self.amplitude > self.rate:
            raise PydanticCustomError("amplitude", "the amplitude is above the rate: no rate is below 0/s")
        return self

    def expected(self, seconds: float) -> float:
        period = self.period.total_seconds()
        turned = 2 * math.pi * seconds / period
        return self.rate * seconds + self.amplitude * period / (2 * math.pi) * (1 - math.cos(turned))


class Scale(Written):
    """How a trace is sent at another rate than it was recorded at; said in every report."""

    thin: Annotated[Share, Field(gt=0)] | None = Field(
        default=None, description="Keep this share, by chance."
    )
    superpose: Annotated[int, Field(ge=2, le=1000)] | None = Field(
        default=None, description="So many at once, each begun elsewhere in the trace: bursts even out."
    )
    compress: Annotated[float, Field(gt=0, le=1e6)] | None = Field(
        default=None, description="So many times as fast: bursts are shorter, too."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if len(self.model_fields_set) > 1:
            raise PydanticCustomError("one_of", 'say one of "thin", "superpose" and "compress"')
        return self


class Trace(Written):
    """As it was recorded."""

    process: Literal["trace"]
    file: str = Field(
        min_length=1,
        description="CSV beside the playbook: a row for each request; when it came, in seconds or as date.",
    )
    scale: Scale = Scale()
    repeat: bool = Field(
        default=False, description="From the start again at its end; else nothing more comes."
    )


def _as_poisson(value: object) -> object:
    """What says no process is one of the simplest."""
    return {"process": "poisson", **value} if isinstance(value, Mapping) else value


_WHEN = Field(discriminator="process", description="When requests are due.")
Process = Annotated[
    Poisson | Constant | Gamma | Mmpp | Step | Ramp | Sine, _WHEN, BeforeValidator(_as_poisson)
]
Arrival = Annotated[
    Poisson | Constant | Gamma | Mmpp | Step | Ramp | Sine | Trace, _WHEN, BeforeValidator(_as_poisson)
]

_any: TypeAdapter[Arrival] = TypeAdapter(Arrival)


def written(body: JsonValue) -> Arrival:
    """From JSON. Raises pydantic.ValidationError."""
    return _any.validate_python(body)


def _some(rates: Sequence[float]) -> None:
    if not any(rates):
        raise PydanticCustomError("no_rate", "every rate is 0/s: nothing would be sent")
