"""Why: one picture on one time axis shows cause and effect: what we did, who reacted, what users felt."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from chaosctl.engine import events
from chaosctl.engine.clocks import credited
from chaosctl.engine.state import Life
from chaosctl.model import Counts, Reading
from chaosctl.report.document import Bar, Chart, Figure, Lane, Mark, Point
from chaosctl.report.history import History
from chaosctl.report.text import bounds, clean, length, listed, plural, quantity, time_of_day
from chaosctl.report.words import CLOCKS, fault, label
from chaosctl.spec import Check

MOST_CHARTS = 5
ORDER = ("replicas", "", "share", "seconds")  # from what the cluster does to what users feel
LABEL = 0.085  # of the axis: the room that a mark's label takes
ROLLOUT = "revision"


def figure(history: History) -> Figure | None:
    """The picture of a run; None when it was over before anything could be drawn."""
    span = (history.state.at - history.start).total_seconds()
    if span <= 0 or not history.state.lives:
        return None
    charts = tuple(_chart(history, check) for check in _charted(history))
    return Figure(
        seconds=span,
        zero=_at(history, history.zero),
        lanes=(*_entries(history), *_others(history)),
        clocks=_apart(_clocks(history), span),
        charts=charts,
        description=_description(history, charts),
    )


def _at(history: History, when: datetime) -> float:
    return (when - history.start).total_seconds()


def _entries(history: History) -> Iterator[Lane]:
    for entry in history.state.plot.entries:
        bars = tuple(_bars(history, history.state.lives[entry.id], fault(entry.fault)))
        if bars:
            yield Lane(clean(entry.id), bars)


def _bars(history: History, life: Life, what: str) -> Iterator[Bar]:
    """Injecting, held, reverting: each as far as it came."""
    ends = (life.applying_at, life.applied_at, life.reverting_at, life.over_at)
    for kind, start, *later in (
        ("injecting", ends[0], *ends[1:]),
        ("held", ends[1], *ends[2:]),
        ("reverting", ends[2], *ends[3:]),
    ):
        if start is not None:
            end = next((when for when in later if when), history.state.at)
            yield Bar(
                _at(history, start), _at(history, end), kind, f"{what}: {kind} for {length(end - start)}"
            )


def _others(history: History) -> Iterator[Lane]:
    """Everybody who noticed or restored something, a lane each."""
    marks: dict[str, list[Mark]] = {}
    for _, event in history.records:
        if isinstance(event, events.Noticed):
            mark = Mark(_at(history, event.when), "noticed", clean(event.what))
            marks.setdefault(clean(event.by), []).append(mark)
        if isinstance(event, events.Restored):
            mark = Mark(_at(history, event.at), "restored", f"put back what {clean(event.entry)} changed")
            marks.setdefault(clean(event.by), []).append(mark)
    span = _at(history, history.state.at)
    for name, some in marks.items():
        yield Lane(name, marks=_apart(some, span))


def _clocks(history: History) -> Iterator[Mark]:
    for name in history.state.clocks:
        at = credited(history.state, name)
        if at:
            yield Mark(_at(history, at.low), name, f"{CLOCKS[name]}, {time_of_day(at.low)}")


def _apart(marks: Iterable[Mark], span: float) -> tuple[Mark, ...]:
    """Marks in rows, so that no label covers another."""
    placed: list[Mark] = []
    for mark in sorted(marks, key=lambda mark: mark.at):
        taken = {other.row for other in placed if mark.at - other.at < LABEL * span}
        placed.append(mark._replace(row=min(set(range(len(placed) + 1)) - taken)))
    return tuple(placed)


def _charted(history: History) -> list[Check]:
    """Rollout first, then what users felt."""

    def rank(check: Check) -> tuple[bool, int]:
        kind = (check.probe or {}).get("kind")
        return kind != ROLLOUT, ORDER.index(check.unit) if check.unit in ORDER else 1

    return sorted(history.watchers(), key=rank)[:MOST_CHARTS]


def _chart(history: History, check: Check) -> Chart:
    points = tuple(
        Point(_at(history, reading.start), _at(history, reading.end), reading.value)
        if (reading := sample.reading)
        else Point(_at(history, sample.event.at), _at(history, sample.event.at), None)
        for sample in history.of(check)
    )
    bound = check.holds.max if check.holds.min is None else check.holds.min
    if bound is not None and check.holds.from_steady:
        bound += history.state.steady_value(check)
    values = [point.value for point in points if point.value is not None] + ([] if bound is None else [bound])
    rising = _rising(history, check)
    low, high = _range(values, check.unit, rising=rising)
    return Chart(
        label=clean(label(check)),
        low=low,
        high=high,
        low_text=quantity(low, check.unit),
        high_text=quantity(high, check.unit),
        bound=bound,
        bound_text=bounds(check.holds, check.unit),
        points=points,
        filled_from=_filled_from(check, rising=rising),
    )


def _rising(history: History, check: Check) -> bool:
    """Whether the chart shows something bad that rises from nothing."""
    readings: list[Reading] = [sample.reading for sample in history.of(check) if sample.reading]
    return any(isinstance(reading, Counts) and not reading.complement for reading in readings)


def _filled_from(check: Check, *, rising: bool) -> str:
    if rising:
        return "bottom"
    return "top" if check.unit == "share" else ""


def _range(values: list[float], unit: str, *, rising: bool) -> tuple[float, float]:
    """The axis: from nothing to the highest value or bound; good shares are shown from below."""
    if unit == "share" and not rising:
        return min([*values, 0.9]), 1.0
    return min(0.0, *values), max(values, default=0.0) or 1.0


def _description(history: History, charts: tuple[Chart, ...]) -> str:
    shown = f"charts of {listed(chart.label for chart in charts)}" if charts else "no readings"
    entries = plural(len(history.state.plot.entries), "entry")
    span = length(history.state.at - history.start)
    return f"{entries} over {span}, with everybody who reacted, the clocks of the incident, and {shown}."
