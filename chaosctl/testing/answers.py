"""Why: what a workload saw is decided by the test, request by request."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from chaosctl.errors import NoData
from chaosctl.model import Counts, Level


class Sample(NamedTuple):
    """One request. `agrees` is None where no answer is known; `seconds` count from when it was due."""

    due: datetime
    ok: bool = True
    seconds: float = 0.01
    version: str = "1"
    agrees: bool | None = True
    status: int = 200


@dataclass
class FakeAnswers:
    """Answers as a test wrote them down. Everything is settled at once."""

    samples: Sequence[Sample] = ()

    async def settled(self, end: datetime) -> None:
        """Nothing is ever under way."""

    def failures(self, start: datetime, end: datetime) -> Counts:
        return _counts(self._due(start, end), lambda sample: not sample.ok, start, end)

    def disagreements(self, start: datetime, end: datetime, version: str | None = None) -> Counts:
        good = [sample for sample in self._due(start, end) if sample.ok and version in (None, sample.version)]
        known = [sample for sample in good if sample.agrees is not None]
        return _counts(known, lambda sample: not sample.agrees, start, end)

    def slower_than(self, start: datetime, end: datetime, seconds: float) -> Counts:
        samples = self._due(start, end)
        return _counts(samples, lambda sample: not sample.ok or sample.seconds > seconds, start, end)

    def latency(self, start: datetime, end: datetime, percentile: float) -> Level:
        ordered = sorted(sample.seconds for sample in self._due(start, end))
        if not ordered:
            raise NoData("no request was due")
        nearest = min(int(len(ordered) * percentile / 100), len(ordered) - 1)
        return Level(value=ordered[nearest], start=start, end=end, n=len(ordered))

    def versions(self, start: datetime, end: datetime) -> Mapping[str, int]:
        good = [sample.version for sample in self._due(start, end) if sample.ok]
        if not good:
            raise NoData("no good answer")
        return Counter(good)

    def statuses(self, start: datetime, end: datetime, among: Collection[int]) -> Counts:
        return _counts(self._due(start, end), lambda sample: sample.status in among, start, end)

    def sent_rate(self, start: datetime, end: datetime) -> Level:
        n = len(self._due(start, end))
        if not n:
            raise NoData("no request was due")
        return Level(value=n / (end - start).total_seconds(), start=start, end=end, n=n)

    def _due(self, start: datetime, end: datetime) -> list[Sample]:
        return [sample for sample in self.samples if start <= sample.due < end]


def _counts(
    samples: Sequence[Sample], is_bad: Callable[[Sample], bool], start: datetime, end: datetime
) -> Counts:
    if not samples:
        raise NoData("no request was due")
    bad = [sample.due for sample in samples if is_bad(sample)]
    first, last = (min(bad), max(bad)) if bad else (None, None)
    return Counts(bad=len(bad), n=len(samples), start=start, end=end, first_bad=first, last_bad=last)
