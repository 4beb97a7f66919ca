"""What tests look for in objects."""

from typing import Any

Json = dict[str, Any]


def condition(body: Json, kind: str) -> Json:
    found = body.get("status", {}).get("conditions") or []
    return next((each for each in found if each["type"] == kind), {})


def says(kind: str, status: str = "True", reason: str = ""):
    """Whether a condition has this status, and this reason where one is given."""

    def holds(body: Json) -> bool:
        found = condition(body, kind)
        return found.get("status") == status and reason in {"", found.get("reason")}

    return holds


def is_ready(pod: Json) -> bool:
    return condition(pod, "Ready").get("status") == "True" and "deletionTimestamp" not in pod["metadata"]


def phase(wanted: str):
    return lambda body: body.get("status", {}).get("phase") == wanted


def rolled_out(deployment: Json) -> bool:
    """Every replica is of the latest template and available, and no other is left."""
    status, wanted = deployment.get("status", {}), deployment["spec"]["replicas"]
    seen = status.get("observedGeneration") == deployment["metadata"]["generation"]
    counts = [status.get(f"{each}eplicas", 0) for each in ("r", "updatedR", "readyR", "availableR")]
    return seen and counts == [wanted] * 4


def main_status(pod: Json) -> Json:
    """The state of its first container; empty before there is one."""
    found = pod.get("status", {}).get("containerStatuses") or [{}]
    return found[0]


def waits_for(pod: Json) -> str:
    return main_status(pod).get("state", {}).get("waiting", {}).get("reason", "")


def revision(body: Json) -> str:
    return body["metadata"].get("annotations", {}).get("deployment.kubernetes.io/revision", "")


def managers(body: Json) -> list[tuple[str, str]]:
    return [(each["manager"], each["operation"]) for each in body["metadata"].get("managedFields", [])]


def fields_of(body: Json, manager: str, operation: str = "Update") -> Json:
    entries = body["metadata"]["managedFields"]
    wanted = (manager, operation)
    return next(each["fieldsV1"] for each in entries if (each["manager"], each["operation"]) == wanted)
