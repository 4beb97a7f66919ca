"""Why: whoever interrupts us wants an end in good order; what that is depends on what is going on.

A run stops safely; what is around it comes after, and must not be killed in between.
"""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Stop = Callable[[str], None]
_listening: list[Stop] = []


@contextmanager
def interrupts(stop: Stop) -> Iterator[None]:
    """Signals call `stop` with a reason instead of ending the process; the innermost block gets them."""
    _listening.append(stop)
    _listen()
    try:
        yield
    finally:
        _listening.remove(stop)
        _listen()


def _listen() -> None:
    running = asyncio.get_running_loop()
    for number in SIGNALS:
        if _listening:
            running.add_signal_handler(number, _listening[-1], f"interrupted ({number.name})")
        else:
            running.remove_signal_handler(number)
