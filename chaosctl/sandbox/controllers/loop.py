"""Why: controllers are level-triggered. A change says where to look; what to do follows from the store.

Rules:

1. A key is looked at by one sync at a time, however many changes named it.
2. A sync never waits: it reads the store, writes what is missing, and may ask to be called again later.
3. A sync that loses a race is tried again, after a pause that doubles.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Protocol

from chaosctl.sandbox.api.errors import ApiError
from chaosctl.sandbox.api.store import Change, Store
from chaosctl.sandbox.controllers.events import Recorder
from chaosctl.sandbox.controllers.meta import Key, key_of

_FIRST_RETRY, _LAST_RETRY = 0.005, 10.0  # seconds


class Watcher(Protocol):
    """Whoever wants to see every change."""

    def see(self, change: Change) -> None: ...


class Controller(ABC):
    """Keeps one kind of object true."""

    def __init__(self, store: Store, recorder: Recorder) -> None:
        self.store, self.recorder = store, recorder

    @abstractmethod
    def keys(self, change: Change) -> Iterable[Key]:
        """The objects of its kind that a change may concern."""

    @abstractmethod
    def sync(self, key: Key) -> float | None:
        """Make one object true. Seconds until it must be looked at again, or None if a change will say so."""


class WorkQueue:
    """Calls a controller's sync for every key that a change named."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._keys: dict[Key, None] = {}
        self._later: dict[Key, asyncio.TimerHandle] = {}
        self._tries: Counter[Key] = Counter()
        self._wake = asyncio.Event()

    def see(self, change: Change) -> None:
        for key in self._controller.keys(change):
            self.add(key)

    def add(self, key: Key) -> None:
        self._keys[key] = None
        self._wake.set()

    async def run(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._keys:
                    key = next(iter(self._keys))
                    del self._keys[key]
                    self._sync(key)
                    await asyncio.sleep(0)  # let changes come in, so that many of them cost one sync
        finally:
            for timer in self._later.values():
                timer.cancel()

    def _sync(self, key: Key) -> None:
        try:
            delay = self._controller.sync(key)
        except Exception as error:  # noqa: BLE001  # one object's trouble must not stop the others
            self._tries[key] += 1
            if not isinstance(error, ApiError):
                report(f"{type(self._controller).__name__} {'/'.join(key)}", error)
            delay = min(_LAST_RETRY, _FIRST_RETRY * 2.0 ** self._tries[key])
        else:
            self._tries.pop(key, None)
        if delay is not None:
            self._add_after(key, delay)

    def _add_after(self, key: Key, delay: float) -> None:
        loop = asyncio.get_running_loop()
        known = self._later.get(key)
        if known and loop.time() < known.when() <= loop.time() + delay:
            return
        if known:
            known.cancel()
        self._later[key] = loop.call_later(delay, self._due, key)

    def _due(self, key: Key) -> None:
        self._later.pop(key, None)
        self.add(key)


class Manager:
    """Feeds every change of the store to controllers and other watchers, in order."""

    def __init__(self, store: Store, controllers: Sequence[Controller], watchers: Sequence[Watcher]) -> None:
        self._store = store
        self._queues = [WorkQueue(controller) for controller in controllers]
        self._watchers: list[Watcher] = [*watchers, *self._queues]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        changes = self._store.subscribe()
        self._tasks = [background(queue.run(), "controller") for queue in self._queues]
        self._tasks.append(background(self._feed(changes), "changes"))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)  # each has reported its own already

    async def _feed(self, changes: asyncio.Queue[Change]) -> None:
        try:
            while True:
                change = await changes.get()
                for watcher in self._watchers:
                    _show(watcher, change)
        finally:
            self._store.unsubscribe(changes)


def _show(watcher: Watcher, change: Change) -> None:
    try:
        watcher.see(change)
    except Exception as error:  # noqa: BLE001  # one watcher's trouble must not blind the others
        report(
            f"{type(watcher).__name__} on {change.resource.plural} {'/'.join(key_of(change.object))}", error
        )


def background(work: Coroutine[Any, Any, None], what: str) -> asyncio.Task[None]:
    """A task whose failure is reported when it happens, not when somebody asks."""
    task = asyncio.create_task(work)
    task.add_done_callback(lambda done: _report_failure(done, what))
    return task


def report(what: str, error: BaseException) -> None:
    """Tell the event loop's exception handler, which logs it, about a bug."""
    asyncio.get_running_loop().call_exception_handler(
        {"message": f"sandbox: {what} failed", "exception": error}
    )


def _report_failure(task: asyncio.Task[None], what: str) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        report(what, error)
