"""Why: one line here is all that a new built-in probe needs beside its own file."""

from chaosctl.probes.agreement import Agreement
from chaosctl.probes.closed_nodes import ClosedNodes
from chaosctl.probes.error_rate import ErrorRate
from chaosctl.probes.http import HttpAnswer
from chaosctl.probes.k8s_condition import KubernetesCondition
from chaosctl.probes.latency import Latency
from chaosctl.probes.new_pods import NewPods
from chaosctl.probes.object_value import ObjectValue
from chaosctl.probes.pod_revision import PodRevision
from chaosctl.probes.pods_gone import PodsGone
from chaosctl.probes.pods_on_nodes import PodsOnNodes
from chaosctl.probes.prometheus import Prometheus
from chaosctl.probes.ready_replicas import ReadyReplicas
from chaosctl.probes.request_rate import RequestRate
from chaosctl.probes.restarts import Restarts
from chaosctl.probes.revision import Revision
from chaosctl.probes.slow_answers import SlowAnswers
from chaosctl.probes.statuses import Statuses
from chaosctl.probes.touched import Touched
from chaosctl.spec import Probe

PROBES: tuple[type[Probe], ...] = (
    Agreement,
    ClosedNodes,
    ErrorRate,
    HttpAnswer,
    KubernetesCondition,
    Latency,
    NewPods,
    ObjectValue,
    PodRevision,
    PodsGone,
    PodsOnNodes,
    Prometheus,
    ReadyReplicas,
    RequestRate,
    Restarts,
    Revision,
    SlowAnswers,
    Statuses,
    Touched,
)

__all__ = [
    "PROBES",
    "Agreement",
    "ClosedNodes",
    "ErrorRate",
    "HttpAnswer",
    "KubernetesCondition",
    "Latency",
    "NewPods",
    "ObjectValue",
    "PodRevision",
    "PodsGone",
    "PodsOnNodes",
    "Prometheus",
    "ReadyReplicas",
    "RequestRate",
    "Restarts",
    "Revision",
    "SlowAnswers",
    "Statuses",
    "Touched",
]
