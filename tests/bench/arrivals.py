"""Why: recorded traffic of language models varies more the longer one looks; so must what we send.

Days of a schedule of mmpp with rates 0/s and 14.3/s and dwells of 41.3 s and 9.0 s, and beside it gamma with
the same rate and the same dispersion in a second: their indices of dispersion in windows of 1, 10 and 60 s.
The Azure trace of 2023 (code) has 13, 71 and 161.
"""

from itertools import takewhile

from chaosctl.spec.arrivals import written
from chaosctl.streams.arrivals import arrivals

DAY = 86400
DAYS = 10
WINDOWS = (1, 10, 60)
MMPP = {"process": "mmpp", "rates": ["0/s", "14.3/s"], "dwells": ["41.3s", "9s"]}


def dispersion(body, seconds, seed):
    """Variance over mean of the counts in windows of each length."""
    counts = [[0] * (seconds // window) for window in WINDOWS]
    for offset in takewhile(lambda offset: offset < seconds, arrivals(written(body), seed)):
        for window, found in zip(WINDOWS, counts, strict=True):
            found[min(int(offset // window), len(found) - 1)] += 1
    return [_index(found) for found in counts]


def _index(counts):
    mean = sum(counts) / len(counts)
    return sum((one - mean) ** 2 for one in counts) / len(counts) / mean


def dispersions():
    bursts = dispersion(MMPP, DAYS * DAY, 1)
    rate = f"{written(MMPP).expected(1):.4f}/s"
    even = dispersion({"process": "gamma", "rate": rate, "burstiness": bursts[0]}, DAYS * DAY, 1)
    what = f"index of dispersion in 1, 10 and 60 s, {DAYS} days of"
    yield f"{what} mmpp", _shown(bursts), "12, 80, 154"
    yield f"{what} gamma", _shown(even), "the same in all"


def _shown(found):
    return ", ".join(f"{one:.1f}" for one in found)
