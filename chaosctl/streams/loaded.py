"""Why: what came of a load is one value, which people and programs read in the same numbers."""

from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import JsonValue

from chaosctl.streams.histogram import Histogram
from chaosctl.streams.readings import Totals
from chaosctl.streams.samples import UNSENT
from chaosctl.streams.tally import Second

LAG_LIMIT = 0.010  # seconds, at the 99th percentile: more, and it is we who are slow
PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}


class Validity(StrEnum):
    """Whether the numbers speak of the server."""

    OK = "ok"
    INVALID = "INVALID_LOADGEN"


@dataclass
class Loaded:
    """What came of a load: all seconds in one, what each worker did in all, and why one of them was lost.

    `lasting`: for how many seconds requests were due.
    """

    closed: bool
    whole: Second = field(default_factory=Second)
    totals: list[Totals] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    lasting: float = 0.0

    def invalid(self) -> list[str]:
        """Why the numbers do not speak of the server; nothing where they do."""
        whole = self.whole
        reasons, lag, unsent = list(self.lost), whole.lag.quantile(0.99), whole.errors[UNSENT]
        if lag > LAG_LIMIT:
            reasons.append(
                f"requests left late: {lag * 1000:.3g} ms at p99, of at most {LAG_LIMIT * 1000:g} ms"
            )
        if unsent:
            reasons.append(f"{unsent} requests were never sent{self.trouble()}")
        return reasons

    def trouble(self) -> str:
        """The last reason why a connection could not be opened."""
        return next((f": {one.trouble}" for one in self.totals if one.trouble), "")

    def body(self) -> dict[str, JsonValue]:
        """As programs read it. Times are in milliseconds."""
        whole = self.whole
        service = whole.latency if self.closed else whole.service
        reasons = self.invalid()
        return {
            "requests": whole.n,
            "requestsPerSecond": round(whole.n / self.lasting, 3) if self.lasting else 0.0,
            "duration": round(self.lasting, 3),
            "good": whole.good,
            "errors": dict(whole.errors.most_common()),
            "statuses": {str(status): count for status, count in sorted(whole.statuses.items())},
            "latency": times(whole.latency),
            "serviceTime": times(service),
            "sendLag": times(whole.lag, ("p50", "p99")),
            "queueWait": times(whole.wait, ("p50", "p99")),
            "bytesIn": sum(one.received for one in self.totals),
            "bytesOut": sum(one.sent for one in self.totals),
            "connections": sum(one.opened for one in self.totals),
            "verdict": (Validity.INVALID if reasons else Validity.OK).value,
            "reasons": [*reasons],
        }


def times(histogram: Histogram, names: tuple[str, ...] = tuple(PERCENTILES)) -> dict[str, JsonValue]:
    """Milliseconds at some percentiles, the largest, and the mean."""
    at = {name: histogram.quantile(PERCENTILES[name]) for name in names}
    return {
        name: round(seconds * 1000, 3)
        for name, seconds in {**at, "max": histogram.largest, "mean": histogram.mean}.items()
    }
