"""Why: one line here is all that a new built-in fault needs beside its own file."""

from chaosctl.faults.bad_artifact import BadArtifact
from chaosctl.faults.bandwidth import Bandwidth
from chaosctl.faults.body_change import BodyChange
from chaosctl.faults.burst import Burst
from chaosctl.faults.config import Config
from chaosctl.faults.cordon import Cordon
from chaosctl.faults.disconnect import Disconnect
from chaosctl.faults.drain import Drain
from chaosctl.faults.errors import Errors
from chaosctl.faults.hpa import Hpa
from chaosctl.faults.latency import Latency
from chaosctl.faults.noop import Noop
from chaosctl.faults.partition import Partition
from chaosctl.faults.pod_kill import PodKill
from chaosctl.faults.quota import Quota
from chaosctl.faults.release import Release
from chaosctl.faults.resource_squeeze import ResourceSqueeze
from chaosctl.faults.scale_down import ScaleDown
from chaosctl.faults.slow_body import SlowBody
from chaosctl.faults.zone_outage import ZoneOutage
from chaosctl.spec import Fault

FAULTS: tuple[type[Fault], ...] = (
    BadArtifact,
    Bandwidth,
    BodyChange,
    Burst,
    Config,
    Cordon,
    Disconnect,
    Drain,
    Errors,
    Hpa,
    Latency,
    Noop,
    Partition,
    PodKill,
    Quota,
    Release,
    ResourceSqueeze,
    ScaleDown,
    SlowBody,
    ZoneOutage,
)

__all__ = [
    "FAULTS",
    "BadArtifact",
    "Bandwidth",
    "BodyChange",
    "Burst",
    "Config",
    "Cordon",
    "Disconnect",
    "Drain",
    "Errors",
    "Hpa",
    "Latency",
    "Noop",
    "Partition",
    "PodKill",
    "Quota",
    "Release",
    "ResourceSqueeze",
    "ScaleDown",
    "SlowBody",
    "ZoneOutage",
]
