"""Why: whoever watches over chaosctl itself has a Prometheus. Its text format is a few lines to write.

A client library would bring a registry, a process collector and threads, for half a dozen numbers.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from chaosctl.operations.manifests import VERSION

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass
class Metrics:
    """Numbers about one controller. Gauges are asked for when somebody looks."""

    verdicts: Counter[str] = field(default_factory=Counter)
    takeovers: int = 0
    sweeps: int = 0
    fired: int = 0
    gauges: dict[str, tuple[str, Callable[[], float]]] = field(default_factory=dict)

    def text(self) -> str:
        """All of them, as Prometheus reads them."""
        return "".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield from _metric("build_info", "gauge", "The version that runs.", {f'{{version="{VERSION}"}}': 1})
        verdicts = {f'{{verdict="{name}"}}': count for name, count in sorted(self.verdicts.items())}
        yield from _metric("runs_total", "counter", "Playbooks that ended, by verdict.", verdicts)
        for name, about, count in (
            ("takeovers_total", "Journals of a dead controller that were gone on with.", self.takeovers),
            ("sweeps_total", "Looks at every ledger.", self.sweeps),
            ("scheduled_runs_total", "Runs that a Drill's schedule created.", self.fired),
        ):
            yield from _metric(name, "counter", about, {"": count})
        for name, (about, ask) in self.gauges.items():
            yield from _metric(name, "gauge", about, {"": ask()})


def _metric(name: str, kind: str, about: str, values: Mapping[str, float]) -> Iterator[str]:
    yield f"# HELP chaosctl_{name} {about}\n# TYPE chaosctl_{name} {kind}\n"
    yield from (f"chaosctl_{name}{labels} {value:g}\n" for labels, value in values.items())
