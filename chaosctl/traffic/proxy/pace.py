"""Why: a slow line is slow all the time; large pieces with long pauses are something else."""

TICK = 0.1  # seconds of traffic that are sent at once


def step(rate: float) -> int:
    """How many bytes to send at once at a rate in bytes a second."""
    return max(1, int(rate * TICK))
