"""Why: a million latencies must fit in a line, and those of many workers must add up to those of all.

Buckets are log-linear, as in Gil Tene's HdrHistogram: up to 256 µs one for each microsecond, above that 128
for each power of two. So every value is known to 0.8 % or 1 µs, whichever is more, and two histograms are
merged by adding. Counts are sparse: a second of traffic touches some hundred buckets.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from math import ceil
from operator import mul

from chaosctl.errors import Invalid

MICROSECONDS = 1e6
EXACT = 256  # microseconds that have a bucket each
HALF = 7  # bits: 128 buckets for each power of two
LONGEST = 1 << 42  # microseconds, 51 days: longer counts as this
LAST = ((LONGEST.bit_length() - HALF - 1) << HALF) + (LONGEST >> (LONGEST.bit_length() - HALF - 1))


class Histogram:
    """How often something took how long. Values are in seconds; negative ones count as 0."""

    __slots__ = ("add", "counted", "new")

    def __init__(self) -> None:
        self.counted: defaultdict[int, int] = defaultdict(int)
        self.new: list[float] = []
        self.add = self.new.append
        """Take one value. Buckets are found later, for many at a time: that costs a third."""

    def fold(self) -> None:
        """Find the buckets of new values, which take more memory until then."""
        whole = Counter(map(int, map(mul, self.new, repeat(MICROSECONDS))))
        self.new.clear()
        for value, count in whole.items():
            self.counted[_bucket(value)] += count

    @property
    def counts(self) -> Mapping[int, int]:
        """How many values each bucket has."""
        if self.new:
            self.fold()
        return self.counted

    def merge(self, other: "Histogram") -> None:
        """Count what another one counted, too."""
        for bucket, count in other.counts.items():
            self.counted[bucket] += count

    @property
    def n(self) -> int:
        """How many values were counted."""
        return sum(self.counts.values())

    @property
    def mean(self) -> float:
        """In seconds; 0 where nothing was counted."""
        total = sum(_middle(bucket) * count for bucket, count in self.counts.items())
        return total / (sum(self.counted.values()) or 1) / MICROSECONDS

    @property
    def largest(self) -> float:
        """In seconds, to the end of its bucket; 0 where nothing was counted."""
        return _lower(max(self.counts, default=-1) + 1) / MICROSECONDS

    def quantile(self, share: float) -> float:
        """The value in seconds that so large a share of values does not exceed, by nearest rank.

        It is the middle of a bucket. 0 where nothing was counted.
        """
        rank, seen = max(1, ceil(share * self.n)), 0
        for bucket, count in sorted(self.counted.items()):
            seen += count
            if seen >= rank:
                return _middle(bucket) / MICROSECONDS
        return 0.0

    def above(self, seconds: float) -> int:
        """How many were in buckets that begin above this value."""
        return sum(count for bucket, count in self.counts.items() if _lower(bucket) > seconds * MICROSECONDS)

    def encode(self) -> list[int]:
        """As JSON has it: pairs of the distance to the next bucket and its count."""
        return [*_distances(sorted(self.counts.items()))]

    @classmethod
    def decode(cls, numbers: Sequence[object]) -> "Histogram":
        """From what `encode` gave. Raises Invalid where it is not that."""
        if len(numbers) % 2:
            raise Invalid("a histogram is pairs of distance and count")
        made, bucket = cls(), 0
        for distance, count in zip(numbers[::2], numbers[1::2], strict=True):
            bucket += _whole(distance)
            made.counted[bucket] += _whole(count)
        if bucket > LAST:
            raise Invalid(f"a histogram has no bucket {bucket}")
        return made


def merged(parts: Iterable[Histogram]) -> Histogram:
    """All of them in one."""
    whole = Histogram()
    for part in parts:
        whole.merge(part)
    return whole


def _distances(counted: list[tuple[int, int]]) -> Iterator[int]:
    last = 0
    for bucket, count in counted:
        yield bucket - last
        yield count
        last = bucket


def _bucket(value: int) -> int:
    """Of a value in microseconds."""
    value = min(max(0, value), LONGEST)
    shift = max(0, value.bit_length() - HALF - 1)
    return (shift << HALF) + (value >> shift)


def _lower(bucket: int) -> int:
    """The smallest value of a bucket, in microseconds."""
    shift = (bucket >> HALF) - 1
    return bucket if shift <= 0 else (bucket - (shift << HALF)) << shift


def _middle(bucket: int) -> float:
    width = 1 << max(0, (bucket >> HALF) - 1)
    return _lower(bucket) + width / 2


def _whole(value: object) -> int:
    if type(value) is not int or value < 0:
        raise Invalid(f"a histogram counts in whole numbers, not {value!r}")
    return value
