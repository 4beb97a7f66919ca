"""Why: a release that never answers gives no samples; what the cluster says of its pods is evidence too."""

from collections.abc import Iterator, Sequence

from chaosctl.model import Json
from chaosctl.ports import Reader
from chaosctl.spec import TargetView
from chaosctl.targets.fields import condition, items, number, template_hash, text
from chaosctl.watchdog.rules import Objectives

RESTARTS = 2  # of a container of a new revision
LOOPING = "CrashLoopBackOff"
NO_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName"})


async def symptom(view: TargetView, objectives: Objectives, see: Reader, *, is_new: bool) -> str:
    """What is wrong with the current revision's pods or rollout, "" if nothing is. Raises ClusterError.

    An old revision's restarts may have come together in weeks; only a new one's tell something.
    """
    workload = view.workload
    if number(workload, "/status/observedGeneration") < number(workload, "/metadata/generation"):
        return ""  # what the status says is still about another template
    if objectives.crash_loop:
        pods = [pod for pod in await see.pods(view.ref) if template_hash(pod) == view.revision]
        found = next(_crashes(pods, RESTARTS if is_new else None), "")
        if found:
            return found
    return _stuck(workload) if objectives.progress_deadline else ""


def _crashes(pods: Sequence[Json], most: int | None) -> Iterator[str]:
    for pod in pods:
        for container in (
            *items(pod, "/status/initContainerStatuses"),
            *items(pod, "/status/containerStatuses"),
        ):
            waits, restarts = text(container, "/state/waiting/reason"), number(container, "/restartCount")
            who = f"container {text(container, '/name')} of {text(pod, '/metadata/name')}"
            if waits in NO_IMAGE:
                yield f"{who} waits in {waits}"
            if waits == LOOPING or (most is not None and restarts >= most):
                yield f"{who} crashes (restarts: {restarts})"


def _stuck(workload: Json) -> str:
    progressing = condition(workload, "Progressing") or {}
    late = (progressing.get("status"), progressing.get("reason")) == ("False", "ProgressDeadlineExceeded")
    return "its rollout is stuck: the progress deadline has passed" if late else ""
