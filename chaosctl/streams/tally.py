"""Why: hours of traffic must fit in memory and in logs, and the counts of many workers must add up.

A tally counts by the second in which requests were due. Once a second is complete it becomes a reading, which
is plain JSON; readings of several workers are merged by adding.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from math import inf
from typing import Protocol

from pydantic import JsonValue

from chaosctl.errors import Invalid
from chaosctl.streams.histogram import Histogram

TIMES = ("latency", "service", "lag", "wait")


class Outcome(Protocol):
    """What became of a request; times are in seconds of one clock. `error` is None for a good answer."""

    due: float
    ready: float
    sent: float | None
    done: float
    status: int | None
    error: str | None


class Second:
    """The requests that were due in one second.

    `latency`: from due to done, where a failed one counts as one that took as long as an answer may take.
    `service`: from sent to done, of those that were sent and answered. `lag`: from due until we got to it.
    `wait`: from then until a connection took it. A closed loop sends at once, and has latency alone.
    """

    __slots__ = ("errors", "lag", "latency", "service", "statuses", "wait")

    def __init__(self) -> None:
        self.errors: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.latency = Histogram()
        self.service = Histogram()
        self.lag = Histogram()
        self.wait = Histogram()

    @property
    def n(self) -> int:
        """How many requests were due."""
        return self.latency.n

    @property
    def good(self) -> int:
        """How many have a good answer."""
        return self.n - self.errors.total()

    def histograms(self) -> Iterator[tuple[str, Histogram]]:
        """By name."""
        return ((name, getattr(self, name)) for name in TIMES)

    def merge(self, other: "Second") -> None:
        """Count what another one counted, too."""
        self.errors.update(other.errors)
        self.statuses.update(other.statuses)
        for name, histogram in self.histograms():
            histogram.merge(getattr(other, name))

    def encode(self) -> dict[str, JsonValue]:
        """As JSON; what is empty is left out."""
        times = {name: list[JsonValue](one.encode()) for name, one in self.histograms() if one.n}
        statuses = {str(status): count for status, count in sorted(self.statuses.items())}
        return {"errors": {**self.errors}, "statuses": {**statuses}, **times}

    @classmethod
    def decode(cls, body: Mapping[str, JsonValue]) -> "Second":
        """From what `encode` gave. Raises Invalid where it is not that."""
        made = cls()
        try:
            made.errors.update({name: _count(count) for name, count in body["errors"].items()})  # type: ignore[union-attr]
            made.statuses.update({int(s): _count(count) for s, count in body["statuses"].items()})  # type: ignore[union-attr]
            for name in TIMES:
                setattr(made, name, Histogram.decode(body.get(name, [0, 0])))  # type: ignore[arg-type]
        except (KeyError, AttributeError, TypeError, ValueError) as wrong:
            raise Invalid(f"not a reading of a second: {wrong}") from wrong
        return made


class Tally:
    """Counts the requests of a closed loop, by the second in which they were due, counted from `start`."""

    def __init__(self, start: float, answer_within: float) -> None:
        """`answer_within`: seconds, which a failed request counts as having taken."""
        self.start = start
        self.answer_within = answer_within
        self.seconds: dict[int, Second] = {}
        self.settled = 0  # seconds below are complete
        self.since = self.until = 0.0  # the borders of the second that was counted in last
        self.second = Second()

    def add(self, outcome: Outcome) -> None:
        """Take one that is answered or has failed."""
        due = outcome.due
        if not self.since <= due < self.until:
            self.turn(due)
        second = self.second
        if outcome.error is None:
            second.latency.add(outcome.done - due)
        else:
            second.errors[outcome.error] += 1
            second.latency.add(self.answer_within)
        if outcome.status is not None:
            second.statuses[outcome.status] += 1

    def turn(self, due: float) -> None:
        """To the second of this moment."""
        index = int(due - self.start)
        self.second = self.seconds.setdefault(index, Second())
        self.since, self.until = self.start + index, self.start + index + 1

    def settle(self, until: float) -> None:
        """Everything due before this time has been added; `inf` when nothing more will come."""
        self.settled = max(self.seconds, default=-1) + 1 if until == inf else int(until - self.start)
        for second in self.seconds.values():
            for _, histogram in second.histograms():
                histogram.fold()

    def take(self) -> Iterator[tuple[int, Second]]:
        """The complete seconds that nobody has taken yet, in order."""
        for index in sorted(index for index in self.seconds if index < self.settled):
            yield index, self.seconds.pop(index)
        self.until = 0.0


class OpenTally(Tally):
    """Counts the requests of an open loop: those of its times that differ from latency, too."""

    def add(self, outcome: Outcome) -> None:
        """Take one that is answered or has failed."""
        super().add(outcome)
        self.second.lag.add(outcome.ready - outcome.due)
        if outcome.sent is not None:
            self.second.wait.add(outcome.sent - outcome.ready)
            if outcome.status is not None:
                self.second.service.add(outcome.done - outcome.sent)


def _count(value: object) -> int:
    if type(value) is not int or value < 0:
        raise Invalid(f"a count is a whole number, not {value!r}")
    return value
