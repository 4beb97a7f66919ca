"""Why: a slow line is slow all the time; large pieces with long pauses are something else."""

from collections.abc import Iterator

TICK = 0.1  # seconds of traffic that are sent at once


def step(rate: float) -> int:
    """How many bytes to send at once at a rate in bytes a second."""
    return max(1, int(rate * TICK))


def cut(data: bytes, rate: float) -> Iterator[bytes]:
    """Pieces to send at a rate; one piece where it is 0, which is no limit."""
    size = step(rate) if rate else len(data)
    for start in range(0, len(data), size or 1):
        yield data[start : start + size]
