"""Why: whether a release is healthy is read from its containers' states, so their moves are kept here."""

import uuid
from collections.abc import Callable
from pathlib import Path

from chaosctl.sandbox.api.objects import Json, dig, timestamp


class ContainerState:
    """What can be seen of a container. Whoever wants to know is told of every change."""

    def __init__(self, changed: Callable[[], None], waits: str = "ContainerCreating") -> None:
        self._changed = changed
        self._now: Json = {"waiting": {"reason": waits}}
        self._last: Json = {}
        self._id = self._since = ""
        self._started = self._ready = False
        self.starts = 0

    @property
    def running(self) -> bool:
        return "running" in self._now

    @property
    def ready(self) -> bool:
        return self._ready and self.running

    @property
    def exit_code(self) -> int | None:
        """The code that it ended with; None while it has not."""
        code: int | None = dig(self._now, "terminated.exitCode")
        return code

    @property
    def status(self) -> Json:
        """Its part of an entry in containerStatuses."""
        return {
            **({"containerID": self._id} if self._id else {}),
            "ready": self.ready,
            "started": self._started and self.running,
            "restartCount": max(0, self.starts - 1),
            "state": self._now,
            "lastState": self._last,
        }

    def waits(self, reason: str, message: str) -> None:
        self._move({"waiting": {"reason": reason, "message": message}})

    def begins(self) -> None:
        """Another start is tried, under an id of its own."""
        self.starts += 1
        self._id, self._since = f"sandbox://{uuid.uuid4().hex}", timestamp()

    def runs(self, *, started: bool, ready: bool) -> None:
        self._started, self._ready = started, ready
        self._move({"running": {"startedAt": self._since}})

    def passes(self, *, ready: bool) -> None:
        """A probe says that it has started, and whether it is ready."""
        if (self._started, self._ready) != (True, ready):
            self._started, self._ready = True, ready
            self._changed()

    def ends(self, code: int, reason: str, message: str = "") -> None:
        self._started = self._ready = False
        end = {"exitCode": code, "reason": reason, **({"message": message} if message else {})}
        times = {"startedAt": self._since, "finishedAt": timestamp()}
        self._move({"terminated": {**end, **times, "containerID": self._id}})

    def log(self, folder: Path, *, back: int = 0) -> Path:
        """The log of this start, or of one before."""
        return folder / f"{self.starts - back}.log"

    def _move(self, state: Json) -> None:
        if "terminated" in self._now:
            self._last = self._now
        self._now = state
        self._changed()
