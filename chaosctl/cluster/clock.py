"""Why: deadlines must not depend on the clock of the machine that injects. So time is the API server's.

Every answer carries a `Date`, to the second: when it was written, after we sent and before we received. Each
narrows the interval in which the offset between that date and our boot-time clock lies. The boot-time clock
goes on while the machine sleeps, and nobody sets it.
"""

import asyncio
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

NAP = 0.25  # seconds: how late one may notice that the machine was suspended, or that the offset moved
RESOLUTION = 1.0  # seconds, of a `Date`


def boot_time() -> float:
    """Seconds since the machine started, suspended ones among them."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


@dataclass
class ServerClock:
    """The API server's time, as far as its answers tell; this machine's before the first answer."""

    boot: Callable[[], float] = boot_time
    low: float = -math.inf
    high: float = math.inf
    _fallback: float = field(init=False)
    _last: float = field(default=-math.inf, init=False)

    def __post_init__(self) -> None:
        self._fallback = datetime.now(UTC).timestamp() - self.boot()

    def heard(self, date: datetime, sent: float, received: float) -> None:
        """An answer dated `date` came at `received` to a request of `sent`, both in boot time."""
        low = date.timestamp() - received
        high = date.timestamp() + RESOLUTION - sent
        narrower = max(self.low, low), min(self.high, high)
        # The server's clock was set meanwhile: then what was known before is worth nothing.
        self.low, self.high = narrower if narrower[0] <= narrower[1] else (low, high)

    @property
    def offset(self) -> float:
        """Seconds from boot time to the server's time: as this machine thinks, where that is possible."""
        if math.isinf(self.low):
            return self._fallback
        return min(max(self._fallback, self.low), self.high)

    def now(self) -> datetime:
        """Does not go back when an answer narrows the interval; only when the server's clock was set back."""
        found = self.boot() + self.offset
        went_back = 0 < self._last - found < 2 * RESOLUTION
        self._last = self._last if went_back else found
        return datetime.fromtimestamp(self._last, UTC)

    async def sleep_until(self, when: datetime) -> None:
        """Return when it is time, however long the machine was suspended meanwhile."""
        left = (when - self.now()).total_seconds()
        while left > 0:
            await asyncio.sleep(min(left, NAP))
            left = (when - self.now()).total_seconds()
