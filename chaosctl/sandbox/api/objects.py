"""Why: Kubernetes objects are plain JSON here, immutable once stored; this is what all do with them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]


def timestamp(later: timedelta = timedelta()) -> str:
    """The time as Kubernetes writes it, to the second."""
    return (datetime.now(UTC) + later).strftime("%Y-%m-%dT%H:%M:%SZ")


def dig(value: Any, path: str) -> Any:  # noqa: ANN401  # any JSON value
    """What lies at a dotted path of an object, or None."""
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def pod_spec(kind: str, body: Json) -> Json | None:
    """The pod spec in a Pod, or in the template of a workload, if it has one."""
    paths = {"Pod": "spec", "CronJob": "spec.jobTemplate.spec.template.spec", "PodTemplate": "template.spec"}
    found = dig(body, paths.get(kind, "spec.template.spec"))
    return found if isinstance(found, dict) else None


def containers(spec: Json) -> Iterator[Json]:
    """All containers of a pod spec, the initial ones first."""
    for field in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(field) or ()
