"""Why: one line here is all that a new built-in fault needs beside its own file."""

from chaosctl.faults.config import Config
from chaosctl.faults.disconnect import Disconnect
from chaosctl.faults.errors import Errors
from chaosctl.faults.latency import Latency
from chaosctl.faults.noop import Noop
from chaosctl.faults.pod_kill import PodKill
from chaosctl.faults.release import Release
from chaosctl.faults.scale_down import ScaleDown
from chaosctl.faults.zone_outage import ZoneOutage
from chaosctl.spec import Fault

FAULTS: tuple[type[Fault], ...] = (
    Config,
    Disconnect,
    Errors,
    Latency,
    Noop,
    PodKill,
    Release,
    ScaleDown,
    ZoneOutage,
)

__all__ = [
    "FAULTS",
    "Config",
    "Disconnect",
    "Errors",
    "Latency",
    "Noop",
    "PodKill",
    "Release",
    "ScaleDown",
    "ZoneOutage",
]
