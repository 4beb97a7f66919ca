"""Why: every controller asks the same questions about owners, labels and pods, and must get one answer."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from chaosctl.sandbox.api.objects import Json, timestamp

Key = tuple[str, str]  # namespace, name


def key_of(obj: Json) -> Key:
    return obj["metadata"].get("namespace") or "", obj["metadata"]["name"]


def matches(selector: Json | None, labels: Mapping[str, str] | None) -> bool:
    """Whether a LabelSelector chooses these labels. None chooses nothing, {} everything."""
    if selector is None:
        return False
    have = labels or {}
    exact = all(have.get(name) == value for name, value in (selector.get("matchLabels") or {}).items())
    return exact and all(_holds(term, have) for term in selector.get("matchExpressions") or ())


def _holds(term: Json, labels: Mapping[str, str]) -> bool:
    key, values = term["key"], term.get("values") or ()
    match term["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels


def labels_of(obj: Json) -> dict[str, str]:
    return obj["metadata"].get("labels") or {}


def annotations_of(obj: Json) -> dict[str, str]:
    return obj["metadata"].get("annotations") or {}


def controller_of(obj: Json) -> Json | None:
    """The owner reference of the controller that manages the object."""
    owners = obj["metadata"].get("ownerReferences") or ()
    return next((owner for owner in owners if owner.get("controller")), None)


def is_controlled_by(obj: Json, owner: Json) -> bool:
    reference = controller_of(obj)
    return reference is not None and reference["uid"] == owner["metadata"]["uid"]


def controller_reference(owner: Json) -> Json:
    """What a controlled object carries to say so."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def is_terminating(obj: Json) -> bool:
    return bool(obj["metadata"].get("deletionTimestamp"))


def is_finished(pod: Json) -> bool:
    return (pod.get("status") or {}).get("phase") in {"Succeeded", "Failed"}


def is_active(pod: Json) -> bool:
    """Whether it counts as a replica."""
    return not is_terminating(pod) and not is_finished(pod)


def condition(obj: Json, kind: str) -> Json | None:
    """The condition of this type in the object's status."""
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each["type"] == kind), None)


def is_ready(pod: Json) -> bool:
    found = condition(pod, "Ready")
    return found is not None and found["status"] == "True"


def seconds_until_available(pod: Json, min_ready_seconds: int) -> float | None:
    """0 once it was ready for long enough, else the seconds to wait; None while it is not ready."""
    found = condition(pod, "Ready")
    if found is None or found["status"] != "True":
        return None
    return max(0.0, min_ready_seconds - seconds_since(found.get("lastTransitionTime") or ""))


def seconds_since(time: str) -> float:
    """Seconds since a Kubernetes time; a missing one was long ago."""
    return (datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds() if time else float("inf")


def with_condition(conditions: Iterable[Json], new: Json) -> list[Json]:
    """The conditions with this one set. Its transition time moves only when its status does."""
    kept = [each for each in conditions if each["type"] != new["type"]]
    old = next((each for each in conditions if each["type"] == new["type"]), None)
    same = old is not None and old["status"] == new["status"]
    since = old.get("lastTransitionTime") if old is not None and same else None
    return [*kept, {**new, "lastTransitionTime": since or timestamp()}]


def scaled(value: int | str, total: int, *, up: bool) -> int:
    """A number, or a percentage of the total, rounded up or down."""
    if isinstance(value, str) and value.endswith("%"):
        share = int(value[:-1]) * total
        return -(-share // 100) if up else share // 100
    return int(value)
