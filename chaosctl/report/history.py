"""Why: a report needs to know not only what a run came to, but which event made it so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from chaosctl.engine import events
from chaosctl.engine.events import AnyEvent
from chaosctl.engine.evolve import evolve
from chaosctl.engine.state import State, probe_key
from chaosctl.engine.tables import Phase
from chaosctl.errors import Invalid
from chaosctl.model import Json, Reading
from chaosctl.spec import Check, ClockName


class Record(NamedTuple):
    """An event and its number in the journal."""

    seq: int
    event: AnyEvent


class Sample(NamedTuple):
    """One attempt to measure, and the phase of the run it fell into."""

    seq: int
    event: events.Measured
    phase: Phase

    @property
    def reading(self) -> Reading | None:
        return self.event.reading


@dataclass(frozen=True)
class History:
    """A journal, folded. `opening` is the state in which the timeline began, or the last one."""

    records: tuple[Record, ...]
    state: State
    opening: State
    samples: Mapping[str, tuple[Sample, ...]]
    clocks: Mapping[ClockName, int]

    @property
    def start(self) -> datetime:
        return self.records[0].event.at

    @property
    def zero(self) -> datetime:
        """T: the first write, else where the timeline began, else the start."""
        inject = self.state.clocks.get(ClockName.INJECT)
        first = inject.low if inject else None
        applying = [record.event.at for record in self.records if isinstance(record.event, events.Applying)]
        return first or next(iter(applying), self.state.opened_at or self.start)

    def of(self, check: Check) -> tuple[Sample, ...]:
        return self.samples.get(check.name, ())

    def evidence(self, *kinds: type[events.Event], entry: str = "") -> tuple[int, ...]:
        """The numbers of all events of these kinds, of one entry where it is named."""
        return tuple(
            seq
            for seq, event in self.records
            if isinstance(event, kinds) and (not entry or getattr(event, "entry", "") == entry)
        )

    def watchers(self) -> tuple[Check, ...]:
        """For each probe the check that read it most, so that nothing is counted twice."""
        best: dict[str, Check] = {}
        for check in self.state.checks if self.state.script else ():
            key = probe_key(check.probe)
            if self.of(check) and (key not in best or len(self.of(check)) > len(self.of(best[key]))):
                best[key] = check
        return tuple(best.values())


def read(rows: Iterable[tuple[int, Json]]) -> tuple[Record, ...]:
    """Events from a journal's numbered JSON."""
    return tuple(Record(seq, events.parse(event)) for seq, event in rows)


def fold(records: Iterable[Record]) -> History:
    """Fold a journal, whole or not. Raises Invalid when it says nothing at all."""
    records = tuple(records)
    if not records:
        raise Invalid("the journal is empty: there is nothing to report")
    state, opening = State(), None
    samples: dict[str, list[Sample]] = {}
    clocks: dict[ClockName, int] = {}
    for seq, event in records:
        before, state = state, evolve(state, event)
        if isinstance(event, events.Opened):
            opening = before
        if isinstance(event, events.Measured):
            samples.setdefault(event.check, []).append(Sample(seq, event, before.phase))
        clocks |= {name: seq for name, at in state.clocks.items() if before.clocks.get(name) != at}
    kept = {name: tuple(some) for name, some in samples.items()}
    return History(records, state, opening or state, kept, clocks)
