"""Why: one page must be enough to check our hash chain by hand, or to write another program that checks it.

Every row of a journal has a number, 1, 2, 3, …; a row is a link or a reading.

* A link is RFC 8785 canonical JSON: `{event, prev, run, seq}` for an event, or
  `{prev, run, sealed: {from_seq, sha256, to_seq}, seq}` for a block of readings. `prev` is the SHA-256 of the
  link before; before the first one it is the SHA-256 of the format's name, a line feed and the run's name.
* A reading is canonical JSON too: `{event, seq}`. A seal holds the SHA-256 of its readings' lines, each ended
  by a line feed, and covers exactly the readings since the link before.

Readings that no seal covers may stand at the end only; they are not protected yet.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple, cast

import rfc8785

from chaosctl.errors import StoreError
from chaosctl.model import Json

FORMAT = "chaosctl.journal/1"
BLOCK = 64  # readings that one seal covers at most: what an unsealed end can lose


class Link(NamedTuple):
    """A row of the chain. `sha256` is empty where only the text was kept."""

    seq: int
    text: str
    sha256: str = ""


class Sample(NamedTuple):
    """A reading's row."""

    seq: int
    event: Json


Row = Link | Sample


class Head(NamedTuple):
    """Where a journal ends: its last row's number and its last link's hash."""

    seq: int
    sha256: str


class Proof(NamedTuple):
    """What a check of a journal found. `fault` is the first wrong row, empty where nothing is wrong.

    `unsealed` readings at the end are there, but not protected yet.
    """

    run: str
    links: int
    readings: int
    unsealed: int
    head: str
    fault: str = ""

    @property
    def intact(self) -> bool:
        return not self.fault


def canonical(value: Json) -> str:
    """The one way to write this value (RFC 8785). Raises StoreError for what JSON cannot say."""
    try:
        return rfc8785.dumps(value).decode()
    except (rfc8785.CanonicalizationError, UnicodeError) as error:
        raise StoreError(f"an event cannot be written as JSON: {error}") from error


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def genesis(run: str) -> str:
    """What the first link names as its predecessor."""
    return digest(f"{FORMAT}\n{run}")


def event_link(run: str, seq: int, prev: str, event: Json) -> Link:
    return _link(run, seq, prev, {"event": event})


def seal_link(run: str, seq: int, prev: str, block: "Block") -> Link:
    sealed: Json = {"from_seq": block.first, "to_seq": block.last, "sha256": block.sha256}
    return _link(run, seq, prev, {"sealed": sealed})


def line(sample: Sample) -> str:
    """A reading as it enters its seal."""
    return canonical({"seq": sample.seq, "event": sample.event}) + "\n"


def event_of(link: Link) -> Json | None:
    """The event that a link carries, None for a seal."""
    return cast("Json | None", json.loads(link.text).get("event"))


@dataclass(frozen=True)
class Block:
    """Readings that wait for their seal."""

    lines: tuple[str, ...] = ()
    first: int = 0
    last: int = 0

    def add(self, sample: Sample) -> "Block":
        return Block((*self.lines, line(sample)), self.first or sample.seq, sample.seq)

    @property
    def sha256(self) -> str:
        return digest("".join(self.lines))


def check(run: str, rows: Iterable[Row], head: Head) -> Proof:
    """Recompute a journal's hashes and seals, and compare its end with `head`."""
    walk = _Walk(run, genesis(run))
    fault = next((found for row in rows if (found := walk.step(row))), "") or walk.end(head)
    return Proof(run, walk.links, walk.readings, len(walk.block.lines), walk.prev, fault)


@dataclass
class _Walk:
    """The state of a check between two rows."""

    run: str
    prev: str
    seq: int = 0
    links: int = 0
    readings: int = 0
    block: Block = field(default_factory=Block)

    def step(self, row: Row) -> str:
        """What is wrong with the next row, if anything is."""
        self.seq += 1
        if row.seq != self.seq:
            return f"row {self.seq} is missing: row {row.seq} stands in its place"
        return self._sample(row) if isinstance(row, Sample) else self._linked(row)

    def end(self, head: Head) -> str:
        if self.seq != head.seq:
            return f"the journal ends at row {self.seq} but once had {head.seq} rows: its end was cut off"
        if self.prev != head.sha256:
            return f"row {self.seq}: the last hash is {self.prev[:12]}…, recorded was {head.sha256[:12]}…"
        return ""

    def _sample(self, sample: Sample) -> str:
        self.readings += 1
        self.block = self.block.add(sample)
        return ""

    def _linked(self, link: Link) -> str:
        self.links += 1
        fault = self._content(link)
        self.prev, self.block = digest(link.text), Block()
        return fault

    def _content(self, link: Link) -> str:
        if link.sha256 and digest(link.text) != link.sha256:
            return f"row {link.seq}: its content does not match its hash"
        body = _parsed(link.text)
        if (body.get("run"), body.get("seq"), body.get("prev")) != (self.run, self.seq, self.prev):
            return f"row {link.seq}: it does not follow the row before it"
        return self._sealed(link, body.get("sealed"))

    def _sealed(self, link: Link, seal: object) -> str:
        block = self.block
        if seal is None:
            unsealed = f"row {link.seq}: the readings before it (from row {block.first}) are not sealed"
            return unsealed if block.lines else ""
        if seal == {"from_seq": block.first, "to_seq": block.last, "sha256": block.sha256}:
            return ""
        return f"rows {block.first} to {block.last}: these readings do not match their seal at row {link.seq}"


def _link(run: str, seq: int, prev: str, body: Json) -> Link:
    text = canonical({"run": run, "seq": seq, "prev": prev, **body})
    return Link(seq, text, digest(text))


def _parsed(text: str) -> Json:
    try:
        body = json.loads(text)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
