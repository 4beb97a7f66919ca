"""Why: people, pipelines and our own probes read a rollout from its conditions, word for word."""

from collections.abc import Sequence

from chaosctl.sandbox.api.objects import Json, timestamp
from chaosctl.sandbox.controllers.meta import condition, seconds_since
from chaosctl.sandbox.controllers.rollout import bounds, counted

FAILURE = "ReplicaFailure"
DONE, TIMED_OUT = "NewReplicaSetAvailable", "ProgressDeadlineExceeded"
_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas")


def status_of(deployment: Json, new: Json | None, sets: Sequence[Json]) -> Json:
    """The status without a judgement on progress."""
    available = counted(sets, "availableReplicas")
    numbers = (
        counted(sets, "replicas"),
        counted([new], "replicas") if new else 0,
        counted(sets, "readyReplicas"),
        available,
        max(0, sum(each["spec"]["replicas"] for each in sets) - available),
    )
    limits = bounds(deployment)
    if available >= limits.least_available:
        state = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        state = ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    conditions = (deployment.get("status") or {}).get("conditions") or []
    conditions = with_state(conditions, "Available", *state)
    return {
        "observedGeneration": deployment["metadata"]["generation"],
        **{name: number for name, number in zip(_COUNTS, numbers, strict=True) if number},
        "conditions": conditions,
    }


def judged(deployment: Json, status: Json, new: Json | None) -> Json:
    """The status with its Progressing condition: complete, on the way, or timed out."""
    spec, progressing = deployment["spec"], condition({"status": status}, "Progressing")
    if spec.get("progressDeadlineSeconds") is None:
        return {
            **status,
            "conditions": [each for each in status["conditions"] if each["type"] != "Progressing"],
        }
    settled = status.get("replicas", 0) == status.get("updatedReplicas", 0)
    if settled and progressing and progressing["reason"] == DONE:
        return status
    which = _which(deployment, new)
    if is_complete(deployment, status):
        state = ("True", DONE, f"{which} has successfully progressed.")
    elif _moves(deployment.get("status") or {}, status):
        return _refreshed(status, f"{which} is progressing.")
    elif _timed_out(deployment, progressing):
        state = ("False", TIMED_OUT, f"{which} has timed out progressing.")
    else:
        return status
    return {**status, "conditions": with_state(status["conditions"], "Progressing", *state)}


def with_failure(status: Json, sets: Sequence[Json]) -> Json:
    """The status with the first of the ReplicaSets' failures, or without one."""
    found = next((each for one in sets if (each := condition(one, FAILURE))), None)
    if found is None:
        return {**status, "conditions": [each for each in status["conditions"] if each["type"] != FAILURE]}
    state = (found["status"], found["reason"], found["message"])
    return {**status, "conditions": with_state(status["conditions"], FAILURE, *state)}


def is_complete(deployment: Json, status: Json) -> bool:
    """Whether every replica is of the new template and available, and no other is left."""
    wanted = deployment["spec"]["replicas"]
    counts = (status.get(name, 0) for name in ("updatedReplicas", "replicas", "availableReplicas"))
    return all(count == wanted for count in counts)


def seconds_to_deadline(deployment: Json) -> float | None:
    """Until the rollout counts as stuck; None if it cannot, or does already."""
    progressing = condition(deployment, "Progressing")
    deadline: int | None = deployment["spec"].get("progressDeadlineSeconds")
    if deadline is None or progressing is None or progressing["reason"] in {DONE, TIMED_OUT}:
        return None
    if deployment["spec"].get("paused"):
        return None
    return max(0.0, deadline - seconds_since(progressing["lastUpdateTime"])) + 0.01


def with_state(conditions: Sequence[Json], kind: str, status: str, reason: str, message: str) -> list[Json]:
    """The conditions with this one; unchanged if status and reason are as they were."""
    old = next((each for each in conditions if each["type"] == kind), None)
    if old and (old["status"], old["reason"]) == (status, reason):
        return list(conditions)
    now = timestamp()
    since = old["lastTransitionTime"] if old and old["status"] == status else now
    new = {
        "type": kind,
        "status": status,
        "lastUpdateTime": now,
        "lastTransitionTime": since,
        "reason": reason,
        "message": message,
    }
    return [*(each for each in conditions if each["type"] != kind), new]


def _refreshed(status: Json, message: str) -> Json:
    """Progress moves the time from which the deadline counts, also where the reason stays."""
    old = condition({"status": status}, "Progressing")
    rest = [each for each in status["conditions"] if each["type"] != "Progressing"]
    conditions = with_state(rest, "Progressing", "True", "ReplicaSetUpdated", message)
    if old and old["status"] == "True":
        conditions[-1]["lastTransitionTime"] = old["lastTransitionTime"]
    return {**status, "conditions": conditions}


def _moves(before: Json, after: Json) -> bool:
    def old_ones(status: Json) -> int:
        return int(status.get("replicas", 0) - status.get("updatedReplicas", 0))

    grows = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return old_ones(after) < old_ones(before) or any(
        after.get(name, 0) > before.get(name, 0) for name in grows
    )


def _timed_out(deployment: Json, progressing: Json | None) -> bool:
    if progressing is None or progressing["reason"] == DONE or deployment["spec"].get("paused"):
        return False
    if progressing["reason"] == TIMED_OUT:
        return True
    since = seconds_since(progressing["lastUpdateTime"])
    return since >= float(deployment["spec"]["progressDeadlineSeconds"])


def _which(deployment: Json, new: Json | None) -> str:
    if new is None:
        return f'Deployment "{deployment["metadata"]["name"]}"'
    return f'ReplicaSet "{new["metadata"]["name"]}"'
