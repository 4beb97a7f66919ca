"""Why: faults, guardians and charts all start pods of ours, and all from one image."""

import os
from importlib.metadata import version

from chaosctl.model import Json

NAMED = "CHAOSCTL_IMAGE"
HARMLESS: Json = {
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""The security context of its containers: as little as Pod Security's level `restricted` asks for."""


def image() -> str:
    """Our own image: what `$CHAOSCTL_IMAGE` names, else the published one of this version."""
    return os.environ.get(NAMED) or f"chaosctl.dev/chaosctl:{version('chaosctl')}"
