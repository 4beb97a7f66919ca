"""Why: load workers and guardians run as Jobs in a cluster, so retries, indexes and ends must be right."""

from collections.abc import Iterator, Sequence

from chaosctl.copying import copy_json
from chaosctl.sandbox.api.objects import Json, dig, timestamp
from chaosctl.sandbox.api.store import Change, Store
from chaosctl.sandbox.controllers.backoff import BackOff
from chaosctl.sandbox.controllers.events import Recorder
from chaosctl.sandbox.controllers.loop import Controller
from chaosctl.sandbox.controllers.meta import (
    Key,
    annotations_of,
    condition,
    controller_of,
    controller_reference,
    is_active,
    is_controlled_by,
    is_ready,
    is_terminating,
    key_of,
    seconds_since,
    with_condition,
)

_HERALDS = {"Complete": "SuccessCriteriaMet", "Failed": "FailureTarget"}  # told before the end itself
_COUNTS = frozenset({"active", "succeeded", "failed"})  # left out where they are zero
INDEX = "batch.kubernetes.io/job-completion-index"
_SOURCE = "job-controller"
_INDEX_VARIABLE: Json = {
    "name": "JOB_COMPLETION_INDEX",
    "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.labels['{INDEX}']"}},
}


class JobController(Controller):
    """Pods of a Job until enough succeeded or too many failed."""

    def __init__(self, store: Store, recorder: Recorder, back_off: BackOff) -> None:
        self._back_off = back_off
        super().__init__(store, recorder)
        self._jobs, self._pods = store.resource("batch/v1", "jobs"), store.resource("v1", "pods")

    def keys(self, change: Change) -> Iterator[Key]:
        if change.resource == self._jobs:
            yield key_of(change.object)
        elif change.resource == self._pods:
            owner = controller_of(change.object)
            if owner is not None and owner["kind"] == "Job":
                yield change.object["metadata"]["namespace"], owner["name"]

    def sync(self, key: Key) -> float | None:
        job = self.store.find(self._jobs, *key)
        if job is None or is_terminating(job):
            return None
        if _ended(job):
            return self._expire(job)
        tally = _Tally(job, self._own(job))
        verdict = tally.verdict()
        if verdict is not None or job["spec"].get("suspend"):
            self._end(job, tally.active)
        elif pause := tally.pause(self._back_off):
            self._write(job, tally, None)
            return pause
        else:
            self._create_missing(job, tally)
        self._write(job, _Tally(job, self._own(job)), verdict)
        return _seconds_left(job)

    def _own(self, job: Json) -> list[Json]:
        found = self.store.dependents(job["metadata"]["uid"])
        return [each for each in found if each["kind"] == "Pod" and is_controlled_by(each, job)]

    def _expire(self, job: Json) -> float | None:
        lifetime = job["spec"].get("ttlSecondsAfterFinished")
        if lifetime is None:
            return None
        left = float(lifetime) - seconds_since(_ended(job)["lastTransitionTime"])
        if left > 0:
            return left + 0.01
        self.store.delete(self._jobs, *key_of(job), uid=job["metadata"]["uid"])
        return None

    def _end(self, job: Json, pods: Sequence[Json]) -> None:
        for pod in pods:
            self.store.delete(self._pods, *key_of(pod), uid=pod["metadata"]["uid"])
            text = f"Deleted pod: {pod['metadata']['name']}"
            self.recorder.normal(job, "SuccessfulDelete", text, _SOURCE)

    def _create_missing(self, job: Json, tally: "_Tally") -> None:
        for index in tally.missing():
            pod = self.store.create(
                self._pods, job["metadata"]["namespace"], _pod(job, index), manager=_SOURCE
            )
            self.recorder.normal(job, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}", _SOURCE)

    def _write(self, job: Json, tally: "_Tally", verdict: tuple[str, str, str] | None) -> None:
        status = {**_begun(job), **tally.status()}
        for name in _COUNTS - tally.status().keys():
            status.pop(name, None)
        if verdict is not None:
            kind, reason, message = verdict
            now = timestamp()
            state = {"status": "True", "reason": reason, "message": message, "lastProbeTime": now}
            for each in (_HERALDS[kind], kind):
                known = status.get("conditions") or []
                status["conditions"] = with_condition(known, {"type": each, **state})
            if kind == "Complete":
                status["completionTime"] = now
                self.recorder.normal(job, "Completed", "Job completed", _SOURCE)
            else:
                self.recorder.warning(job, reason, message, _SOURCE)
        self.store.update(
            self._jobs,
            *key_of(job),
            lambda body: {**body, "status": status},
            manager=_SOURCE,
            subresource="status",
        )


class _Tally:
    """What a Job's pods have come to."""

    def __init__(self, job: Json, pods: Sequence[Json]) -> None:
        self._spec = job["spec"]
        self._job = job
        self._indexed = self._spec.get("completionMode") == "Indexed"
        self.active = [pod for pod in pods if is_active(pod)]
        self._succeeded = [pod for pod in pods if dig(pod, "status.phase") == "Succeeded"]
        self._failed = [pod for pod in pods if dig(pod, "status.phase") == "Failed"]

    @property
    def _done(self) -> int:
        """Completions: indexes, or pods."""
        return len(self._done_indexes) if self._indexed else len(self._succeeded)

    @property
    def _done_indexes(self) -> set[int]:
        return {_index(pod) for pod in self._succeeded}

    def verdict(self) -> tuple[str, str, str] | None:
        """The final condition as (type, reason, message), once there is one."""
        failures = len(self._failed) + sum(map(_restarts, self.active))
        deadline = self._spec.get("activeDeadlineSeconds")
        if failures > self._spec.get("backoffLimit", 6):
            return "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit"
        if deadline is not None and _age(self._job) >= deadline:
            return "Failed", "DeadlineExceeded", "Job was active longer than specified deadline"
        wanted = self._spec.get("completions")
        # Without a number it is a work queue: one success ends it, when the others have ended.
        queue_done = bool(self._succeeded) and not self.active
        done = queue_done if wanted is None else self._done >= wanted
        return (
            ("Complete", "CompletionsReached", "Reached expected number of succeeded pods") if done else None
        )

    def missing(self) -> Sequence[int | None]:
        """The indexes of the pods to create now; None where pods have no index."""
        wanted, parallel = self._spec.get("completions"), self._spec.get("parallelism", 1)
        room = parallel - len(self.active)
        if self._indexed:
            taken = self._done_indexes | {_index(pod) for pod in self.active}
            return [index for index in range(wanted or 0) if index not in taken][: max(0, room)]
        if wanted is None:
            room = 0 if self._succeeded else room
        else:
            room = min(room, wanted - self._done - len(self.active))
        return [None] * max(0, room)

    def pause(self, back_off: BackOff) -> float:
        """Seconds until a failed pod may be replaced."""
        ends = [text for pod in self._failed if (text := _finished(pod))]
        if not ends:
            return 0.0
        return max(0.0, back_off.pause(len(self._failed)) - seconds_since(max(ends)))

    def status(self) -> Json:
        counts = {"active": len(self.active), "succeeded": self._done, "failed": len(self._failed)}
        return {
            **{name: count for name, count in counts.items() if count},
            "ready": sum(map(is_ready, self.active)),
            "terminating": 0,
            "uncountedTerminatedPods": {},
            **({"completedIndexes": _ranges(sorted(self._done_indexes))} if self._indexed else {}),
        }


def _pod(job: Json, index: int | None) -> Json:
    template, meta = copy_json(job["spec"]["template"]), job["metadata"]
    wanted = template.get("metadata") or {}
    labels, annotations = dict(wanted.get("labels") or {}), wanted.get("annotations") or {}
    if index is not None:
        labels[INDEX], annotations = str(index), {**annotations, INDEX: str(index)}
        for container in template["spec"]["containers"]:
            container.setdefault("env", []).append(_INDEX_VARIABLE)
        template["spec"].setdefault("hostname", f"{meta['name']}-{index}")
    suffix = "" if index is None else f"{index}-"
    return {
        "metadata": {
            "generateName": f"{meta['name']}-{suffix}",
            "labels": labels,
            "annotations": annotations,
            "ownerReferences": [controller_reference(job)],
        },
        "spec": template["spec"],
    }


def _begun(job: Json) -> Json:
    """The status so far. A Job has no start while it is suspended, so that its deadline waits as well."""
    status = {**(job.get("status") or {})}
    suspended = bool(job["spec"].get("suspend"))
    if suspended or condition(job, "Suspended"):
        what = "suspended" if suspended else "resumed"
        state: Json = {"type": "Suspended", "status": str(suspended), "reason": f"Job{what.capitalize()}"}
        state |= {"message": f"Job {what}", "lastProbeTime": None}
        status["conditions"] = with_condition(status.get("conditions") or [], state)
    began = status.pop("startTime", None)
    return status if suspended else {**status, "startTime": began or timestamp()}


def _ended(job: Json) -> Json:
    """The final condition, or an empty one."""
    return condition(job, "Complete") or condition(job, "Failed") or {}


def _index(pod: Json) -> int:
    return int(annotations_of(pod).get(INDEX, "-1"))


def _restarts(pod: Json) -> int:
    """Failures that a kubelet has dealt with itself."""
    return sum(each["restartCount"] for each in dig(pod, "status.containerStatuses") or ())


def _finished(pod: Json) -> str:
    """When its last container ended; empty if that is unknown."""
    statuses = dig(pod, "status.containerStatuses") or ()
    return max((dig(each, "state.terminated.finishedAt") or "" for each in statuses), default="")


def _age(job: Json) -> float:
    started = dig(job, "status.startTime")
    return seconds_since(started) if started else 0.0


def _seconds_left(job: Json) -> float | None:
    deadline = job["spec"].get("activeDeadlineSeconds")
    return None if deadline is None else max(0.0, deadline - _age(job)) + 0.01


def _ranges(indexes: Sequence[int]) -> str:
    """Indexes as Kubernetes writes them: `0-2,5`; two neighbours are `0,1`."""
    parts: list[list[int]] = []
    for index in indexes:
        if parts and index == parts[-1][-1] + 1:
            parts[-1].append(index)
        else:
            parts.append([index])
    return ",".join(_range(part) for part in parts)


def _range(part: Sequence[int]) -> str:
    long = len(part) > 2  # noqa: PLR2004  # it has a middle
    return f"{part[0]}-{part[-1]}" if long else ",".join(map(str, part))
