"""Why: a drill that reads Prometheus needs a model that can be scraped, as any served model can."""

from collections import Counter
from itertools import accumulate

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """Counts of one process, as Prometheus text. Durations are in seconds."""

    def __init__(self, model: str, version: str) -> None:
        self.model = model
        self.version = version
        self.requests: Counter[int] = Counter()
        self.buckets = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0
        self.in_flight = 0

    def observe(self, status: int, seconds: float) -> None:
        """One inference request was answered."""
        self.requests[status] += 1
        self.seconds += seconds
        self.buckets[sum(seconds > bound for bound in BUCKETS)] += 1

    def text(self) -> str:
        model = f'model="{self.model}",version="{self.version}"'
        lines = [
            *family("model_info", "gauge", "The model that this process serves."),
            f"model_info{{{model}}} 1",
            *family("model_requests_total", "counter", "Inference requests by status code."),
            *(f'model_requests_total{{{model},code="{c}"}} {n}' for c, n in sorted(self.requests.items())),
            *family("model_requests_in_flight", "gauge", "Inference requests being answered."),
            f"model_requests_in_flight{{{model}}} {self.in_flight}",
            *family("model_request_duration_seconds", "histogram", "Time to answer an inference request."),
            *self.histogram("model_request_duration_seconds", model),
        ]
        return "\n".join(lines) + "\n"

    def histogram(self, name: str, labels: str) -> list[str]:
        bounds = (*map(str, BUCKETS), "+Inf")
        cumulative = list(accumulate(self.buckets))
        lines = [f'{name}_bucket{{{labels},le="{le}"}} {n}' for le, n in zip(bounds, cumulative, strict=True)]
        return [
            *lines,
            f"{name}_sum{{{labels}}} {self.seconds:.6f}",
            f"{name}_count{{{labels}}} {cumulative[-1]}",
        ]


def family(name: str, kind: str, help_text: str) -> tuple[str, str]:
    return (f"# HELP {name} {help_text}", f"# TYPE {name} {kind}")
