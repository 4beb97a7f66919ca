"""Why: the status that people read of a pod is put together from many fields, by kubectl's own old rules."""

from collections.abc import Callable
from typing import Any

from chaosctl.sandbox.api.objects import Json, dig


def ready_containers(pod: Json) -> str:
    statuses = dig(pod, "status.containerStatuses") or ()
    ready = sum(bool(each.get("ready") and "running" in (each.get("state") or {})) for each in statuses)
    return f"{ready}/{len(pod['spec']['containers'])}"


def restarts(pod: Json, ago: Callable[[str], str]) -> str:
    """How often, and how long ago the last time."""
    statuses = dig(pod, "status.containerStatuses") or ()
    count = sum(each.get("restartCount", 0) for each in statuses)
    ends = [end for each in statuses if (end := dig(each, "lastState.terminated.finishedAt"))]
    return f"{count} ({ago(max(ends))} ago)" if count and ends else str(count)


def status_of(pod: Json) -> str:
    """Terminating, or what keeps a container from running, or the phase."""
    status = pod.get("status") or {}
    if "deletionTimestamp" in pod["metadata"]:
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    if initializing := _initializing(pod):
        return initializing
    reason = status.get("reason") or status.get("phase") or "Unknown"
    running = False
    for each in reversed(status.get("containerStatuses") or ()):
        state = each.get("state") or {}
        running = running or bool(each.get("ready") and "running" in state)
        reason = _stopped(state) or reason
    if reason == "Completed" and running:
        return "Running"
    return str(reason)


def _initializing(pod: Json) -> str | None:
    statuses = dig(pod, "status.initContainerStatuses") or ()
    for index, each in enumerate(statuses):
        state = each.get("state") or {}
        if dig(state, "terminated.exitCode") == 0:
            continue
        reason = _stopped(state)
        if reason and reason != "PodInitializing":
            return f"Init:{reason}"
        return f"Init:{index}/{len(pod['spec'].get('initContainers') or ())}"
    return None


def _stopped(state: Json) -> Any:  # noqa: ANN401  # a reason, as somebody wrote it
    if waiting := dig(state, "waiting.reason"):
        return waiting
    ended = state.get("terminated")
    if not ended:
        return None
    if ended.get("reason"):
        return ended["reason"]
    return f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended.get('exitCode', 0)}"
