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


class HttpResponse(NamedTuple):
    """A whole response; names of headers are in lower case. A long body arrives cut."""

    status: int
    headers: Mapping[str, str]
    body: bytes


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

    def parse(self, response: HttpResponse, row: Row) -> Answer:
        """Read the response to a row with a status below 400. Raises NotAnAnswer, and nothing else."""
        ...
