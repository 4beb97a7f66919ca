"""Why: a trace lies in a file, and streams read none."""

from collections.abc import Sequence
from pathlib import Path

from chaosctl.errors import Invalid
from chaosctl.spec.arrivals import Arrival, Trace
from chaosctl.streams.trace import offsets


def recorded(process: Arrival, folder: Path = Path()) -> Sequence[float]:
    """When the requests of the trace came that a process names; nothing of others. Raises Invalid."""
    if not isinstance(process, Trace):
        return ()
    try:
        with (folder / process.file).open(encoding="utf-8", newline="") as lines:
            return offsets(lines, process.file)
    except UnicodeDecodeError as wrong:
        raise Invalid(f"{process.file} is not UTF-8") from wrong
    except OSError as wrong:
        raise Invalid(f"{process.file} cannot be read: {wrong.strerror}") from wrong
