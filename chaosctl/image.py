"""Why: faults, guardians and charts all start pods of ours, and all from one image."""

import os
from importlib.metadata import version

NAMED = "CHAOSCTL_IMAGE"


def image() -> str:
    """Our own image: what `$CHAOSCTL_IMAGE` names, else the published one of this version."""
    return os.environ.get(NAMED) or f"chaosctl.dev/chaosctl:{version('chaosctl')}"
