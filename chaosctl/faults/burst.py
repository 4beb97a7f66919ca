"""Why: the world does not call evenly; what a model does when thousands call at once is found by calling."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt

from chaosctl.faults.parts import felt
from chaosctl.model import Plan, Stream
from chaosctl.ports import Reader
from chaosctl.probes import RequestRate
from chaosctl.spec import Aim, Check, Fault, TargetView
from chaosctl.spec.amounts import Duration
from chaosctl.spec.arrivals import Process

SEEN_OVER = 60.0  # seconds over which its mean rate is known
LEAST = 0.5  # of its mean rate: so much must really leave


class Burst(Fault):
    """Send more requests on top of the workload's, as these, at times of their own."""

    sends: ClassVar[bool] = True
    kind: Literal["burst"] = "burst"
    arrival: Process
    answer_within: Annotated[Duration, Field(gt=timedelta())] = timedelta(seconds=5)
    max_in_flight: Annotated[PositiveInt, Field(le=20_000)] = 2000

    async def plan(self, target: TargetView, see: Reader, aim: Aim) -> Plan:  # noqa: ARG002 - nothing to look up
        arrival = self.arrival.model_dump(mode="json", by_alias=True)
        within = self.answer_within.total_seconds()
        return (Stream(name=aim.entry, arrival=arrival, answer_within=within, most=self.max_in_flight),)

    def effect(self, plan: Plan, target: TargetView) -> Check | None:  # noqa: ARG002 - the same on every target
        stream = next(step for step in plan if isinstance(step, Stream))
        rate = self.arrival.expected(SEEN_OVER) / SEEN_OVER
        return felt("requests sent", RequestRate(stream=stream.name), least=LEAST * rate)
