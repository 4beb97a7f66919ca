"""Why: every guard needs the same few things from outside, and no guard needs more."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from chaosctl.ports import Answers, Clock, Cluster
from chaosctl.spec import Target
from chaosctl.watchdog.settings import Settings
from chaosctl.watchdog.voice import Voice

OpenAnswers = Callable[[Target], AbstractAsyncContextManager[Answers]]


@dataclass(frozen=True)
class World:
    """`answers` opens the watchdog's own traffic to a target."""

    cluster: Cluster
    clock: Clock
    answers: OpenAnswers
    voice: Voice
    settings: Settings

    async def pause(self) -> None:
        """Wait for the next look."""
        await self.clock.sleep_until(self.clock.now() + self.settings.every)
