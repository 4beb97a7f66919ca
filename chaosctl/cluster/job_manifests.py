"""Why: what a run puts beside its target so that somebody undoes it must be plain to see, small and harmless.

The Job comes first, and owns the rest: whoever or whatever takes the Job away takes all of it away.
"""

import base64
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from pydantic import JsonValue

from chaosctl.changes import text_at
from chaosctl.cluster.ledger import MANAGED_BY, RUN, US
from chaosctl.image import image
from chaosctl.model import Banish, Evict, Json, Patch, Plan, Ref

COMPONENT = "app.kubernetes.io/component"
GUARDIAN = "guardian"
SELECTOR = f"{MANAGED_BY}={US},{COMPONENT}={GUARDIAN}"
WATCHES = "chaosctl.dev/watches"
KEY = "CHAOSCTL_LEDGER_KEY"
LINGER = timedelta(hours=24)  # for an undo that fails and is tried again, after the longest that a run takes
TTL = timedelta(seconds=60)  # until a Job that has ended goes, and all that it owns
RESTARTS = 1000  # a guardian is not given up because it was restarted often
JOB = Ref(api_version="batch/v1", kind="Job", name="")
RBAC = "rbac.authorization.k8s.io"
OWNED = (
    Ref(kind="ServiceAccount", name=""),
    Ref(api_version=f"{RBAC}/v1", kind="Role", name=""),
    Ref(api_version=f"{RBAC}/v1", kind="RoleBinding", name=""),
    Ref(kind="Secret", name=""),
)
HARMLESS: Json = {
    "runAsNonRoot": True,
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
NO_MESH: Json = {"sidecar.istio.io/inject": "false", "linkerd.io/inject": "disabled"}  # a sidecar never ends


class Wanted(NamedTuple):
    """A guardian for one run: whose, of which ledger, for how long, away from which nodes."""

    run: str
    where: Ref
    longest: timedelta
    nodes: tuple[str, ...] = ()
    pull_secrets: tuple[str, ...] = ()

    def named(self, kind: Ref) -> Ref:
        """One of its objects: all have the same name, and lie beside the ledger."""
        return kind.model_copy(
            update={"namespace": self.where.namespace, "name": f"chaosctl-guardian-{self.run}"}
        )

    @property
    def job(self) -> Ref:
        return self.named(JOB)


def nodes_of(plans: Sequence[Plan]) -> tuple[str, ...]:
    """The nodes that plans do something to."""
    return tuple(dict.fromkeys(name for plan in plans for name in _nodes(plan)))


def job(wanted: Wanted) -> Json:
    """The Job, suspended: it starts when all that it needs is there."""
    spec: Json = {
        "suspend": True,
        "backoffLimit": RESTARTS,
        "activeDeadlineSeconds": int((wanted.longest + LINGER).total_seconds()),
        "ttlSecondsAfterFinished": int(TTL.total_seconds()),
        "template": {"metadata": {"labels": _labels(wanted), "annotations": NO_MESH}, "spec": _pod(wanted)},
    }
    watches: Json = {WATCHES: f"{wanted.where.namespace}/{wanted.where.name}"}
    metadata: Json = {"labels": _labels(wanted), "annotations": watches}
    return {"metadata": metadata, "spec": spec}


def owned(wanted: Wanted, job_uid: str, rules: Sequence[JsonValue], key: bytes) -> Iterator[tuple[Ref, Json]]:
    """What the Job needs and takes with it; `key` is that of its ledger alone."""
    name = wanted.job.name
    subject: Json = {"kind": "ServiceAccount", "name": name, "namespace": wanted.where.namespace}
    bodies: tuple[Json, ...] = (
        {},
        {"rules": list(rules)},
        {"roleRef": {"apiGroup": RBAC, "kind": "Role", "name": name}, "subjects": [subject]},
        {"immutable": True, "data": {"key": base64.b64encode(key.hex().encode()).decode()}},
    )
    owner: Json = {"apiVersion": JOB.api_version, "kind": JOB.kind, "name": name, "uid": job_uid}
    metadata: Json = {"labels": _labels(wanted), "ownerReferences": [owner]}
    for kind, body in zip(OWNED, bodies, strict=True):
        yield wanted.named(kind), {"metadata": metadata, **body}


def role(wanted: Wanted, rules: Sequence[JsonValue]) -> tuple[Ref, Json]:
    """The Role alone, to try out whether it may be granted."""
    return wanted.named(OWNED[1]), {"metadata": {"labels": _labels(wanted)}, "rules": list(rules)}


def run_of(body: Json) -> str:
    """The run that a Job of ours was made for."""
    return text_at(body, f"/metadata/labels/{RUN.replace('/', '~1')}")


def ledger_of(body: Json) -> Ref:
    """The ledger that a Job of ours watches."""
    namespace, _, name = text_at(body, f"/metadata/annotations/{WATCHES.replace('/', '~1')}").partition("/")
    return Ref(kind="ConfigMap", namespace=namespace, name=name)


def _pod(wanted: Wanted) -> Json:
    secrets: Json = {"imagePullSecrets": [{"name": name} for name in wanted.pull_secrets]}
    return {
        "serviceAccountName": wanted.job.name,
        "restartPolicy": "OnFailure",
        "terminationGracePeriodSeconds": 5,
        "containers": [_container(wanted)],
        **(secrets if wanted.pull_secrets else {}),
        **({"affinity": _elsewhere(wanted.nodes)} if wanted.nodes else {}),
    }


def _container(wanted: Wanted) -> Json:
    ledger = f"{wanted.where.namespace}/{wanted.where.name}"
    key: Json = {"secretKeyRef": {"name": wanted.job.name, "key": "key"}}
    return {
        "name": GUARDIAN,
        "image": image(),
        "args": [GUARDIAN, f"--ledger={ledger}", f"--run={wanted.run}"],
        "env": [{"name": KEY, "valueFrom": key}],
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": HARMLESS,
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _elsewhere(nodes: Sequence[str]) -> Json:
    """On none of these nodes; a field takes one value at a time."""
    apart: list[JsonValue] = [
        {"key": "metadata.name", "operator": "NotIn", "values": [name]} for name in nodes
    ]
    required: Json = {"nodeSelectorTerms": [{"matchFields": apart}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}


def _labels(wanted: Wanted) -> Json:
    return {RUN: wanted.run, MANAGED_BY: US, COMPONENT: GUARDIAN}


def _nodes(plan: Plan) -> Iterator[str]:
    for step in plan:
        if isinstance(step, Banish | Evict):
            yield from step.nodes
        elif isinstance(step, Patch) and step.ref.kind == "Node":
            yield step.ref.name
