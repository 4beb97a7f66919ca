"""Why: a run writes through one door, which numbers, chains and seals, and shuts when somebody takes over."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from chaosctl.errors import StoreError
from chaosctl.model import Json, Model
from chaosctl.store.chain import BLOCK, Block, Head, Link, Sample, event_link, seal_link
from chaosctl.store.database import Database
from chaosctl.store.readings import Columns, compact
from chaosctl.store.statements import Line, changed
from chaosctl.store.summary import news


class RunJournal:
    """The journal of one run, for its one writer. Raises StoreError."""

    def __init__(self, database: Database, run: str, *, begun: bool = True) -> None:
        self._database = database
        self._claim, self._head = database.claim(run, begun=begun)
        self._block = self._unsealed()
        self._settled = True

    def append(self, event: Model) -> None:
        """Write an event. It is on disk when this returns, and then it is there once.

        When this raises, nothing was written; but where a server went away for long, it may have been. What
        is appended next finds out.
        """
        self._settle()
        body: Json = event.model_dump(mode="json")
        columns = compact(body)
        if columns is None:
            self._write_event(body)
        else:
            self._write_reading(body, columns)

    def close(self) -> None:
        """Seal what is not sealed yet. More may be appended."""
        self._settle()
        if self._block.lines:
            seal = self._seal(self._head, self._block)
            self._write([seal], Head(seal.seq, seal.sha256), Block())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Seal; after an error the next writer does it."""
        if kind is None:
            self.close()

    def _write_event(self, body: Json) -> None:
        rows: list[Line] = []
        head = self._head
        if self._block.lines:
            seal = self._seal(head, self._block)
            rows, head = [seal], Head(seal.seq, seal.sha256)
        link = event_link(self._claim.run, head.seq + 1, head.sha256, body)
        self._write([*rows, link], Head(link.seq, link.sha256), Block(), body)

    def _write_reading(self, body: Json, columns: Columns) -> None:
        seq = self._head.seq + 1
        block = self._block.add(Sample(seq, body))
        rows: list[Line] = [(seq, columns)]
        head = Head(seq, self._head.sha256)
        if len(block.lines) >= BLOCK:
            seal = self._seal(head, block)
            rows.append(seal)
            head, block = Head(seal.seq, seal.sha256), Block()
        self._write(rows, head, block)

    def _seal(self, head: Head, block: Block) -> Link:
        return seal_link(self._claim.run, head.seq + 1, head.sha256, block)

    def _write(self, rows: Sequence[Line], head: Head, block: Block, body: Json | None = None) -> None:
        self._settled = False
        self._database.append(self._claim, (self._head, head), rows, news(body or {}))
        self._head, self._block, self._settled = head, block, True

    def _settle(self) -> None:
        """After an append that failed, see how far the journal really is."""
        if not self._settled:
            self._head = self._database.held(self._claim)
            self._block = self._unsealed()
            self._settled = True

    def _unsealed(self) -> Block:
        """The readings that a writer before us left without a seal: at most a block of them."""
        block, last = Block(), self._head.sha256
        for row in self._database.rows(self._claim.run, max(0, self._head.seq - BLOCK), BLOCK):
            if isinstance(row, Sample):
                block = block.add(row)
            else:
                block, last = Block(), row.sha256
        if last != self._head.sha256:
            raise StoreError(changed(self._claim.run))
        return block
