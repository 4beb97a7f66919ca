"""Why: whoever sends a load wants to see while it lasts what the server makes of it."""

import sys
import time
from collections.abc import Mapping

from chaosctl.streams.loaded import Loaded, times
from chaosctl.streams.tally import Second

EVERY = 1.0  # seconds between two lines of the live view
KINDS = 12  # of failures that are named
CLOSED = "closed loop: a slow server is asked less often"
OPEN = "open loop: latency counts from when a request was due"


class View:
    """A line on stderr for each second, on a terminal in place."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self.terminal = sys.stderr.isatty()
        self.began = self.next = time.monotonic()
        self.latest = Second()
        self.n = 0

    def hear(self, second: Second) -> None:
        """A second of a worker."""
        self.latest.merge(second)
        self.n += second.n
        if time.monotonic() >= self.next and not self.quiet:
            self.show()

    def show(self) -> None:
        self.next = time.monotonic() + EVERY
        latest, self.latest = self.latest, Second()
        said = (
            f"{time.monotonic() - self.began:4.0f} s  {self.n} requests, {latest.n}/s lately  "
            f"p50 {_at(latest, 0.5)}  p99 {_at(latest, 0.99)}"
            f"{_errors(latest)}"
        )
        sys.stderr.write(f"\r\x1b[K{said}" if self.terminal else f"{said}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Leave the terminal as it was."""
        if self.terminal and not self.quiet:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def text(loaded: Loaded) -> str:
    """What came of a load, for people."""
    whole, body = loaded.whole, loaded.body()
    lines = [
        f"{whole.n} requests in {loaded.lasting:g} s, {body['requestsPerSecond']:.6g}/s",
        f"on {body['connections']} connections",
        f"good       {whole.good} ({whole.good / (whole.n or 1):.2%})",
        *(f"failed     {count} {name}" for name, count in whole.errors.most_common(KINDS)),
        f"statuses   {', '.join(f'{s}: {n}' for s, n in sorted(whole.statuses.items())) or 'none'}",
        f"bytes      {body['bytesOut']} out, {body['bytesIn']} in",
        "",
        "             p50        p90        p99        p99.9      max",
        _row("latency", times(whole.latency)),
    ]
    if not loaded.closed:
        lines += [_row("service", times(whole.service)), _row("queue wait", times(whole.wait)),
                  _row("send lag", times(whole.lag))]  # fmt: skip
    invalid = [f"INVALID_LOADGEN: {reason}" for reason in loaded.invalid()]
    return "\n".join([*lines, "", CLOSED if loaded.closed else OPEN, *invalid])


def _row(name: str, given: Mapping[str, object]) -> str:
    cells = (given[key] for key in ("p50", "p90", "p99", "p999", "max"))
    return f"{name:<12} " + " ".join(f"{_short(cell):<10}" for cell in cells).rstrip()


def _short(milliseconds: object) -> str:
    return f"{milliseconds:.4g} ms"


def _at(second: Second, share: float) -> str:
    return _short(second.latency.quantile(share) * 1000)


def _errors(second: Second) -> str:
    return "".join(f"  {count} {name}" for name, count in second.errors.most_common(3))
