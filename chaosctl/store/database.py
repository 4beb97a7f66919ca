"""Why: whatever the database, a journal is appended to in whole transactions, by one writer, and once.

A writer owns a journal by its epoch: whoever claims the journal next has a higher one, and the writer before
can write no more. A server may go away and come back between two statements; then the transaction is tried
again, and one that had been committed, though we never heard so, is known by the journal's end.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Select, select

from chaosctl.errors import StoreError
from chaosctl.store import statements
from chaosctl.store.backend import Away, backend_of
from chaosctl.store.chain import Head, Row
from chaosctl.store.schema import journals, summaries
from chaosctl.store.statements import Claim, Line
from chaosctl.store.summary import DONE, RunSummary

PATIENCE_S = 6.0  # for a server that starts again
PAUSE_S = 0.1

Found = TypeVar("Found")


class Database:
    """All journals of one place. Every method is one transaction and raises StoreError."""

    def __init__(self, place: Path | str) -> None:
        self._backend = backend_of(place)
        self.place = self._backend.place
        try:
            self._once(self._backend.writing, self._backend.prepare)
        except StoreError:
            self.close()
            raise

    def close(self) -> None:
        self._backend.engine.dispose()

    def claim(self, run: str, *, begun: bool = True) -> tuple[Claim, Head]:
        """Become the journal's one writer. Whoever was it before can append no more."""
        unless_there = self._backend.unless_there
        return self._write(lambda connection: statements.claim(connection, run, unless_there, begun=begun))

    def append(
        self, claim: Claim, heads: tuple[Head, Head], lines: Sequence[Line], news: Mapping[str, str]
    ) -> None:
        """Add rows, all or none, and move the journal's head from the first of `heads` to the second."""
        unless_there = self._backend.unless_there

        def work(connection: Connection) -> None:
            if not statements.move(connection, claim, *heads):
                return  # the commit of a try before, whose answer was lost
            for line in lines:
                statements.add(connection, claim.journal, line, unless_there)
            if news:
                statements.summarise(connection, claim.run, news, unless_there)

        self._write(work)

    def held(self, claim: Claim) -> Head:
        """Where a journal ends that is still ours. Raises Fenced."""
        return self._read(lambda connection: statements.held(connection, claim))

    def rows(self, run: str, after: int, limit: int) -> Sequence[Row]:
        """At most `limit` rows behind row `after`, in order."""
        return self._read(lambda connection: statements.read(connection, run, after, limit))

    def head(self, run: str) -> Head | None:
        query = select(journals.c.seq, journals.c.sha256).where(journals.c.run == run)
        row = self._read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else Head(*row)

    def summaries(self) -> list[RunSummary]:
        """Newest first."""
        query = select(summaries).order_by(summaries.c.started.desc(), summaries.c.id)
        return [RunSummary(*row) for row in self._read(lambda connection: connection.execute(query).all())]

    def unfinished(self) -> list[str]:
        going = select(summaries.c.id).where(summaries.c.phase != DONE)
        return self._names(going.order_by(summaries.c.started, summaries.c.id))

    def summarise(self, run: str, news: Mapping[str, str]) -> None:
        self._write(
            lambda connection: statements.summarise(connection, run, news, self._backend.unless_there)
        )

    def runs(self) -> list[str]:
        """The names of all journals."""
        return self._names(select(journals.c.run).order_by(journals.c.run))

    def _names(self, query: Select[str]) -> list[str]:
        return list(self._read(lambda connection: connection.execute(query).scalars().all()))

    def _write(self, work: Callable[[Connection], Found]) -> Found:
        return self._again(self._backend.writing, work)

    def _read(self, work: Callable[[Connection], Found]) -> Found:
        return self._again(self._backend.reading, work)

    def _again(self, begin: str, work: Callable[[Connection], Found]) -> Found:
        """In a transaction of its own, and in another one where the database went away amid it."""
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self._once(begin, work)
            except Away:
                if time.monotonic() > until:
                    raise
            time.sleep(PAUSE_S)

    def _once(self, begin: str, work: Callable[[Connection], Found]) -> Found:
        with self._backend.translated():
            self._backend.check()
            connecting = self._backend.engine.connect()
            with connecting.execution_options(begin=begin) as connection, connection.begin():
                return work(connection)
