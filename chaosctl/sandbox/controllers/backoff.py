"""Why: whoever tries again waits longer each time; how much longer is one rule."""

from typing import NamedTuple


class BackOff(NamedTuple):
    """Pauses before another try: base, doubled each time, up to a cap; seconds. A kubelet has 10 and 300."""

    base: float
    cap: float

    def pause(self, failures: int) -> float:
        """Seconds to wait after so many failures."""
        return min(self.cap, self.base * 2.0 ** min(failures - 1, 60))
