"""Why: a drill of ten minutes must be tested in a millisecond. So time is an event loop that jumps."""

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")
EPOCH = datetime(2030, 1, 1, tzinfo=UTC)
LONGEST = timedelta(hours=6)  # of one simulation, in virtual time
MANY_TURNS = 20_000  # of the loop, without any time passing


class _Jumping(selectors.DefaultSelector):
    """Instead of waiting, lets the time pass."""

    elapsed = 0.0
    turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("nothing will ever happen")
        self.turns = 0 if timeout else self.turns + 1
        if self.elapsed > LONGEST.total_seconds() or self.turns > MANY_TURNS:
            raise RuntimeError("this never ends")
        self.elapsed += 0 if ready else timeout or 0
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in which a day takes no time."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.elapsed


def in_virtual_time(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` to its end; its sleeps take no time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


class FakeClock:
    """The time of the running loop, as a date."""

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())

    async def sleep_until(self, when: datetime) -> None:
        await asyncio.sleep((when - self.now()).total_seconds())
