"""Why: where things stand in the swimlane is arithmetic, and arithmetic does not belong into a template."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from chaosctl.report.document import Chart, Figure, Lane, Mark, Point

WIDTH = 960
LEFT, RIGHT, TOP = 132, 24, 14
LANE, CHART, GAP = 26, 62, 16
LABEL_ROW = 15
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
MOST_TICKS = 10
HOLE = 3  # readings that may be missing before a line is broken


class Tick(NamedTuple):
    x: float
    label: str


class Row(NamedTuple):
    """A lane's place."""

    lane: Lane
    y: float
    height: float


class Panel(NamedTuple):
    """A chart's place, and its line as SVG path data."""

    chart: Chart
    y: float
    line: str
    area: str
    bound_y: float | None
    blanks: tuple[float, ...]


@dataclass(frozen=True)
class Plot:
    """The geometry of a figure, in SVG units."""

    figure: Figure
    height: float
    rows: tuple[Row, ...]
    panels: tuple[Panel, ...]
    ticks: tuple[Tick, ...]
    clocks_y: float
    axis_y: float
    width: int = WIDTH
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    chart: int = CHART
    lane: int = LANE

    def x(self, at: float) -> float:
        """Where a moment stands."""
        return _x(self.figure, at)


def plot(figure: Figure) -> Plot:
    """Lanes on top, then the clocks' labels, then charts, then the axis."""
    rows = tuple(_rows(figure))
    clocks_y = TOP + sum(row.height for row in rows) + 4
    labels = 1 + max((mark.row for mark in figure.clocks), default=-1)
    first = clocks_y + labels * LABEL_ROW + GAP
    panels = tuple(_panel(figure, chart, first + n * (CHART + GAP)) for n, chart in enumerate(figure.charts))
    axis_y = first + len(panels) * (CHART + GAP)
    return Plot(figure, axis_y + 34, rows, panels, tuple(_ticks(figure)), clocks_y, axis_y)


def _rows(figure: Figure) -> Iterator[Row]:
    y = float(TOP)
    for lane in figure.lanes:
        height = LANE + LABEL_ROW * _highest(lane.marks)
        yield Row(lane, y, height)
        y += height


def _highest(marks: tuple[Mark, ...]) -> int:
    return max((mark.row for mark in marks), default=0)


def _x(figure: Figure, at: float) -> float:
    inside = min(max(at / figure.seconds, 0.0), 1.0)
    return round(LEFT + inside * (WIDTH - RIGHT - LEFT), 1)


def _panel(figure: Figure, chart: Chart, y: float) -> Panel:
    def height(value: float) -> float:
        part = (value - chart.low) / (chart.high - chart.low)
        return round(y + CHART - min(max(part, 0.0), 1.0) * CHART, 1)

    stretches = [
        [(_x(figure, point.start), _x(figure, point.end), height(point.value or 0.0)) for point in stretch]
        for stretch in _stretches(chart.points)
    ]
    line = " ".join(_steps(stretch) for stretch in stretches)
    base = y if chart.filled_from == "top" else y + CHART
    area = " ".join(f"{_steps(stretch)} V{base:g} H{stretch[0][0]:g} Z" for stretch in stretches)
    blanks = tuple(_x(figure, point.start) for point in chart.points if point.value is None)
    bound_y = None if chart.bound is None else height(chart.bound)
    return Panel(chart, y, line, area if chart.filled_from else "", bound_y, blanks)


def _stretches(points: tuple[Point, ...]) -> Iterator[list[Point]]:
    """Points that follow each other: without one that had no data, and without a hole, in between."""
    some: list[Point] = []
    for point in points:
        if some and (point.value is None or point.start - some[-1].end > HOLE * (point.end - point.start)):
            yield some
            some = []
        if point.value is not None:
            some.append(point)
    if some:
        yield some


def _steps(stretch: list[tuple[float, float, float]]) -> str:
    start, end, y = stretch[0]
    parts = [f"M{start:g} {y:g} H{end:g}"]
    parts += [f"H{after[0]:g} V{after[2]:g} H{after[1]:g}" for _, after in pairwise(stretch)]
    return " ".join(parts)


def _ticks(figure: Figure) -> Iterator[Tick]:
    """At round distances from T."""
    step = next((step for step in STEPS if figure.seconds / step <= MOST_TICKS), STEPS[-1])
    first = -int(figure.zero // step)
    last = int((figure.seconds - figure.zero) // step)
    for n in range(first, last + 1):
        yield Tick(_x(figure, figure.zero + n * step), _distance(n * step))


def _distance(seconds: int) -> str:
    if not seconds:
        return "T"
    sign = "-" if seconds < 0 else "+"
    minutes, rest = divmod(abs(seconds), 60)
    return f"{sign}{minutes}:{rest:02}"
