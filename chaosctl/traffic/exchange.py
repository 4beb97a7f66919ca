"""Why: what became of a request is judged in the same way, whoever sent it and whoever counts it."""

from collections.abc import Mapping
from typing import Protocol

from chaosctl.streams.protocol import Answer, Codec, Head, NotAnAnswer
from chaosctl.streams.requests import Outgoing

NOT_GOOD = 300  # a redirect is no answer either
POD_HEADER = "x-pod"
POD_LIMIT = 253  # a Kubernetes name's longest


class Exchange:
    """One request and what became of it. Times are in seconds of the monotonic clock.

    `due`: when it should have left; `ready`: when we got to it; `sent`: when a connection took it (None:
    never); `done`: when it was answered or had failed. `error` is None for a good answer.
    """

    __slots__ = ("answer", "done", "due", "error", "headers", "ready", "request", "sent", "status")

    def __init__(self, request: Outgoing, due: float, ready: float) -> None:
        self.request = request
        self.due = due
        self.ready = ready
        self.sent: float | None = None
        self.done = 0.0
        self.status: int | None = None
        self.error: str | None = None
        self.answer: Answer | None = None
        self.headers: Mapping[str, str] = {}

    def judge(self, codec: Codec, head: Head, body: bytes) -> None:
        """Whether the answer is a good one."""
        self.status, self.headers = head.status, head.headers
        self.answer = self.error = None
        try:
            if head.status >= NOT_GOOD:
                self.error = "status"
            else:
                self.answer = codec.parse(head, body, self.request.row)
        except NotAnAnswer:
            self.error = "protocol"
        except Exception as bug:  # noqa: BLE001  a codec of others must not end what counts its mistakes
            self.error = f"codec: {type(bug).__name__}"

    @property
    def pod(self) -> str | None:
        """Who says to have answered; None where nobody does, or says it in a way that hurts a terminal."""
        name = self.headers.get(POD_HEADER, "")[:POD_LIMIT]
        return name if name.isascii() and name.isprintable() and name else None

    @property
    def agrees(self) -> bool | None:
        """Whether a good answer is the known one; None where that is not known."""
        if self.answer is None or self.answer.label is None or self.request.row.label is None:
            return None
        return self.answer.label == self.request.row.label


class Sink(Protocol):
    """Who counts."""

    def add(self, exchange: Exchange) -> None:
        """Take one that is answered or has failed."""
        ...

    def settle(self, until: float) -> None:
        """Everything that was due before this time has been added; `inf` when nothing more will come."""
        ...
