"""Why: one loop turns decisions into activities and outcomes into events. It knows no fault and no cluster.

It is level-triggered: it starts what is wanted and missing, cancels what is no longer wanted, and never
cancels a write. An activity that was cancelled is never heard again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any, Protocol

from chaosctl.engine.decide import WRITES, Activity, decide, failed, lane
from chaosctl.engine.events import AnyEvent
from chaosctl.engine.evolve import evolve
from chaosctl.engine.state import State
from chaosctl.engine.verdict import Verdict, verdict
from chaosctl.errors import ChaosError, Lost
from chaosctl.ports import Clock, Journal


class Perform(Protocol):
    """Does one activity and says what came of it. May raise; then the activity failed."""

    async def __call__(self, activity: Activity, state: State) -> AnyEvent: ...


class Going:
    """The activities under way, one to a lane."""

    def __init__(self, start: Callable[[Activity], Awaitable[AnyEvent]]) -> None:
        self._start = start
        self._lanes: dict[str, tuple[Activity, asyncio.Future[AnyEvent]]] = {}

    @property
    def tasks(self) -> list[asyncio.Future[AnyEvent]]:
        return [task for _, task in self._lanes.values()]

    def reconcile(self, wanted: Iterable[Activity]) -> None:
        wanted = frozenset(wanted)
        for name, (activity, task) in list(self._lanes.items()):
            if activity not in wanted and not isinstance(activity, WRITES):
                task.cancel()
                del self._lanes[name]
        for activity in sorted(wanted, key=lane):  # the order of a set is not repeatable
            if lane(activity) not in self._lanes:
                self._lanes[lane(activity)] = (activity, asyncio.ensure_future(self._start(activity)))

    def finished(self) -> list[AnyEvent]:
        done = [name for name, (_, task) in self._lanes.items() if task.done()]
        return [self._lanes.pop(name)[1].result() for name in done]

    async def close(self) -> None:
        """Cancel the rest, but let writes come to their end."""
        self.reconcile(())
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def run(
    state: State, journal: Journal, perform: Perform, inbox: asyncio.Queue[AnyEvent], clock: Clock
) -> Verdict:
    """Bring a started (or resumed) run to its end."""

    async def start(activity: Activity) -> AnyEvent:
        try:
            return await perform(activity, state)
        except ChaosError as error:
            unheard = isinstance(error, Lost)
            return failed(activity, str(error), clock.now(), unheard=unheard)  # a sentence for people
        except Exception as error:  # noqa: BLE001 - every failure is an event
            return failed(activity, repr(error), clock.now())

    def record(event: AnyEvent) -> None:
        nonlocal state
        after = evolve(state, event)
        journal.append(event)
        state = after

    going = Going(start)
    try:
        while not (want := decide(state, clock.now())).done:
            if want.note:
                record(want.note[0])
                continue
            going.reconcile(want.now)
            for event in await _news(going, inbox, clock, want.wake):
                record(event)
    finally:
        await going.close()
    return verdict(state)


async def _news(
    going: Going, inbox: asyncio.Queue[AnyEvent], clock: Clock, wake: datetime | None
) -> list[AnyEvent]:
    """What people and activities have to say, or nothing at the time of `wake`."""
    person = asyncio.ensure_future(inbox.get())
    alarm = [asyncio.ensure_future(clock.sleep_until(wake))] if wake else []
    waiting: set[asyncio.Future[Any]] = {person, *alarm, *going.tasks}
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        said = [person.result()] if person.done() else []
        return said + going.finished()
    finally:
        for wait in (person, *alarm):
            wait.cancel()
