"""Why: load, probes and reports must not know how a model is spoken to; each way of speaking is one file."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from chaosctl.errors import ChaosError
from chaosctl.streams.corpus import Row


class HttpRequest(NamedTuple):
    """A request before it has an address."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Head(NamedTuple):
    """How a response begins. Names of headers are in lower case. `length`: bytes of its body."""

    status: int
    headers: Mapping[str, str]
    length: int


class Answer(NamedTuple):
    """What a good response says: which version answered, and the label where there is one."""

    version: str
    label: int | None


class NotAnAnswer(ChaosError):
    """The response is no answer of this protocol. The message says why and quotes nothing of it."""


class Codec(Protocol):
    """One protocol, towards one model. It has no state: the same row gives the same request."""

    def request(self, row: Row) -> HttpRequest:
        """Ask for one row."""
        ...

    def parse(self, head: Head, body: bytes, row: Row) -> Answer:
        """Read the response to a row with a status below 300. Raises NotAnAnswer, and nothing else."""
        ...
