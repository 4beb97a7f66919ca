"""Why: whoever wants to know what happened asks one thing, and need not know how it is kept."""

from collections.abc import Iterator
from math import inf
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from chaosctl.errors import Invalid, StoreError
from chaosctl.model import Json
from chaosctl.store import bundle, chain
from chaosctl.store.chain import Head, Link, Proof, Row
from chaosctl.store.database import Database
from chaosctl.store.journal import RunJournal
from chaosctl.store.summary import RunSummary, news

PAGE = 500  # rows read in one transaction


class Record(NamedTuple):
    """An event and its number in the journal, by which evidence names it."""

    seq: int
    event: Json


class Store:
    """All journals of one installation. Every method raises StoreError.

    They lie in an SQLite file, where the place is a Path, or in a database that several processes may share,
    where it is a `postgresql://` URL. Use it as a context manager, or open and close it.
    """

    def __init__(self, place: Path | str) -> None:
        self._place = place
        self._open: Database | None = None

    def open(self) -> Self:
        """Open the store; make a file, its folder, or the tables where there are none."""
        self._open = self._open or Database(self._place)
        return self

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def journal(self, run: str) -> RunJournal:
        """Become the one writer of a run's journal; who was it before can append no more."""
        return RunJournal(self._database, run)

    def new_journal(self, run: str) -> RunJournal:
        """The same, of a journal that nobody has written to. Raises Fenced where somebody has."""
        return RunJournal(self._database, run, begun=False)

    def records(self, run: str, after: int = 0) -> Iterator[Record]:
        """The events behind row `after`, in order, with their numbers. The store's own seals are left out."""
        for row in self._rows(run, after):
            event = chain.event_of(row) if isinstance(row, Link) else row.event
            if event is not None:
                yield Record(row.seq, event)

    def events(self, run: str) -> Iterator[Json]:
        """The events of a run, in order."""
        return (record.event for record in self.records(run))

    def runs(self) -> list[RunSummary]:
        """All runs that have started or were refused, newest first."""
        return self._database.summaries()

    def unfinished(self) -> list[str]:
        """The names of runs that have started and not ended, oldest first."""
        return self._database.unfinished()

    def known(self, run: str) -> bool:
        """Whether anything was ever written to this run's journal."""
        head = self._database.head(run)
        return head is not None and head.seq > 0

    def find(self, prefix: str) -> str:
        """The one run whose name begins so. Raises Invalid for none and for several."""
        runs = [run.id for run in self.runs()]
        found = [prefix] if prefix in runs else [run for run in runs if run.startswith(prefix)]
        if not found:
            raise Invalid(f"no run begins with {prefix!r}: chaosctl runs lists them")
        if len(found) > 1:
            raise Invalid(f"{prefix!r} may be {', '.join(sorted(found))}: write more of it")
        return found[0]

    def conclude(self, run: str, verdict: str) -> None:
        """Note the verdict for the list of runs. The journal remains what decides it."""
        self._database.summarise(run, {"verdict": verdict})

    def rebuild(self) -> None:
        """Derive the list of runs anew from the journals. Verdicts are noted again by whoever judges."""
        for run in self._database.runs():
            for event in self.events(run):
                if changes := news(event):
                    self._database.summarise(run, changes)

    def verify(self, run: str) -> Proof:
        """Recompute a journal's chain and seals; the proof names the first wrong row.

        What its writer appends meanwhile is left out.
        """
        head = self._head(run)
        proof = chain.check(run, self._rows(run, until=head.seq), head)
        beyond = self._database.rows(run, head.seq, 1)
        if proof.intact and beyond and self._head(run) == head:
            return proof._replace(fault=f"row {beyond[0].seq}: it stands behind the journal's end")
        return proof

    def export(self, run: str, path: Path) -> None:
        """Write the run's evidence into one file, the same bytes every time."""
        head = self._head(run)
        bundle.write(bundle.Bundle.of(run, self._rows(run, until=head.seq), head), path)

    def _head(self, run: str) -> Head:
        head = self._database.head(run)
        if head is None:
            raise StoreError(f"{self._database.place} has no run {run!r}")
        return head

    def _rows(self, run: str, after: int = 0, until: float = inf) -> Iterator[Row]:
        """In pages, so that no transaction stays open between them."""
        while page := self._database.rows(run, after, PAGE):
            yield from (row for row in page if row.seq <= until)
            after = page[-1].seq
            if after >= until:
                return

    @property
    def _database(self) -> Database:
        if self._open is None:
            raise StoreError("the store is closed")
        return self._open
