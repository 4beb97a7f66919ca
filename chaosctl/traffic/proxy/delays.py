"""Why: how long a request or a piece of a stream is held back is the same question."""

from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType
from typing import Protocol

from chaosctl.traffic.proxy.orders import Reader, number, one_of, share

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


class Delay(Protocol):
    """Seconds, and how they vary."""

    @property
    def fixed(self) -> float: ...
    @property
    def jitter(self) -> float: ...
    @property
    def distribution(self) -> str: ...


def drawn(delay: Delay, random: Random) -> float:
    """Seconds of one delay; never negative."""
    spread = DISTRIBUTIONS[delay.distribution](random)
    return min(max(0.0, delay.fixed + delay.jitter * spread), LONGEST_DELAY)


seconds = number(LONGEST_DELAY)

FIELDS: Mapping[str, Reader] = MappingProxyType(
    {"fixed": seconds, "jitter": seconds, "distribution": one_of(*DISTRIBUTIONS), "share": share}
)
