"""Why: the tests of files need kinds that never change, and one playbook that is right."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from chaosctl.catalog import catalog_of
from chaosctl.spec import Bounds, Check, ClockName, Duration, Fault, Probe, Role, Share
from chaosctl.spec.drill import parse_target
from chaosctl.spec.problems import Mistakes


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Steady(Shape):
    shape: Literal["steady"] = "steady"
    delay: Duration


class Wobbly(Shape):
    shape: Literal["wobbly"] = "wobbly"
    spread: Duration


class Release(Fault):
    """Roll out another image."""

    kind: Literal["release"] = "release"
    image: str
    reaction: ClassVar[bool] = True
    touches: ClassVar[str] = "template"

    async def plan(self, *_):
        return ()

    def effect(self, *_):
        return Check(name="felt", role=Role.EFFECT, probe={"kind": "revision"}, holds=Bounds(max=0.9))


class Slow(Fault):
    """Answer late."""

    kind: Literal["slow"] = "slow"
    share: Share = 1.0
    delays: tuple[Annotated[Steady | Wobbly, Field(discriminator="shape")], ...] = ()
    touches: ClassVar[str] = "traffic"

    async def plan(self, *_):
        return ()


class ErrorRate(Probe):
    """The share of requests that failed."""

    kind: Literal["error-rate"] = "error-rate"
    unit: ClassVar[str] = "share"
    counts: ClassVar[bool] = True

    async def read(self, view):
        raise NotImplementedError


class Agreement(ErrorRate):
    """The share of right answers."""

    kind: Literal["agreement"] = "agreement"
    complement: ClassVar[bool] = True


class Latency(ErrorRate):
    """How long answers take."""

    kind: Literal["latency"] = "latency"
    percentile: int = 99
    unit: ClassVar[str] = "seconds"
    counts: ClassVar[bool] = False


class Revision(ErrorRate):
    """Which version answers."""

    kind: Literal["revision"] = "revision"
    counts: ClassVar[bool] = False
    tells: ClassVar[ClockName | None] = ClockName.ROLLBACK


CATALOG = catalog_of([Release, Slow], [ErrorRate, Agreement, Latency, Revision])
TARGET = parse_target("models/Deployment/fraud")

PLAYBOOK = """\
apiVersion: chaosctl.dev/v1
kind: Playbook
metadata: {name: bad-release}
spec:
  summary: A release that answers wrongly is rolled back before users notice.
  hypothesis: The stable revision serves again within 60 s of the first wrong answer.
  parameters:
    image: {description: the release to try, example: "sample-model:wrong-weights"}
  workload:
    requests: {corpus: golden}
    arrival: {process: poisson, rate: 50/s}
  probes:
    errors:  {kind: error-rate}
    correct: {kind: agreement}
    slow:    {kind: latency}
    serving: {kind: revision}
  steadyState:
    - {probe: errors, max: 1%}
    - {probe: correct, min: 99%}
    - {probe: slow, max: 250ms}
    - {probe: serving, min: 95%}
  timeline:
    - {at: 20s, inject: {kind: release, image: "${image}"}, hold: 3m}
  expect:
    - {clock: detect, within: 30s}
    - {clock: rollback, within: 60s}
    - {clock: recover, within: 90s}
    - {probe: errors, max: 2%, over: run}
  abort:
    - {probe: errors, max: 50%, for: 10s}
"""

DRILL = """\
apiVersion: chaosctl.dev/v1
kind: Drill
metadata: {name: weekly}
spec:
  target: {namespace: models, workload: Deployment/fraud, protocol: v2, model: fraud, rollback: watchdog}
  playbooks:
    - {file: playbook.yaml, parameters: {image: "fraud:next"}}
"""


def write(folder: Path, text: str, name: str = "playbook.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def changed(*changes: tuple[str, str], text: str = PLAYBOOK) -> str:
    """The example with some of its text replaced."""
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def problems(run):
    """What a loading that must fail complains of."""
    try:
        run()
    except Mistakes as mistakes:
        return {problem.field: problem for problem in mistakes.problems}
    raise AssertionError("nothing was wrong")
