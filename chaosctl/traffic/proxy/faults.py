"""Why: which request is hurt, and how, follows from a seed and a clock alone, so that it can be repeated."""

import re
from collections.abc import Mapping
from fnmatch import translate
from typing import NamedTuple, Protocol

from chaosctl.traffic.proxy.delays import FIELDS as DELAY
from chaosctl.traffic.proxy.delays import drawn
from chaosctl.traffic.proxy.orders import (
    Place,
    Reader,
    a_place,
    number,
    one_of,
    order,
    part,
    seed,
    share,
    text,
    whole,
)
from chaosctl.traffic.proxy.switchboard import Switchboard

LONGEST_PATTERN = 1000
LONGEST_BODY = 32 * 1024
FASTEST = 1e9  # bytes a second
LARGEST = 2**40  # bytes


class Request(Protocol):
    """What a fault may choose a request by."""

    @property
    def start(self) -> bytes: ...
    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]: ...


class When(NamedTuple):
    """Patterns that a request must match, all of them; None matches every one."""

    method: re.Pattern[str] | None = None
    path: re.Pattern[str] | None = None
    headers: tuple[tuple[str, re.Pattern[str]], ...] = ()

    def matches(self, request: Request) -> bool:
        method, _, target = request.start.decode("latin-1").partition(" ")
        if self.method is not None and not self.method.match(method):
            return False
        if self.path is not None and not self.path.match(target.partition("?")[0]):
            return False
        return all(self.has(request, *wanted) for wanted in self.headers)

    @staticmethod
    def has(request: Request, name: str, pattern: re.Pattern[str]) -> bool:
        found = (value for key, value in request.headers if key.decode("latin-1").lower() == name)
        return any(pattern.match(value.decode("latin-1")) for value in found)


ALL = When()


class Latency(NamedTuple):
    """Seconds that the answer to a share of requests is held back."""

    fixed: float = 0.0
    jitter: float = 0.0
    distribution: str = "uniform"
    share: float = 1.0
    when: When = ALL


class Errors(NamedTuple):
    """A share of requests is answered with this status, and never reaches the model."""

    status: int = 503
    share: float = 1.0
    when: When = ALL


class Disconnect(NamedTuple):
    """A share of requests loses its connection: "reset", or "timeout" (no answer, ever)."""

    how: str = "reset"
    share: float = 1.0
    when: When = ALL


class Body(NamedTuple):
    """The body of answers is changed, and its length with it.

    "replace" it by `text`; "corrupt" one byte in `every`, the first one included; "truncate" it to `bytes`.
    """

    how: str = "corrupt"
    text: str = ""
    every: int = 100
    bytes: int = 0
    share: float = 1.0
    when: When = ALL


class SlowBody(NamedTuple):
    """The body of answers comes with `rate` bytes a second."""

    rate: float = 1024.0
    share: float = 1.0
    when: When = ALL


class Mirror(NamedTuple):
    """Requests are sent to another place as well, whose answers nobody hears."""

    to: Place = Place("", 0)
    share: float = 1.0
    when: When = ALL


Part = Latency | Errors | Disconnect | Body | SlowBody | Mirror


class Fault(NamedTuple):
    """What is done to requests until the deadline, in seconds since the Unix epoch."""

    deadline: float
    seed: int = 0
    latency: Latency | None = None
    errors: Errors | None = None
    disconnect: Disconnect | None = None
    body: Body | None = None
    slow_body: SlowBody | None = None
    mirror: Mirror | None = None


class Harm(NamedTuple):
    """What one request suffers, in this order; one that is lost or answered by us comes no further."""

    disconnect: str = ""
    delay: float = 0.0
    status: int = 0
    mirror: Place | None = None
    body: Body | None = None
    rate: float = 0.0

    @property
    def changes_body(self) -> bool:
        return self.body is not None or self.rate > 0


NO_HARM = Harm()


class Requests(Switchboard[Fault]):
    """Decides for each request."""

    parts = ("latency", "errors", "disconnect", "body", "slowBody", "mirror")

    @staticmethod
    def read(content: object) -> Fault | None:
        return order(content, Fault, PARTS)

    def decide(self, request: Request) -> Harm:
        """What this request suffers."""
        if self.fault is None or not (left := self.seconds_left()):
            return NO_HARM
        hit = self.hits(self.fault, request)
        if hit.disconnect:
            return Harm(hit.disconnect.how)
        delay = min(drawn(hit.latency, self.dice["jitter"]), left) if hit.latency else 0.0
        if hit.errors:
            return Harm(delay=delay, status=hit.errors.status)
        rate = hit.slow_body.rate if hit.slow_body else 0.0
        return Harm("", delay, 0, hit.mirror.to if hit.mirror else None, hit.body, rate)

    def hits(self, fault: Fault, request: Request) -> Fault:
        """What of a fault hits this request. A part casts its die for every request that it speaks of."""
        parts = zip(self.parts, fault[2:], strict=True)
        hit = (part if part and self.hit(name, part, request) else None for name, part in parts)
        return Fault._make([fault.deadline, fault.seed, *hit])

    def hit(self, name: str, part: Part, request: Request) -> bool:
        return part.when.matches(request) and self.dice[name].random() < part.share


# --- from what people and chaosctl send


def glob(value: object, name: str) -> re.Pattern[str]:
    return re.compile(translate(text(LONGEST_PATTERN)(value, name)))


def globs(value: object, name: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be a JSON object")  # noqa: TRY004  one error for whatever is wrong
    return tuple((str(key).lower(), glob(pattern, f"{name}.{key}")) for key, pattern in value.items())


CHOICE: Mapping[str, Reader] = {
    "share": share,
    "when": part(When, {"method": glob, "path": glob, "headers": globs}),
}
BODY: Mapping[str, Reader] = {
    "how": one_of("replace", "corrupt", "truncate"),
    "text": text(LONGEST_BODY),
    "every": whole(1, LARGEST),
    "bytes": whole(0, LARGEST),
}
PARTS: Mapping[str, Reader] = {
    "seed": seed,
    "latency": part(Latency, {**DELAY, **CHOICE}, ("fixed", "jitter")),
    "errors": part(Errors, {"status": whole(400, 599), **CHOICE}),
    "disconnect": part(Disconnect, {"how": one_of("reset", "timeout"), **CHOICE}),
    "body": part(Body, {**BODY, **CHOICE}),
    "slowBody": part(SlowBody, {"rate": number(FASTEST, 1), **CHOICE}, ("rate",)),
    "mirror": part(Mirror, {"to": a_place, **CHOICE}, ("to",)),
}
