"""Why: a busy API server says for how long, and has done nothing. So whoever still may asks again.

Whoever may not act after some moment (a controller that no longer leads) waits outside of the check for that,
so that the check comes before every try.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from chaosctl.errors import Lost, Throttled

TRIES = 8
LONGEST_PAUSE = 5.0  # seconds; whatever the server asks for
PATIENT_FOR = 10.0  # seconds, all pauses together
T = TypeVar("T")


async def patiently(request: Callable[[], Awaitable[T]]) -> T:
    """What comes of a request, asked again while the server is busy. Raises Lost when that takes too long."""
    left, tries = PATIENT_FOR, TRIES
    while True:
        tries -= 1
        try:
            return await request()
        except Throttled as error:
            if left <= 0 or not tries:
                raise Lost(str(error)) from error
            pause = min(error.after, LONGEST_PAUSE, left)
        left -= pause
        await asyncio.sleep(pause)
