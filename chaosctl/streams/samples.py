"""Why: a request that never came back must weigh as much as one that did, and hours must fit in memory.

A Window keeps samples by columns, about 40 bytes each, in the order in which requests were due.
"""

import asyncio
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from math import inf
from typing import NamedTuple

from chaosctl.errors import NoData
from chaosctl.model import Counts, Level

LIMIT = 1_000_000
NAME_LIMIT = 1000
OTHERS = "(others)"
UNSENT = "unsent"  # nobody asked in time, because this process was stopped or too busy

GOOD = 0  # the index of "no error"
UNKNOWN, AGREES, DIFFERS = 0, 1, 2


class Sample(NamedTuple):
    """One request. Times are seconds since the Unix epoch.

    `scheduled` is when it was due, `sent` when it left (None: never), `done` when it was answered or failed.
    `error` is the class of failure, None for a good answer: connect, reset, timeout, status, dropped,
    protocol, too-large; or unsent, which is our failure and not theirs. `version` and `agrees` speak of good
    answers; `pod` is who says to have answered.
    """

    scheduled: float
    sent: float | None = None
    done: float | None = None
    status: int | None = None
    error: str | None = None
    version: str | None = None
    agrees: bool | None = None
    pod: str | None = None


class Names:
    """Texts as small numbers. What a server makes up without end becomes "(others)"."""

    def __init__(self) -> None:
        self.texts: list[str | None] = [None]
        self.numbers: dict[str | None, int] = {None: 0}

    def number(self, text: str | None) -> int:
        known = self.numbers.get(text)
        if known is not None:
            return known
        if len(self.texts) >= NAME_LIMIT and text != OTHERS:
            return self.number(OTHERS)
        self.texts.append(text)
        self.numbers[text] = len(self.texts) - 1
        return self.numbers[text]


class Window:
    """The samples of one stream; an `Answers` for probes. Keeps the newest `limit` samples.

    Queries are over requests due in [start, end). They raise NoData where there are none, and where samples
    of the interval have been dropped already: a part is never passed off as the whole. Where requests were
    never sent, the answer is about the time after the last of them, and says so by its start.
    """

    def __init__(self, answer_within: float, limit: int = LIMIT) -> None:
        """`answer_within`: seconds after which a request without an answer has failed."""
        self.answer_within = answer_within
        self.limit = limit
        self.dropped_until = -inf
        self.settled_until = -inf
        self.moved = asyncio.Event()
        self.names = Names()
        self.unsent = self.names.number(UNSENT)
        self.scheduled = array("d")
        self.sent = array("d")
        self.done = array("d")
        self.status = array("H")
        self.error = array("H")
        self.version = array("H")
        self.pod = array("H")
        self.agrees = array("B")

    def __len__(self) -> int:
        return len(self.scheduled)

    def __iter__(self) -> Iterator[Sample]:
        return map(self.sample, range(len(self)))

    # --- the stream writes

    def add(self, sample: Sample) -> None:
        """Take a request that is answered or has failed; nearly always the newest."""
        if sample.scheduled < self.dropped_until:
            return
        at = bisect_right(self.scheduled, sample.scheduled)
        self.scheduled.insert(at, sample.scheduled)
        self.sent.insert(at, inf if sample.sent is None else sample.sent)
        self.done.insert(at, inf if sample.done is None else sample.done)
        self.status.insert(at, sample.status or 0)
        self.error.insert(at, self.names.number(sample.error))
        self.version.insert(at, self.names.number(sample.version))
        self.pod.insert(at, self.names.number(sample.pod))
        self.agrees.insert(at, {None: UNKNOWN, True: AGREES, False: DIFFERS}[sample.agrees])
        if len(self) > self.limit:
            self.forget(self.limit // 8 + 1)

    def settle(self, until: float) -> None:
        """Every request due before this time is in here; `inf` when the stream has ended."""
        if until > self.settled_until:
            self.settled_until = until
            self.moved.set()
            self.moved = asyncio.Event()

    def forget(self, count: int) -> None:
        """Drop the oldest, many at a time: dropping one costs as much."""
        self.dropped_until = self.scheduled[count - 1]
        for column in self.columns():
            del column[:count]

    def columns(self) -> "tuple[array[float] | array[int], ...]":
        times = (self.scheduled, self.sent, self.done)
        return (*times, self.status, self.error, self.version, self.pod, self.agrees)

    # --- probes read

    async def settled(self, end: datetime) -> None:
        """Return when every request due before `end` was answered or is past its time."""
        while self.settled_until < end.timestamp():
            await self.moved.wait()

    def samples(self, start: datetime, end: datetime) -> list[Sample]:
        """As they came in, in the order in which they were due."""
        return [self.sample(number) for number in self.due(start, end)]

    def failures(self, start: datetime, end: datetime) -> Counts:
        """Requests without a good answer."""
        due = self.due(start, end)
        bad = [number for number in due if self.error[number] != GOOD]
        return self.counts(bad, len(due), self.since(due, start), end)

    def disagreements(self, start: datetime, end: datetime, version: str | None = None) -> Counts:
        """Good answers that differ from the known ones, of the good answers with a known one."""
        due = self.due(start, end)
        known = [number for number in due if self.agrees[number] != UNKNOWN]
        if version is not None:
            known = [number for number in known if (self.names.texts[self.version[number]] or "") == version]
        if not known:
            raise NoData("no good answer to a request whose answer is known")
        bad = [number for number in known if self.agrees[number] == DIFFERS]
        return self.counts(bad, len(known), self.since(due, start), end)

    def slower_than(self, start: datetime, end: datetime, seconds: float) -> Counts:
        """Requests that took longer than this from when they were due, failed ones among them."""
        due = self.due(start, end)
        bad = [n for n in due if self.error[n] != GOOD or self.done[n] - self.scheduled[n] > seconds]
        return self.counts(bad, len(due), self.since(due, start), end)

    def latency(self, start: datetime, end: datetime, percentile: float) -> Level:
        """Seconds from due to answered, at a percentile from 0 to 100, interpolated linearly.

        A failed request counts as one that took `answer_within`: a refused connection is not a fast answer.
        """
        due = self.due(start, end)
        ordered = sorted(self.waited(number) for number in due)
        since = self.since(due, start)
        return Level(value=quantile(ordered, percentile / 100), start=since, end=end, n=len(due))

    def versions(self, start: datetime, end: datetime) -> Mapping[str, int]:
        """How many good answers each model version gave."""
        return self.named(self.version, start, end)

    def pods(self, start: datetime, end: datetime) -> Mapping[str, int]:
        """How many good answers each pod gave; "" for those that did not say."""
        return self.named(self.pod, start, end)

    def statuses(self, start: datetime, end: datetime, among: Collection[int]) -> Counts:
        """Requests that were answered with one of these statuses, of all that were due."""
        due = self.due(start, end)
        bad = [number for number in due if self.status[number] in among]
        return self.counts(bad, len(due), self.since(due, start), end)

    def sent_rate(self, start: datetime, end: datetime) -> Level:
        """How many requests left, a second."""
        due = self.due(start, end)
        since = self.since(due, start)
        count = sum(self.sent[number] != inf for number in due)
        return Level(value=count / (end - since).total_seconds(), start=since, end=end, n=len(due))

    def errors(self, start: datetime, end: datetime) -> Mapping[str, int]:
        """How many requests failed, by class."""
        due = self.due(start, end)
        found = Counter(self.error[due.start : due.stop])
        return {self.names.texts[number] or "": n for number, n in found.items() if number != GOOD}

    # --- how

    def due(self, start: datetime, end: datetime) -> range:
        low, high = start.timestamp(), end.timestamp()
        if low <= self.dropped_until:
            kept_from = datetime.fromtimestamp(self.dropped_until, UTC)
            raise NoData(f"requests due until {kept_from:%H:%M:%S} UTC are no longer kept")
        found = range(bisect_left(self.scheduled, low), bisect_left(self.scheduled, high))
        if not found:
            raise NoData("no request was due")
        unsent = next((number for number in reversed(found) if self.error[number] == self.unsent), None)
        if unsent is None:
            return found
        if unsent + 1 == found.stop:
            raise NoData("no request was sent: this process was stopped, or too busy")
        return range(unsent + 1, found.stop)

    def since(self, due: range, start: datetime) -> datetime:
        """From when on what was due was really sent."""
        if due.start == 0 or self.error[due.start - 1] != self.unsent:
            return start
        return max(start, self.moment(due.start - 1) + timedelta(microseconds=1))

    def named(self, column: "array[int]", start: datetime, end: datetime) -> Mapping[str, int]:
        good = Counter(column[number] for number in self.due(start, end) if self.error[number] == GOOD)
        if not good:
            raise NoData("no good answer")
        return {self.names.texts[number] or "": count for number, count in good.most_common()}

    def waited(self, number: int) -> float:
        if self.error[number] != GOOD:
            return self.answer_within
        return self.done[number] - self.scheduled[number]

    def counts(self, bad: list[int], n: int, start: datetime, end: datetime) -> Counts:
        first, last = (self.moment(bad[0]), self.moment(bad[-1])) if bad else (None, None)
        return Counts(bad=len(bad), n=n, start=start, end=end, first_bad=first, last_bad=last)

    def moment(self, number: int) -> datetime:
        return datetime.fromtimestamp(self.scheduled[number], UTC)

    def sample(self, number: int) -> Sample:
        sent, done = self.sent[number], self.done[number]
        return Sample(
            self.scheduled[number],
            None if sent == inf else sent,
            None if done == inf else done,
            self.status[number] or None,
            self.names.texts[self.error[number]],
            self.names.texts[self.version[number]],
            (None, True, False)[self.agrees[number]],
            self.names.texts[self.pod[number]],
        )


def quantile(ordered: list[float], share: float) -> float:
    """Of sorted values, interpolated linearly (Hyndman and Fan's type 7, as numpy's default)."""
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)
