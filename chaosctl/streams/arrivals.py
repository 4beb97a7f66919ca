"""Why: an open-loop workload sends when it is time, whether or not the last answer has come; here is when.

An arrival process is an endless iterator of offsets in seconds from the stream's start.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate, count, repeat
from random import Random
from types import MappingProxyType

from chaosctl.errors import Invalid


def constant(rate_per_s: float, seed: int = 0) -> Iterator[float]:  # noqa: ARG001  nothing here is random
    """Evenly spaced, the first at once."""
    return (number / rate_per_s for number in count())


def poisson(rate_per_s: float, seed: int = 0) -> Iterator[float]:
    """Independent of each other, as many people's requests are: exponential gaps, by the seed."""
    random = Random(seed)  # noqa: S311  repeatable, not secret
    return accumulate(random.expovariate(rate) for rate in repeat(rate_per_s))


PROCESSES: Mapping[str, Callable[[float, int], Iterator[float]]] = MappingProxyType(
    {"constant": constant, "poisson": poisson}
)


def arrivals(process: str, rate_per_s: float, seed: int = 0) -> Iterator[float]:
    """Offsets of the named process. Raises Invalid for an unknown process or a rate that is not above 0."""
    if process not in PROCESSES:
        raise Invalid(f"no arrival process {process!r}; there are {', '.join(PROCESSES)}")
    if not 0 < rate_per_s < float("inf"):
        raise Invalid(f"a rate of {rate_per_s}/s sends nothing; write one above 0")
    return PROCESSES[process](rate_per_s, seed)
