"""Why: a drill breaks things on purpose; its rollbacks must not use up what a real incident may need.

A run says that it is under way by its ledger, a ConfigMap beside the target.
"""

import hashlib

from chaosctl.errors import Gone
from chaosctl.model import Ref
from chaosctl.ports import Reader
from chaosctl.targets.fields import texts

LEDGER = "chaosctl.dev/ledger"
RUN = "chaosctl.dev/run"
LONGEST_NAME = 63


async def drill_on(workload: Ref, see: Reader) -> str:
    """The run whose ledger on this target is open, "" outside of drills. Raises ClusterError."""
    try:
        labels = texts(await see.get(_ledger_of(workload)), "/metadata/labels")
    except Gone:
        return ""
    return labels.get(RUN, "unknown") if labels.get(LEDGER) == "open" else ""


def _ledger_of(workload: Ref) -> Ref:
    name = f"chaosctl-{workload.kind}-{workload.name}".lower()
    if len(name) > LONGEST_NAME:
        digest = hashlib.sha256(name.encode()).hexdigest()[:10]
        name = f"{name[: LONGEST_NAME - len(digest) - 1].rstrip('-.')}-{digest}"
    return Ref(kind="ConfigMap", namespace=workload.namespace, name=name)
