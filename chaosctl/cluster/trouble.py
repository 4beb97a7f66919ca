"""Why: "it did not start" helps nobody. What the cluster says about a Job's pods is told as it is."""

from collections.abc import Iterator, Sequence
from typing import cast

from chaosctl.changes import look
from chaosctl.cluster.responses import clean
from chaosctl.errors import ClusterError
from chaosctl.model import Json, Ref
from chaosctl.ports import Reader

USUAL = frozenset({"ContainerCreating", "PodInitializing"})


async def of_job(job: Ref, see: Reader) -> str:
    """What keeps a Job's pods from running; empty where nothing does, or where we may not look."""
    return await of_pods(job, f"batch.kubernetes.io/job-name={job.name}", see)


async def of_workload(ref: Ref, body: Json, see: Reader) -> str:
    """The same of a workload as it was seen: it may not even get pods."""
    labels = cast("Json", look(body, "/spec/selector/matchLabels") or {})
    selector = ",".join(f"{name}={value}" for name, value in labels.items())
    refused = [
        _said(one)
        for one in _list(body, "/status/conditions")
        if (one.get("type"), one.get("status")) == ("ReplicaFailure", "True")
    ]
    return clean("; ".join(refused)) or await of_pods(ref, selector, see)


async def of_pods(owner: Ref, selector: str, see: Reader) -> str:
    """The same of a workload, whose pods the selector finds."""
    try:
        pods = await see.find(_beside(owner, "Pod"), selector=selector)
        found = [why for pod in pods for why in _of_pod(pod)]
        found = found or [why for pod in pods for why in await _warnings(pod, see)]
        if not pods:
            found = await _warnings({"metadata": {"namespace": owner.namespace, "name": owner.name}}, see)
    except ClusterError:
        return ""
    return clean("; ".join(dict.fromkeys(found)))


def _of_pod(pod: Json) -> Iterator[str]:
    for condition in _list(pod, "/status/conditions"):
        if (condition.get("type"), condition.get("status")) == ("PodScheduled", "False"):
            yield _said(condition)
    for container in _list(pod, "/status/containerStatuses"):
        waiting = look(container, "/state/waiting")
        ended = look(container, "/state/terminated") or look(container, "/lastState/terminated")
        if isinstance(ended, dict) and ended.get("exitCode"):
            yield f"it ended with exit code {ended.get('exitCode')}: {_said(ended)}"
        elif isinstance(waiting, dict) and waiting.get("reason") not in USUAL:
            yield _said(waiting)


async def _warnings(body: Json, see: Reader) -> list[str]:
    """The last warning of each kind about an object; where there is none, the image that does not come."""
    name = str(look(body, "/metadata/name"))
    like = Ref(kind="Event", namespace=str(look(body, "/metadata/namespace")), name="")
    found = await see.find(like, fields=f"involvedObject.name={name}")
    warnings = {str(event.get("reason")): _said(event) for event in found if event.get("type") == "Warning"}
    by_reason = {str(event.get("reason")): _said(event) for event in found}
    pulling = [by_reason["Pulling"]] if "Pulling" in by_reason and "Pulled" not in by_reason else []
    return list(warnings.values()) or pulling


def _said(what: Json) -> str:
    return ": ".join(str(what[key]).strip() for key in ("reason", "message") if what.get(key))


def _list(body: Json, path: str) -> Sequence[Json]:
    return cast("Sequence[Json]", look(body, path) or ())


def _beside(owner: Ref, kind: str) -> Ref:
    return Ref(kind=kind, namespace=owner.namespace, name="")
