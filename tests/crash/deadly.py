"""Why: a run must be killed at a named position, so everything it does to the outside passes one counter.

A position is (moment, operation, number): before or after the n-th time that a lane does something, or while
a request is on its way: sent, with the answer never heard.
"""

import asyncio
import os
import signal
from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import NamedTuple

from chaosctl.engine.decide import lane

LANE: ContextVar[str] = ContextVar("LANE", default="run")
POLLS = ("check", "listen", "play", "stop")  # lanes that look again and again
POLLED = 1  # how often a polled operation counts
REPEATED = 3


class Position(NamedTuple):
    moment: str
    operation: str
    number: int

    def __str__(self):
        return f"{self.moment} {self.operation} #{self.number}"


@dataclass
class Fate:
    """Counts what happens; dies at one position, or writes all of them down."""

    dies_at: Position | None = None
    seen: list[Position] = field(default_factory=list)
    counts: Counter = field(default_factory=Counter)

    def number(self, operation):
        self.counts[operation] += 1
        return self.counts[operation]

    def reach(self, moment, operation, number):
        position = Position(moment, operation, number)
        self.seen.append(position)
        if position == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class DeadlyJournal:
    """A journal whose writer may die before or after any append."""

    journal: object
    fate: Fate
    phase: str = "steady"

    def append(self, event):
        about = getattr(event, "entry", "") or (self.phase if event.type == "measured" else "")
        operation = f"append {event.type} {about}".strip()
        self.phase = {"opened": "active", "closed": "recovering"}.get(event.type, self.phase)
        number = self.fate.number(operation)
        self.fate.reach("before", operation, number)
        self.journal.append(event)
        self.fate.reach("after", operation, number)

    def __enter__(self):
        self.journal.__enter__()
        return self

    def __exit__(self, *error):
        self.journal.__exit__(*error)


@dataclass
class DeadlyStore:
    """A store whose journals are deadly."""

    store: object
    fate: Fate

    def __getattr__(self, name):
        return getattr(self.store, name)

    def new_journal(self, run):
        return DeadlyJournal(self.store.new_journal(run), self.fate)


class DeadlyCluster:
    """A cluster whose client may die before a call, while it is under way, or after it."""

    def __init__(self, cluster, fate):
        self._cluster = cluster
        self._fate = fate

    def __getattr__(self, name):
        real = getattr(self._cluster, name)
        if name not in ("get", "find", "pods", "ask", "tell", "patch", "create", "delete", "allowed"):
            return real

        async def call(*arguments, **options):
            what = arguments[0] if name != "allowed" else arguments[1]
            dry = "dry-run " if options.get("dry_run") else ""
            operation = f"{LANE.get()}: {dry}{name} {what.kind}"
            number = self._fate.number(operation)
            self._fate.reach("before", operation, number)
            task = asyncio.ensure_future(real(*arguments, **options))
            if ("sent", operation, number) == self._fate.dies_at:
                for _ in range(12):  # turns of the loop: enough for the request to leave
                    await asyncio.sleep(0)
            self._fate.reach("sent", operation, number)
            answer = await task
            self._fate.reach("after", operation, number)
            return answer

        return call


def in_lanes(perform):
    """A performer whose calls are named for the activity that makes them."""

    async def performed(activity, state):
        LANE.set(f"{type(activity).__name__.lower()} {lane(activity).partition(' ')[2]}".strip())
        return await perform(activity, state)

    return performed


def chosen(seen):
    """The positions to die at: polled operations a few times, everything else each time."""
    for position in dict.fromkeys(seen):
        polled = any(word in position.operation for word in ("measure", "listen", "keep", "stop:"))
        measured = position.operation.startswith("append measured")
        most = POLLED if polled or measured else REPEATED if "find" in position.operation else 99
        if position.number <= most:
            yield position
