"""Why: people read an incident as a list of moments; facts and what clocks tell stand in one order."""

from collections.abc import Iterator

from chaosctl.engine import events
from chaosctl.engine.clocks import credited
from chaosctl.report.document import Moment
from chaosctl.report.history import History
from chaosctl.report.text import clean, offset
from chaosctl.report.words import CLOCKS, tell


def timeline(history: History) -> tuple[Moment, ...]:
    """Events and clocks by time; readings are left to the charts."""
    moments = [*_events(history), *_clocks(history)]
    return tuple(sorted(moments, key=lambda moment: (moment.at, moment.seq)))


def _events(history: History) -> Iterator[Moment]:
    for seq, event in history.records:
        told = tell(event, history.state.plot)
        at = event.when if isinstance(event, events.Noticed) else event.at
        if told:
            yield Moment(at, offset(at - history.zero), clean(told.lane), clean(told.text), seq)


def _clocks(history: History) -> Iterator[Moment]:
    for name, seq in history.clocks.items():
        at = credited(history.state, name)
        if at:
            yield Moment(at.low, offset(at.low - history.zero), "clock", f"{name}: {CLOCKS[name]}", seq)
