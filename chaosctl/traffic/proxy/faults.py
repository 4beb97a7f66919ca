"""Why: which request is hurt, and how, follows from a seed and a clock alone, so that it can be repeated.

Nothing here touches a socket; waiting for a switch is all it has of asyncio.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from random import Random
from types import MappingProxyType
from typing import NamedTuple

LONGEST_DELAY = 3600.0
HEAVY_TAIL = 2.0  # Pareto's shape: a mean, but no variance

DISTRIBUTIONS: Mapping[str, Callable[[Random], float]] = MappingProxyType(
    {
        "uniform": lambda random: random.uniform(-1, 1),
        "normal": lambda random: random.gauss(0, 1),
        "exponential": lambda random: random.expovariate(1),
        "pareto": lambda random: random.paretovariate(HEAVY_TAIL) - 1,
    }
)


class Latency(NamedTuple):
    """Seconds that the answer to a share of requests is held back."""

    fixed: float = 0.0
    jitter: float = 0.0
    distribution: str = "uniform"
    share: float = 1.0


class Errors(NamedTuple):
    """A share of requests is answered with this status, and never reaches the model."""

    status: int = 503
    share: float = 1.0


class Disconnect(NamedTuple):
    """A share of requests loses its connection: "reset", or "timeout" (no answer, ever)."""

    how: str = "reset"
    share: float = 1.0


class Fault(NamedTuple):
    """What is done to traffic until the deadline, in seconds since the Unix epoch."""

    deadline: float
    seed: int = 0
    latency: Latency | None = None
    errors: Errors | None = None
    disconnect: Disconnect | None = None


class Harm(NamedTuple):
    """What one request suffers. Of a lost connection and an error, the connection comes first."""

    delay: float = 0.0
    status: int = 0
    disconnect: str = ""


NO_HARM = Harm()


def wall_clock() -> float:
    return time.time()


def boot_clock() -> float:
    """Seconds that no change of the date can turn back, a suspended machine's included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Switchboard:
    """The fault that is on, if any, and how many requests it touched."""

    def __init__(
        self, wall: Callable[[], float] = wall_clock, boot: Callable[[], float] = boot_clock
    ) -> None:
        self.wall = wall
        self.boot = boot
        self.fault: Fault | None = None
        self.until = 0.0
        self.random = Random()  # noqa: S311  seeded by each fault
        self.touched: Counter[str] = Counter()
        self.switched = asyncio.Event()

    def switch(self, fault: Fault | None) -> None:
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
            self.random = Random(fault.seed)  # noqa: S311  repeatable, not secret
            self.touched = Counter(latency=0, errors=0, disconnect=0)
        self.fault = fault
        self.switched.set()
        self.switched = asyncio.Event()

    def seconds_left(self) -> float:
        """Until the fault ends: by the date or by the time passed, whichever says so first."""
        if self.fault is None:
            return 0.0
        return max(0.0, min(self.fault.deadline - self.wall(), self.until - self.boot()))

    def decide(self) -> Harm:
        """What the next request suffers. All dice are cast for each, so that a share moves no other die."""
        left = self.seconds_left()
        if self.fault is None or not left:
            return NO_HARM
        dice = [self.random.random() for _ in range(3)]
        _, _, latency, errors, disconnect = self.fault
        delay = delay_of(latency, self.random) if latency else 0.0
        harm = Harm(
            min(delay, left) if latency and dice[0] < latency.share else 0.0,
            errors.status if errors and dice[1] < errors.share else 0,
            disconnect.how if disconnect and dice[2] < disconnect.share else "",
        )
        return harm._replace(status=0) if harm.disconnect else harm

    def count(self, harm: Harm) -> None:
        """A request has come to this harm."""
        self.touched["latency"] += harm.delay > 0
        self.touched["errors"] += harm.status > 0
        self.touched["disconnect"] += harm.disconnect != ""


def delay_of(latency: Latency, random: Random) -> float:
    spread = DISTRIBUTIONS[latency.distribution](random)
    return min(max(0.0, latency.fixed + latency.jitter * spread), LONGEST_DELAY)


# --- from what people and chaosctl send


def order_from(content: object) -> Fault | None:
    """What to switch to, from JSON; None for an empty object. Raises ValueError with what is wrong."""
    order = an_object(content, "the order", ("fault", "until"))
    if not order:
        return None
    if set(order) != {"fault", "until"}:
        raise ValueError("an order has a fault and until when it lasts, or is empty")
    return fault_from(order["fault"], moment(order["until"]))


def fault_from(content: object, deadline: float) -> Fault:
    body = an_object(content, "the fault", Fault._fields[1:])
    latency = latency_from(body["latency"]) if "latency" in body else None
    errors = errors_from(body["errors"]) if "errors" in body else None
    disconnect = disconnect_from(body["disconnect"]) if "disconnect" in body else None
    if latency is None and errors is None and disconnect is None:
        raise ValueError("the fault has none of latency, errors, disconnect")
    seed = body.get("seed", 0)
    if type(seed) is not int:
        raise ValueError("seed must be a whole number")
    return Fault(deadline, seed, latency, errors, disconnect)


def latency_from(content: object) -> Latency:
    body = an_object(content, "latency", Latency._fields)
    distribution = body.get("distribution", "uniform")
    if distribution not in DISTRIBUTIONS:
        raise ValueError(f"distribution must be one of {', '.join(DISTRIBUTIONS)}")
    fixed = number(body.get("fixed", 0), "latency.fixed", LONGEST_DELAY)
    jitter = number(body.get("jitter", 0), "latency.jitter", LONGEST_DELAY)
    if not fixed and not jitter:
        raise ValueError("latency needs fixed or jitter")
    return Latency(fixed, jitter, str(distribution), number(body.get("share", 1), "latency.share", 1))


def errors_from(content: object) -> Errors:
    body = an_object(content, "errors", Errors._fields)
    status = body.get("status", 503)
    if type(status) is not int or not 400 <= status <= 599:  # noqa: PLR2004  HTTP's errors
        raise ValueError("errors.status must be from 400 to 599")
    return Errors(status, number(body.get("share", 1), "errors.share", 1))


def disconnect_from(content: object) -> Disconnect:
    body = an_object(content, "disconnect", Disconnect._fields)
    how = body.get("how", "reset")
    if how not in ("reset", "timeout"):
        raise ValueError("disconnect.how must be reset or timeout")
    return Disconnect(str(how), number(body.get("share", 1), "disconnect.share", 1))


def an_object(content: object, name: str, fields: tuple[str, ...]) -> dict[str, object]:
    if not isinstance(content, dict):
        raise ValueError(f"{name} must be a JSON object")  # noqa: TRY004  one error for whatever is wrong
    if unknown := sorted(set(content) - set(fields)):
        raise ValueError(f"{name} has no field {str(unknown[0])[:50]!r}; it has {', '.join(fields)}")
    return content


def number(value: object, name: str, largest: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= largest:
        raise ValueError(f"{name} must be a number from 0 to {largest:g}")
    return float(value)


def moment(value: object) -> float:
    """Seconds since the Unix epoch."""
    try:
        read = datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError("until must be a time like 2030-01-01T10:00:00Z") from None
    if read.tzinfo is None:
        raise ValueError("until must name its time zone; write Z for UTC")
    return read.astimezone(UTC).timestamp()
