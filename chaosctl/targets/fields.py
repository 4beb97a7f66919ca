"""Why: faults and probes ask the same few things of workloads and pods, and must get the same answers."""

from typing import cast

from pydantic import JsonValue

from chaosctl.changes import look
from chaosctl.errors import CannotPlan
from chaosctl.model import Json, Ref

CONTAINERS = "/spec/template/spec/containers"
TEMPLATE_HASH = "pod-template-hash"


def text(document: JsonValue, path: str) -> str:
    """The text at a JSON Pointer, "" where there is none."""
    found = look(document, path)
    return found if isinstance(found, str) else ""


def number(document: JsonValue, path: str, absent: int = 0) -> int:
    """The number at a JSON Pointer; Kubernetes leaves out zeros."""
    found = look(document, path)
    return found if isinstance(found, int) else absent


def items(document: JsonValue, path: str) -> list[Json]:
    """The objects in the list at a JSON Pointer."""
    found = look(document, path)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def texts(document: JsonValue, path: str) -> dict[str, str]:
    """The map of texts at a JSON Pointer: labels, annotations, a selector, data."""
    found = look(document, path)
    return cast("dict[str, str]", dict(found)) if isinstance(found, dict) else {}


def pointer(*keys: str) -> str:
    """The JSON Pointer through these keys (RFC 6901)."""
    return "".join(f"/{key.replace('~', '~0').replace('/', '~1')}" for key in keys)


def container_path(workload: Json, name: str = "") -> tuple[str, int]:
    """The JSON Pointer of a container in the pod template, and its index; the first one without a name.

    Raises CannotPlan.
    """
    names = [text(container, "/name") for container in items(workload, CONTAINERS)]
    if not names:
        raise CannotPlan(f"{text(workload, '/metadata/name')} has no containers")
    if name and name not in names:
        raise CannotPlan(f'no container is called "{name}": there is {", ".join(names)}')
    index = names.index(name) if name else 0
    return f"{CONTAINERS}/{index}", index


def selects(document: Json, path: str, workload: Json) -> bool:
    """Whether the label selector at a JSON Pointer may choose the workload's pods. Reads no expressions."""
    wanted = texts(document, f"{path}/matchLabels")
    return wanted.items() <= texts(workload, "/spec/template/metadata/labels").items()


def condition(document: Json, kind: str) -> Json | None:
    """A condition in the object's status, None where it says nothing of it."""
    return next((each for each in items(document, "/status/conditions") if each.get("type") == kind), None)


def pod_ref(pod: Json) -> Ref:
    return Ref(kind="Pod", namespace=text(pod, "/metadata/namespace"), name=text(pod, "/metadata/name"))


def uid(document: Json) -> str:
    return text(document, "/metadata/uid")


def template_hash(document: Json) -> str:
    """Which pod template a pod or a ReplicaSet was made from."""
    return text(document, f"/metadata/labels/{TEMPLATE_HASH}")


def is_leaving(pod: Json) -> bool:
    """Whether somebody deleted it already; it then gets no new requests."""
    return look(pod, "/metadata/deletionTimestamp") is not None


def is_ready(pod: Json) -> bool:
    """Whether it gets requests."""
    ready = condition(pod, "Ready") or {}
    return ready.get("status") == "True" and not is_leaving(pod)


def controller(document: Json) -> str:
    """The UID of its controller, "" where it has none."""
    owners = items(document, "/metadata/ownerReferences")
    return next((text(owner, "/uid") for owner in owners if owner.get("controller")), "")
