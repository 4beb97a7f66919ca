"""Why: a post-mortem is one value, so that every format says the same and each number names its evidence.

Texts in it are written for people; numbers and moments that programs want are there besides. `evidence` holds
numbers of events in the journal.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from chaosctl.model import Interval
from chaosctl.spec import ClockName

Evidence = tuple[int, ...]
NARROW = 0.25  # of what was allowed: a margin below is a near miss


class Chain(NamedTuple):
    """What was found when the journal's hashes were computed again."""

    head: str = ""
    intact: bool | None = None
    fault: str = ""


class Line(NamedTuple):
    """A statement with a label."""

    label: str
    text: str
    evidence: Evidence = ()


class CheckRow(NamedTuple):
    """A hypothesis and its outcome. `verdict` is passed, failed or inconclusive.

    `label` is the name without the bound that stands beside it; `when` is before or after, of a steady state.
    """

    name: str
    role: str
    expected: str
    observed: str
    samples: int
    verdict: str
    evidence: Evidence
    label: str
    when: str = ""


class ClockRow(NamedTuple):
    """A moment of the incident; `since` is in seconds from `origin`, shortest and longest."""

    name: ClockName
    meaning: str
    at: Interval | None
    when: str
    since: tuple[float, float] | None
    origin: str
    text: str
    evidence: Evidence


class Effect(NamedTuple):
    """How it was known that a fault bit."""

    expected: str
    observed: str
    held: bool | None


class EntryRow(NamedTuple):
    """One line of the playbook's timeline, and what became of it."""

    id: str
    kind: str
    fault: str
    changes: tuple[str, ...]
    state: str
    restored_by: str
    why: str
    lasted: str
    effect: Effect | None
    evidence: Evidence


class HarmRow(NamedTuple):
    """What users felt. `low` and `high` bound the bad share (95 %); `budget_minutes` is of full outage."""

    check: str
    what: str
    bad: int
    n: int
    low: float
    high: float
    lasted: str
    budget_minutes: float
    evidence: Evidence


class Moment(NamedTuple):
    """One line of the timeline."""

    at: datetime
    offset: str
    lane: str
    text: str
    seq: int


class Margin(NamedTuple):
    """How far a bound that held was from breaking; `part` is the distance as a part of what was allowed."""

    check: str
    text: str
    part: float
    evidence: Evidence

    @property
    def near(self) -> bool:
        return self.part < NARROW


class Action(NamedTuple):
    """A proposal; who, when and whether are for people to say."""

    text: str
    kind: str
    retest: str


class Readings(NamedTuple):
    """Where a check's numbers come from."""

    check: str
    probe: str
    evidence: Evidence


class Bar(NamedTuple):
    """A stretch of time in a lane of the figure, in seconds from its start; `kind` chooses the pattern."""

    start: float
    end: float
    kind: str
    title: str


class Mark(NamedTuple):
    """A moment in the figure, in seconds from its start; `row` keeps labels apart."""

    at: float
    label: str
    title: str
    row: int = 0


class Lane(NamedTuple):
    """Bars and marks of one actor."""

    label: str
    bars: tuple[Bar, ...] = ()
    marks: tuple[Mark, ...] = ()


class Point(NamedTuple):
    """A reading in a chart: seconds from the figure's start, and the value; None where there was no data."""

    start: float
    end: float
    value: float | None


class Chart(NamedTuple):
    """A quantity over time, with the bound that it had to keep.

    What is bad is filled from the "bottom" or from the "top"; empty where nothing is.
    """

    label: str
    low: float
    high: float
    low_text: str
    high_text: str
    bound: float | None
    bound_text: str
    points: tuple[Point, ...]
    filled_from: str


@dataclass(frozen=True)
class Figure:
    """The run on one time axis. `zero` is where T is, all in seconds from the start."""

    seconds: float
    zero: float
    lanes: tuple[Lane, ...]
    clocks: tuple[Mark, ...]
    charts: tuple[Chart, ...]
    description: str


@dataclass(frozen=True)
class Header:
    """What was run, on what, with what result. `reverted` says the revert status in words."""

    run: str
    playbook: str
    digest: str
    summary: str
    hypothesis: str
    target: str
    context: str
    images: tuple[str, ...]
    parameters: tuple[Line, ...]
    version: str
    seed: int
    started: datetime
    ended: datetime | None
    result: str
    revert: str
    reverted: str
    exit_code: int | None
    why: tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """A post-mortem."""

    header: Header
    recap: tuple[Line, ...]
    checks: tuple[CheckRow, ...]
    entries: tuple[EntryRow, ...]
    harm: tuple[HarmRow, ...]
    clocks: tuple[ClockRow, ...]
    detection: tuple[Line, ...]
    response: tuple[Line, ...]
    recovery: tuple[Line, ...]
    timeline: tuple[Moment, ...]
    margins: tuple[Margin, ...]
    actions: tuple[Action, ...]
    limits: tuple[str, ...]
    readings: tuple[Readings, ...]
    chain: Chain
    length: int
    figure: Figure | None
