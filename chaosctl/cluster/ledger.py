"""Why: undo must outlive the process that does the damage. So it lies beside the target, in a ConfigMap.

Rules:

1. The name derives from the target, so that creating the ledger is the mutual exclusion.
2. Every move is a compare-and-set on the ConfigMap's resourceVersion, and follows MOVES.
3. A line is APPLYING before the first write, and CLOSED for good.
4. It carries a code that only the installation's key can make: whoever may write ConfigMaps must not be able
   to have us write anything else.

This file is what a ledger says; reading and writing it is `ledgers.py`.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import JsonValue, ValidationError

from chaosctl.changes import Outcome, look
from chaosctl.cluster.owner import Owner
from chaosctl.cluster.reach import beyond
from chaosctl.errors import Busy, CannotPlan, ClusterError, TooLate
from chaosctl.model import Create, Json, Model, Op, Plan, Ref

LEDGER = "chaosctl.dev/ledger"
RUN = "chaosctl.dev/run"
MANAGED_BY = "app.kubernetes.io/managed-by"
US = "chaosctl"
LATEST = timedelta(minutes=10)  # after a deadline, for a request that was on its way
LARGEST = 900 * 1024  # bytes; the API server takes 1 MiB
LONGEST_NAME = 63


class LineState(StrEnum):
    PLANNED = "planned"
    APPLYING = "applying"
    APPLIED = "applied"
    REVERTING = "reverting"
    CLOSED = "closed"


MOVES: Mapping[LineState, frozenset[LineState]] = {
    LineState.PLANNED: frozenset({LineState.APPLYING, LineState.REVERTING}),
    LineState.APPLYING: frozenset({LineState.APPLIED, LineState.REVERTING}),
    LineState.APPLIED: frozenset({LineState.REVERTING}),
    LineState.REVERTING: frozenset({LineState.CLOSED}),
    LineState.CLOSED: frozenset(),
}


class NotOurs(ClusterError):
    """Another installation wrote the ledger, or another version, or a forger: nobody acts upon it."""


class Ready(Model):
    """A guardian that has checked its own rights to undo a line."""

    name: str
    at: datetime


class Undone(Model):
    """What undoing one step came to, and who put it back, as far as that can be told."""

    outcome: Outcome
    by: str = ""


class Line(Model):
    """One entry's changes; outcomes are in the order of the plan.

    Touched: a write may have been sent. Acknowledged: every write was answered, so none can still arrive.
    `known` are the UIDs of the ReplicaSets that were there before. Tidy: none that we caused is left.
    `objection` is why a guardian could not undo it.
    """

    entry: str
    plan: Plan
    deadline: datetime
    state: LineState = LineState.PLANNED
    ready: Ready | None = None
    objection: str = ""
    touched: bool = False
    acknowledged: bool = False
    known: tuple[str, ...] = ()
    outcomes: tuple[Undone, ...] = ()
    tidy: bool = False

    @property
    def is_open(self) -> bool:
        return self.state is not LineState.CLOSED

    def creates(self) -> tuple[Create, ...]:
        return tuple(step for step in self.plan if isinstance(step, Create))


class Leftover(Model):
    """Something whose creation was never answered, and may arrive until then."""

    run: str
    create: Create
    until: datetime


class Ledger(Model):
    """A run's lines. Held: the run is going on, though no line may be open at the moment.

    `guardian` is one that stands for this run alone. `journalled` is when the outcomes were safe in the run's
    journal. A dying one is about to be deleted.
    """

    run: str
    owner: Owner | None = None
    guardian: Ready | None = None
    held_until: datetime | None = None
    lines: tuple[Line, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    closed: datetime | None = None
    journalled: datetime | None = None
    dying: bool = False

    @property
    def open_lines(self) -> list[Line]:
        return [line for line in self.lines if line.is_open]

    @property
    def is_open(self) -> bool:
        return bool(self.open_lines) or self.held_until is not None

    def line(self, entry: str) -> Line | None:
        return next((line for line in self.lines if line.entry == entry), None)

    def with_line(self, new: Line) -> "Ledger":
        """The ledger with the line, in its old place where it had one."""
        if self.line(new.entry) is None:
            return self.having(lines=(*self.lines, new))
        return self.having(lines=tuple(new if line.entry == new.entry else line for line in self.lines))

    def having(self, **fields: object) -> "Ledger":
        return self.model_copy(update=fields)

    @property
    def unanswered(self) -> list[Line]:
        """Closed lines with a write that was never answered, and so may still arrive."""
        return [line for line in self.lines if line.touched and not (line.is_open or line.acknowledged)]

    def late(self) -> tuple[Leftover, ...]:
        """Creations that may still arrive, though they were undone."""
        mine = [
            Leftover(run=self.run, create=create, until=line.deadline + LATEST)
            for line in self.unanswered
            for create in line.creates()
        ]
        return (*self.leftovers, *mine)


def ledger_of(target: Ref) -> Ref:
    """Where the ledger of a target lies."""
    name = f"chaosctl-{target.kind}-{target.name}".lower()
    if len(name) > LONGEST_NAME:
        digest = hashlib.sha256(name.encode()).hexdigest()[:10]
        name = f"{name[: LONGEST_NAME - len(digest) - 1].rstrip('-.')}-{digest}"
    return Ref(kind="ConfigMap", namespace=target.namespace, name=name)


def claimed(ledger: Ledger, run: str, owner: Owner, until: datetime, now: datetime) -> Ledger:
    """The ledger, held by a run. Raises Busy."""
    _free_for(ledger, run, now)
    mine = ledger if ledger.run == run else _taken_over(ledger, run, now)
    return mine.having(owner=owner, held_until=until)


def entered(ledger: Ledger, run: str, line: Line, now: datetime) -> Ledger:
    """The ledger with a new line. Raises Busy, TooLate."""
    _free_for(ledger, run, now)
    if ledger.run != run:
        return _taken_over(ledger, run, now).with_line(line)
    present = ledger.line(line.entry)
    if present and present.state is not LineState.PLANNED:
        raise TooLate(f"{line.entry}: already {present.state} in the ledger")
    return ledger if present else ledger.with_line(line)


def moved(ledger: Ledger, entry: str, to: LineState, fields: Mapping[str, object]) -> Ledger:
    """The ledger with the line moved; where it is already, it stays. Raises TooLate."""
    line = ledger.line(entry)
    if line is None or line.state is to:
        return ledger
    if to not in MOVES[line.state]:
        raise TooLate(f"{entry}: {line.state} in the ledger, cannot become {to}")
    return ledger.with_line(line.model_copy(update={"state": to, **fields}))


def body_of(where: Ref, ledger: Ledger, key: bytes) -> Json:
    """The ConfigMap. Raises CannotPlan."""
    metadata: Json = {"name": where.name, "namespace": where.namespace, "labels": _labels(ledger)}
    return {"apiVersion": "v1", "kind": where.kind, "metadata": metadata, "data": _data(where, ledger, key)}


def rewriting(where: Ref, ledger: Ledger, key: bytes) -> tuple[Op, ...]:
    """What makes an existing ConfigMap hold the ledger. Raises CannotPlan."""
    data = Op(op="replace", path="/data", value=_data(where, ledger, key))
    return (data, Op(op="replace", path="/metadata/labels", value=_labels(ledger)))


def parse(where: Ref, seen: Json, key: bytes) -> Ledger:
    """What a ConfigMap says. Raises NotOurs when another installation wrote it, or another version."""
    text, code = str(look(seen, "/data/ledger")), str(look(seen, "/data/mac"))
    if not hmac.compare_digest(_code(where, text, key).encode(), code.encode()):
        raise NotOurs(
            f"{where}: it was not written with this installation's key, so nothing is done about it. "
            "Recover it with the installation that wrote it, or delete it if nobody knows it"
        )
    try:
        ledger = Ledger.model_validate_json(text)
    except ValidationError as error:
        raise NotOurs(
            f"{where}: another version of chaosctl wrote it, so nothing is done about it; "
            "`chaosctl recover` of that version undoes it"
        ) from error
    for line in ledger.lines:
        if why := beyond(where, line.plan):
            raise NotOurs(f"{where}: {line.entry}: {why}; so nothing is done about it")
    return ledger


def _free_for(ledger: Ledger, run: str, now: datetime) -> None:
    held = ledger.held_until is not None and now < ledger.held_until
    if ledger.run != run and (ledger.open_lines or held):
        raise Busy(f"run {ledger.run} holds the target; wait for its end, or `chaosctl recover` if it died")


def _taken_over(ledger: Ledger, run: str, now: datetime) -> Ledger:
    return Ledger(run=run, leftovers=tuple(late for late in ledger.late() if now < late.until))


def _labels(ledger: Ledger) -> dict[str, JsonValue]:
    return {LEDGER: "open" if ledger.is_open else "closed", RUN: ledger.run, MANAGED_BY: US}


def _data(where: Ref, ledger: Ledger, key: bytes) -> dict[str, JsonValue]:
    text = ledger.model_dump_json()
    if len(text) > LARGEST:
        raise CannotPlan(f"{where}: the changes need {len(text)} bytes of undo data; {LARGEST} are the most")
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"ledger": text, "sha256": digest, "mac": _code(where, text, key)}


def _code(where: Ref, text: str, key: bytes) -> str:
    message = f"{where.namespace}/{where.name}\n{text}"
    return hmac.new(key, message.encode(), "sha256").hexdigest()
