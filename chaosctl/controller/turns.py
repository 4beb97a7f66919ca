"""Why: two runs on one target would judge each other's faults. So one runs, and the others wait in order."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from chaosctl.model import Ref

AT_ONCE = 10  # runs of one controller; each keeps what its workload saw in memory


class Ticket(NamedTuple):
    """A place in the queue: by when the Run was created, then by when we heard of it.

    What goes on already was never created anew: it comes first, and is not counted out.
    """

    created: str
    number: int
    target: Ref
    name: str


@dataclass
class Turns:
    """Who runs on which target, and who waits for it."""

    at_once: int = AT_ONCE
    _waiting: list[Ticket] = field(default_factory=list)
    _going: dict[Ref, Ticket] = field(default_factory=dict)
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def ahead(self, ticket: Ticket) -> str:
        """What a ticket waits for, in words; "" when it is its turn."""
        before = [one for one in self._waiting if one.target == ticket.target and one < ticket]
        if ticket.target in self._going:
            return f"waiting for {self._going[ticket.target].name}, which runs on the same target"
        if before:
            return f"waiting for {min(before).name}, which was created before it"
        if ticket.created and len(self._going) >= self.at_once:
            return f"waiting, as {self.at_once} runs are going on"
        return ""

    @asynccontextmanager
    async def turn(
        self, ticket: Ticket, given_up: Callable[[], bool], say: Callable[[str], None]
    ) -> AsyncIterator[bool]:
        """Wait for one's turn, and have it for as long as this block; False where it was given up."""
        self._waiting.append(ticket)
        try:
            while (why := self.ahead(ticket)) and not given_up():
                say(why)
                await self._moved.wait()
            if not why:
                self._going[ticket.target] = ticket
        finally:
            self._waiting.remove(ticket)
            self.look_again()
        try:
            yield not why
        finally:
            if self._going.get(ticket.target) == ticket:
                del self._going[ticket.target]
            self.look_again()

    def look_again(self) -> None:
        """Whoever waits looks whether it still must."""
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()
