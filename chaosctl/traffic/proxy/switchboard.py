"""Why: a fault ends at its deadline by itself, whoever switched it on and whoever has died since.

Nothing here touches a socket; waiting for a switch is all it has of asyncio.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Generic, Protocol, TypeVar

LOOK_AGAIN = 1.0  # seconds until the clocks are asked again whether a fault has ended


class Timed(Protocol):
    """What every fault has."""

    @property
    def deadline(self) -> float: ...
    @property
    def seed(self) -> int: ...


F = TypeVar("F", bound=Timed)


def wall_clock() -> float:
    return time.time()


def boot_clock() -> float:
    """Seconds that no change of the date can turn back, a suspended machine's included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Switchboard(ABC, Generic[F]):
    """The fault that is on, if any, and how much of the traffic it touched."""

    parts: tuple[str, ...] = ()
    """What a fault may consist of, as orders name it."""

    def __init__(
        self, wall: Callable[[], float] = wall_clock, boot: Callable[[], float] = boot_clock
    ) -> None:
        self.wall = wall
        self.boot = boot
        self.fault: F | None = None
        self.until = 0.0
        self.over = False  # whoever waits for the end of the fault was told of it
        self.dice: dict[str, Random] = {}
        self.touched: Counter[str] = Counter()
        self.switched = asyncio.Event()

    @staticmethod
    @abstractmethod
    def read(content: object) -> "F | None":
        """The fault that an order in JSON asks for; None for an empty one. Raises ValueError."""

    def switch(self, fault: F | None) -> None:
        """Put a fault in the place of the present one; None is transparent.

        Raises ValueError where its deadline has passed. What was touched is counted anew for every fault,
        kept when one is switched off, and when the same one is sent again (the first reply may be lost).
        """
        if fault is not None and fault == self.fault and self.seconds_left():
            return
        if fault is not None:
            left = fault.deadline - self.wall()
            if left <= 0:
                raise ValueError("the deadline has passed")
            self.until = self.boot() + left
            # Every part has dice of its own, so that none moves another's; repeatable, not secret.
            self.dice = {name: Random(f"{fault.seed} {name}") for name in (*self.parts, "jitter")}  # noqa: S311
            self.touched = Counter(dict.fromkeys(self.parts, 0))
        self.fault = fault
        self.over = fault is None
        self.tell()

    def tell(self) -> None:
        """Wake whoever waits for the end of this fault."""
        self.switched.set()
        self.switched = asyncio.Event()

    def count(self, part: str) -> None:
        """Some of the traffic has come to this harm."""
        self.touched[part] += 1

    def seconds_left(self) -> float:
        """Until the fault ends: by the date or by the time passed, whichever says so first."""
        if self.fault is None:
            return 0.0
        return max(0.0, min(self.fault.deadline - self.wall(), self.until - self.boot()))

    async def watch(self, changed: Callable[[], None]) -> None:
        """Call `changed` at every switch and at every deadline, for ever."""
        while True:
            left = self.seconds_left()
            if not left and not self.over:
                self.over = True
                self.tell()
            changed()
            await outlast(self.switched, min(left, LOOK_AGAIN) if left else None)


async def outlast(event: asyncio.Event, seconds: float | None) -> None:
    """Wait so long, but no longer than for the event; None waits for the event alone."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
