"""Why: the outside world, in memory, in virtual time, and as bad as it gets. Shipped, for plug-ins too."""

from chaosctl.testing.answers import FakeAnswers, Sample
from chaosctl.testing.clock import EPOCH, FakeClock, VirtualLoop, in_virtual_time
from chaosctl.testing.cluster import FakeCluster
from chaosctl.testing.fate import Died, Fate, Shaky
from chaosctl.testing.http import FakeHttp
from chaosctl.testing.journal import MemoryJournal
from chaosctl.testing.objects import (
    autoscaler,
    config_map,
    deployment,
    deployment_ref,
    lease,
    namespace,
    ref_of,
    resource_quota,
    service,
)

__all__ = [
    "EPOCH",
    "Died",
    "FakeAnswers",
    "FakeClock",
    "FakeCluster",
    "FakeHttp",
    "Fate",
    "MemoryJournal",
    "Sample",
    "Shaky",
    "VirtualLoop",
    "autoscaler",
    "config_map",
    "deployment",
    "deployment_ref",
    "in_virtual_time",
    "lease",
    "namespace",
    "ref_of",
    "resource_quota",
    "service",
]
