"""Why: an open-loop workload sends when it is time, whether or not the last answer has come; here is when.

An arrival process is an iterator of offsets in seconds from the stream's start, endless unless it comes down
to 0/s. The same seed gives the same ones. Rates that change follow the thinning of Lewis & Shedler (Naval
Research Logistics 26(3), 1979): points of the largest rate, each kept with the probability of its own moment.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, count, repeat
from random import Random

from chaosctl.spec.arrivals import Arrival, Constant, Gamma, Mmpp, Poisson, Ramp, Sine, Step, Trace
from chaosctl.streams.trace import replayed

RateAt = Callable[[float], float]


def arrivals(process: Arrival, seed: int = 0, trace: Sequence[float] = ()) -> Iterator[float]:
    """Offsets of a process, in order. `trace`: those in the file that a process names."""
    random = Random(seed)  # noqa: S311  repeatable, not secret
    match process:
        case Constant():
            return (number / process.rate for number in count())
        case Poisson():
            return _poisson(process.rate, random)
        case Gamma():
            return _gamma(process, random)
        case Mmpp():
            return _mmpp(process, random)
        case Step():
            return _steps(process, random)
        case Ramp():
            return _ramp(process, random)
        case Trace():
            return replayed(trace, process, random)
        case Sine():
            return _thinned(_sine(process), process.rate + process.amplitude, math.inf, random)


def _poisson(rate: float, random: Random, start: float = 0.0) -> Iterator[float]:
    gaps = (random.expovariate(each) for each in repeat(rate))
    return accumulate(gaps, initial=start + next(gaps))


def _gamma(process: Gamma, random: Random) -> Iterator[float]:
    """Gaps of a gamma distribution: their squared coefficient of variation is the index of dispersion."""
    shape, scale = 1 / process.burstiness, process.burstiness / process.rate
    gaps = (random.gammavariate(shape, each) for each in repeat(scale))
    return accumulate(gaps, initial=next(gaps))


def _mmpp(process: Mmpp, random: Random) -> Iterator[float]:
    """It starts in a state as an observer would find it, at any time."""
    state = 0 if random.random() < process.share else 1
    start = 0.0
    while True:
        end = start + random.expovariate(1 / process.dwells[state].total_seconds())
        yield from _within(start, end, process.rates[state], random)
        start, state = end, 1 - state


def _within(start: float, end: float, rate: float, random: Random) -> Iterator[float]:
    if not rate:
        return
    for offset in _poisson(rate, random, start):
        if offset >= end:  # an exponential gap has no memory, so a new one may begin at the border
            return
        yield offset


def _thinned(rate_at: RateAt, largest: float, end: float, random: Random) -> Iterator[float]:
    points = _within(0.0, end, largest, random)
    return (offset for offset in points if random.random() * largest < rate_at(offset))


def _steps(process: Step, random: Random) -> Iterator[float]:
    start = 0.0
    for one in process.steps[:-1]:
        yield from _within(start, start + one.lasting.total_seconds(), one.rate, random)
        start += one.lasting.total_seconds()
    yield from _within(start, math.inf, process.steps[-1].rate, random)


def _ramp(process: Ramp, random: Random) -> Iterator[float]:
    length, rise = process.over.total_seconds(), process.to - process.begin
    largest = max(process.begin, process.to)
    yield from _thinned(lambda offset: process.begin + rise * offset / length, largest, length, random)
    yield from _within(length, math.inf, process.to, random)


def _sine(process: Sine) -> RateAt:
    turn = 2 * math.pi / process.period.total_seconds()
    return lambda offset: process.rate + process.amplitude * math.sin(turn * offset)
