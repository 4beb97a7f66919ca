"""Why: what people write must not depend on how it is executed.

A Script is a run's resolved form. It holds the bodies of faults and probes as JSON, so that a journal can be
read by somebody who does not have their code.
"""

from chaosctl.spec.amounts import (
    Amount,
    Duration,
    Rate,
    Share,
    show_amount,
    show_duration,
    show_rate,
    show_share,
)
from chaosctl.spec.kinds import Aim, Fault, Probe, Rule, Spec, TargetView, View
from chaosctl.spec.script import (
    Bounds,
    Check,
    ClockName,
    Decision,
    EDetector,
    Entry,
    EProcess,
    KOfN,
    Role,
    Script,
    Span,
    Target,
    Tested,
    Workload,
)

__all__ = [
    "Aim",
    "Amount",
    "Bounds",
    "Check",
    "ClockName",
    "Decision",
    "Duration",
    "EDetector",
    "EProcess",
    "Entry",
    "Fault",
    "KOfN",
    "Probe",
    "Rate",
    "Role",
    "Rule",
    "Script",
    "Share",
    "Span",
    "Spec",
    "Target",
    "TargetView",
    "Tested",
    "View",
    "Workload",
    "show_amount",
    "show_duration",
    "show_rate",
    "show_share",
]
