"""Why: a playbook is read by people first; what it may say is written down here, once, with its defaults.

These are the texts as written. `chaosctl.catalog` resolves them into a Script.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import (
    ConfigDict,
    Field,
    JsonValue,
    PositiveInt,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from chaosctl.spec.amounts import Amount, Duration, Share
from chaosctl.spec.arrivals import Arrival
from chaosctl.spec.script import ClockName, Span
from chaosctl.spec.written import Written

Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]
EntryName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=30)]
ProbeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][-_A-Za-z0-9]*$", max_length=63)]
ParameterName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][-_A-Za-z0-9]*$", max_length=63)]


ParameterText = Annotated[str, WithJsonSchema({"type": ["string", "number", "boolean"]})]
"""A parameter's value. Numbers need no quotes: the loader takes the text as it was written."""


class KindBody(Written):
    """The body of a fault or a probe: its `kind`, and the fields of that kind."""

    model_config = ConfigDict(extra="allow")

    kind: str
    __pydantic_extra__: dict[str, JsonValue]


class FaultBody(KindBody):
    """A fault: its `kind`, and the fields of that kind."""


class ProbeBody(KindBody):
    """A probe: its `kind`, and the fields of that kind."""


class Metadata(Written):
    """As Kubernetes has it."""

    name: Label
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}


class Parameter(Written):
    """A value that whoever runs the playbook may set. Without a default it must be set."""

    description: str
    default: ParameterText | None = None
    example: ParameterText | None = Field(
        default=None, description="Used to check the playbook where nothing is set."
    )


class Requests(Written):
    """What is asked of the model: a corpus that ships with known answers, or a file beside the playbook."""

    corpus: Literal["golden"] | None = None
    file: str | None = Field(default=None, description="A path in the playbook's folder, one request a line.")

    @model_validator(mode="after")
    def _one(self) -> "Requests":
        if (self.corpus is None) == (self.file is None):
            raise PydanticCustomError("one_of", 'say either "corpus" or "file"')
        return self


class WorkloadText(Written):
    """The traffic of a run."""

    requests: Requests
    arrival: Arrival
    answer_within: Duration = Field(
        default=timedelta(seconds=2), description="Later answers count as failed."
    )


class Fixed(Written):
    """Broken when `k` of the last `n` readings are out of bounds."""

    kind: Literal["fixed"]
    k: PositiveInt = 1
    n: PositiveInt = 1

    @model_validator(mode="after")
    def _reachable(self) -> "Fixed":
        if self.k > self.n:
            raise PydanticCustomError(
                "k_of_n", "{k} of {n} readings can never be", {"k": self.k, "n": self.n}
            )
        return self


class TestedText(Written):
    """What tests of a rate have in common."""

    alpha: Annotated[Share, Field(gt=0, lt=1)] = Field(
        default=0.05, description="How often it may be held wrongly, at most."
    )
    unit: Literal["request", "window"] = Field(
        default="request",
        description='"request" assumes independent failures; "window" takes the share of each window.',
    )
    window: Annotated[Duration, Field(gt=timedelta())] | None = Field(
        default=None, description="The length of a window, where it is the unit."
    )

    @model_validator(mode="after")
    def _windowed(self) -> Self:
        if (self.unit == "window") != (self.window is not None):
            raise PydanticCustomError("window", '"unit: window" and the length "window" go together')
        return self


class EProcessText(TestedText):
    """A test of a rate that stays valid however often one looks."""

    kind: Literal["eProcess"]


class EDetectorText(TestedText):
    """The same, but what was good before hides no break."""

    kind: Literal["eDetector"]
    run_length: Annotated[Duration, Field(gt=timedelta())] = Field(
        default=timedelta(hours=1), description="The mean time to a false alarm, at least."
    )


class CheckText(Written):
    """What must hold of a probe, or by when a clock must have stopped."""

    name: str | None = Field(default=None, min_length=1, max_length=100)
    probe: str | None = None
    clock: ClockName | None = None
    within: Duration | None = Field(default=None, description="For clocks: by when it must have stopped.")
    never: bool = Field(default=False, description="For clocks: it must not stop at all.")
    max: Amount | None = None
    min: Amount | None = None
    from_steady: bool = Field(default=False, description="Count the bounds from the steady state's value.")
    over: Span | None = Field(default=None, description='"run" judges the whole run instead of each reading.')
    lasting: Duration | None = Field(
        default=None, alias="for", description="Broken only when every reading for so long was out of bounds."
    )
    decide: Annotated[Fixed | EProcessText | EDetectorText, Field(discriminator="kind")] | None = None
    every: Annotated[Duration, Field(ge=timedelta(milliseconds=100))] = Field(
        default=timedelta(seconds=1), description="The pause between readings, and the length of each."
    )

    @model_validator(mode="after")
    def _complete(self) -> "CheckText":
        if (self.probe is None) == (self.clock is None):
            raise PydanticCustomError("one_of", 'say either "probe" or "clock"')
        if self.probe is None:
            self._of_a_clock()
        else:
            self._of_a_probe()
        return self

    def _of_a_clock(self) -> None:
        if (self.within is None) != self.never:
            raise PydanticCustomError("no_bound", 'a check of a clock needs either "within" or "never: true"')
        others = self.model_fields_set - {"name", "clock", "within", "never"}
        if others:
            names = ", ".join(sorted("for" if name == "lasting" else to_camel(name) for name in others))
            raise PydanticCustomError("clock_field", "a check of a clock has no {names}", {"names": names})

    def _of_a_probe(self) -> None:
        if self.within is not None or self.never:
            message = '"within" and "never" are for clocks; a probe has "max" and "min"'
            raise PydanticCustomError("probe_field", message)
        if self.max is None and self.min is None:
            raise PydanticCustomError("no_bound", 'a check of a probe needs "max" or "min"')
        if self.max is not None and self.min is not None and self.min > self.max:
            raise PydanticCustomError("no_room", "min is above max: nothing can hold")


class Repeat(Written):
    """The same entry again and again."""

    every: Annotated[Duration, Field(gt=timedelta())]
    times: Annotated[int, Field(ge=1, le=1000)]


class EntryText(Written):
    """One line of the timeline: when, what, and for how long."""

    at: Duration
    inject: FaultBody
    hold: Annotated[Duration, Field(gt=timedelta())] = timedelta(seconds=30)
    id: EntryName | None = None
    effect: CheckText | None = Field(default=None, description="How we know that it was felt.")
    repeat: Repeat | None = None


class PlaybookSpec(Written):
    """What to break, what must keep holding and what must come back."""

    summary: str = Field(min_length=1)
    hypothesis: str = ""
    parameters: Mapping[ParameterName, Parameter] = {}
    workload: WorkloadText | None = None
    probes: Mapping[ProbeName, ProbeBody] = {}
    steady_state: tuple[CheckText, ...] = ()
    timeline: tuple[EntryText, ...] = Field(min_length=1)
    expect: tuple[CheckText, ...] = ()
    abort: tuple[CheckText, ...] = ()
    allow_outage: bool = Field(default=False, description="Whether no replica may be left serving.")
    steady_within: Duration = timedelta(seconds=60)
    recover_within: Duration = timedelta(seconds=60)
    stable_for: Duration = Field(
        default=timedelta(seconds=30), description="How long it must be good, at least, to have recovered."
    )
    alpha: Annotated[Share, Field(gt=0, lt=1)] = Field(
        default=0.05,
        description="How often a run is failed, aborted or flagged wrongly, at most; its tests share it.",
    )
    set_up: Duration = timedelta(seconds=15)


class Playbook(Written):
    """A reusable procedure that knows no cluster."""

    api_version: Literal["chaosctl.dev/v1"]
    kind: Literal["Playbook"]
    metadata: Metadata
    spec: PlaybookSpec
