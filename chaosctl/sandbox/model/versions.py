"""Why: each way in which a release can be bad is one version, so that a drill names it like an image tag."""

from typing import NamedTuple


class Version(NamedTuple):
    """How one version of the model differs from a good one."""

    weights: str = "weights-stable.json"
    delay: float = 0.0  # seconds added to every inference
    leaks: bool = False


VERSIONS = {
    "stable": Version(),
    "wrong-weights": Version(weights="weights-wrong.json"),  # well-formed, 200 OK, and often wrong
    "crash": Version(weights="weights-crash.json"),  # cannot be loaded: exits before it is ready
    "slow": Version(delay=0.4),
    "memory-hog": Version(leaks=True),
}
