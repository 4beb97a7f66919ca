"""Why: whether a Deployment may be hurt, and whether it came back, depends on what "settled" means for it."""

from collections.abc import Iterator, Sequence

from chaosctl.changes import look, same
from chaosctl.model import Json
from chaosctl.spec import Target, TargetView
from chaosctl.targets.fields import (
    TEMPLATE_HASH,
    condition,
    controller,
    items,
    number,
    template_hash,
    text,
    texts,
    uid,
)

REVISION = "/metadata/annotations/deployment.kubernetes.io~1revision"


def view(target: Target, workload: Json, replica_sets: Sequence[Json]) -> TargetView:
    """The Deployment as it stands; settled once no rollout is on its way and every replica is available."""
    unsettled = next(_reasons(workload), "")
    return TargetView(
        target=target,
        workload=workload,
        replicas=_wanted(workload),
        ready=number(workload, "/status/readyReplicas"),
        selector=selector(workload),
        revision=_revision(workload, replica_sets),
        settled=not unsettled,
        unsettled=unsettled,
    )


def selector(workload: Json) -> str:
    """Its label selector, as kubectl writes it."""
    labels = (
        f"{key}={value}" for key, value in sorted(texts(workload, "/spec/selector/matchLabels").items())
    )
    return ",".join([*labels, *map(_expression, items(workload, "/spec/selector/matchExpressions"))])


def _expression(expression: Json) -> str:
    key, operator = text(expression, "/key"), text(expression, "/operator")
    values = look(expression, "/values")
    among = ",".join(map(str, values)) if isinstance(values, list) else ""
    match operator:
        case "Exists":
            return key
        case "DoesNotExist":
            return f"!{key}"
    return f"{key} {operator.lower()} ({among})"


def _wanted(workload: Json) -> int:
    return number(workload, "/spec/replicas", absent=1)


def _reasons(workload: Json) -> Iterator[str]:
    """Why it is not settled, the most telling first."""
    wanted, total = _wanted(workload), number(workload, "/status/replicas")
    if look(workload, "/metadata/deletionTimestamp") is not None:
        yield "it is being deleted"
    if look(workload, "/spec/paused") is True:
        yield "its rollout is paused"
    if number(workload, "/status/observedGeneration") < number(workload, "/metadata/generation"):
        yield "its controller has not seen the latest change yet"
    if (condition(workload, "Progressing") or {}).get("status") == "False":
        yield "its rollout is stuck: the progress deadline has passed"
    for name, state in (
        ("updated", "of the latest template"),
        ("ready", "ready"),
        ("available", "available"),
    ):
        have = number(workload, f"/status/{name}Replicas")
        if have != wanted:
            yield f"{have} of {wanted} replicas are {state}"
    if total != wanted:
        yield f"it has {total} replicas, {wanted} are wanted"


def _revision(workload: Json, replica_sets: Sequence[Json]) -> str:
    """The hash of the ReplicaSet with the Deployment's template, else of the newest one.

    After an undo, the ReplicaSet with the right template is an old one.
    """
    own = [body for body in replica_sets if controller(body) == uid(workload)]
    current = [body for body in own if same(_template(body), _template(workload))]
    newest = sorted(current or own, key=lambda body: int(text(body, REVISION) or 0))
    return template_hash(newest[-1]) if newest else ""


def _template(document: Json) -> Json:
    """The pod template without the label that the controller adds, empty maps like absent ones."""
    labels = texts(document, "/spec/template/metadata/labels")
    labels.pop(TEMPLATE_HASH, None)
    annotations = texts(document, "/spec/template/metadata/annotations")
    return {
        "labels": {**labels},
        "annotations": {**annotations},
        "spec": look(document, "/spec/template/spec"),
    }
