"""Why: a release, good or bad, reaches pods through a rollout, and `undo` goes back through the same one.

One sync, as in Kubernetes: find the ReplicaSets and their revisions; paused or just scaled, only scale; else
let the strategy take one step; then write the status. Every step is a change, which brings the next sync.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence

from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.store import Change, Store
from chaosctl.sandbox.controllers import deployment_status as progress
from chaosctl.sandbox.controllers import rollout
from chaosctl.sandbox.controllers.events import Recorder
from chaosctl.sandbox.controllers.loop import Controller
from chaosctl.sandbox.controllers.meta import (
    Key,
    annotations_of,
    condition,
    controller_of,
    controller_reference,
    is_controlled_by,
    is_finished,
    is_terminating,
    key_of,
    labels_of,
    matches,
)

HASH = "pod-template-hash"
_HISTORY = "deployment.kubernetes.io/revision-history"
_OWN = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        "deprecated.deployment.rollback.to",
        rollout.REVISION,
        _HISTORY,
        rollout.DESIRED,
        rollout.MAXIMUM,
    }
)  # annotations that a ReplicaSet does not take over
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_SOURCE = "deployment-controller"


class DeploymentController(Controller):
    """Rolls a Deployment's template out over ReplicaSets."""

    def __init__(self, store: Store, recorder: Recorder) -> None:
        super().__init__(store, recorder)
        self._deployments = store.resource("apps/v1", "deployments")
        self._sets, self._pods = store.resource("apps/v1", "replicasets"), store.resource("v1", "pods")

    def keys(self, change: Change) -> Iterator[Key]:
        if change.resource == self._deployments:
            yield key_of(change.object)
        elif change.resource == self._sets:
            yield from self._owners(change.object)
        elif change.resource == self._pods and change.type == "DELETED":  # Recreate waits for the last one
            owner = controller_of(change.object)
            namespace = change.object["metadata"]["namespace"]
            if owner and (found := self.store.find(self._sets, namespace, owner["name"])):
                yield from self._owners(found)

    def sync(self, key: Key) -> float | None:
        deployment = self.store.find(self._deployments, *key)
        if deployment is None:
            return None
        if is_terminating(deployment):
            return self._finish(deployment)
        self._claim(deployment)
        deployment = self._note_pause(deployment)
        if deployment["spec"].get("paused") or self._was_scaled(deployment):
            deployment = self._revise(deployment)
            self._scale(deployment)
            self._clean(deployment)
        elif (deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
            self._recreate(deployment)
        else:
            self._roll(deployment)
        return self._finish(self.store.get(self._deployments, *key))

    # Finding

    def _owners(self, replica_set: Json) -> Iterator[Key]:
        owner = controller_of(replica_set)
        namespace = replica_set["metadata"]["namespace"]
        if owner is not None:
            if owner["kind"] == "Deployment":
                yield namespace, owner["name"]
            return
        for deployment in self.store.list(self._deployments, namespace):
            if matches(deployment["spec"]["selector"], labels_of(replica_set)):
                yield key_of(deployment)

    def _claim(self, deployment: Json) -> None:
        """Adopt ReplicaSets that nobody controls and the selector chooses."""

        def adopted(body: Json) -> Json:
            body["metadata"].setdefault("ownerReferences", []).append(controller_reference(deployment))
            return body

        for each in self.store.list(self._sets, deployment["metadata"]["namespace"]):
            chosen = matches(deployment["spec"]["selector"], labels_of(each))
            if chosen and controller_of(each) is None and not is_terminating(each):
                self.store.update(self._sets, *key_of(each), adopted, manager=_SOURCE)

    def _all(self, deployment: Json) -> list[Json]:
        found = self.store.dependents(deployment["metadata"]["uid"])
        return [each for each in found if each["kind"] == "ReplicaSet" and is_controlled_by(each, deployment)]

    def _new(self, deployment: Json) -> Json | None:
        """The ReplicaSet of the present template, the oldest if there are several."""
        wanted = _comparable(deployment["spec"]["template"])
        same = [each for each in self._all(deployment) if _comparable(each["spec"]["template"]) == wanted]
        return min(same, key=lambda each: each["metadata"]["creationTimestamp"], default=None)

    def _old(self, deployment: Json) -> list[Json]:
        new = self._new(deployment)
        return [each for each in self._all(deployment) if new is None or key_of(each) != key_of(new)]

    def _was_scaled(self, deployment: Json) -> bool:
        wanted = str(deployment["spec"]["replicas"])
        active = (each for each in self._all(deployment) if each["spec"]["replicas"])
        return any(annotations_of(each).get(rollout.DESIRED, wanted) != wanted for each in active)

    # Revisions

    def _revise(self, deployment: Json) -> Json:
        """Give the present ReplicaSet, if any, the newest revision and the Deployment's annotations."""
        new = self._new(deployment)
        if new is None:
            return deployment
        newest = max(map(rollout.revision_of, self._old(deployment)), default=0) + 1
        least = deployment["spec"].get("minReadySeconds") or 0

        def revised(body: Json) -> Json:
            body["metadata"]["annotations"] = _annotations(deployment, body, newest)
            if least != body["spec"].get("minReadySeconds", 0):
                body["spec"]["minReadySeconds"] = least
            return body

        new = self.store.update(self._sets, *key_of(new), revised, manager=_SOURCE)
        return self._take_revision(deployment, rollout.revision_of(new))

    def _take_revision(self, deployment: Json, revision: int) -> Json:
        def revised(body: Json) -> Json:
            body["metadata"].setdefault("annotations", {})[rollout.REVISION] = str(revision)
            return body

        return self.store.update(self._deployments, *key_of(deployment), revised, manager=_SOURCE)

    def _ensure_new(self, deployment: Json) -> Json:
        """The Deployment, after its template got a ReplicaSet with the newest revision."""
        new = self._new(deployment)
        if new is not None:
            deployment = self._revise(deployment)
            if condition(deployment, "Progressing"):
                return deployment
            text = f'Found new replica set "{new["metadata"]["name"]}"'
            return self._note(deployment, "True", "FoundNewReplicaSet", text)
        created = self._create(deployment)
        deployment = self._take_revision(deployment, rollout.revision_of(created))
        text = f'Created new replica set "{created["metadata"]["name"]}"'
        return self._note(deployment, "True", "NewReplicaSetCreated", text)

    def _create(self, deployment: Json) -> Json:
        spec, meta = deployment["spec"], deployment["metadata"]
        digest = template_hash(spec["template"])
        old = self._old(deployment)
        limits = rollout.bounds(deployment)
        replicas = rollout.new_replicas(limits, 0, rollout.replicas_of(old))
        template = {
            **spec["template"],
            "metadata": {
                **(spec["template"].get("metadata") or {}),
                "labels": {**((spec["template"].get("metadata") or {}).get("labels") or {}), HASH: digest},
            },
        }
        selector = spec["selector"]
        body: Json = {
            "metadata": {
                "name": f"{meta['name']}-{digest}",
                "labels": template["metadata"]["labels"],
                "ownerReferences": [controller_reference(deployment)],
            },
            "spec": {
                "replicas": replicas,
                "selector": {
                    **selector,
                    "matchLabels": {**(selector.get("matchLabels") or {}), HASH: digest},
                },
                "template": template,
                **({"minReadySeconds": spec["minReadySeconds"]} if spec.get("minReadySeconds") else {}),
            },
        }
        newest = max(map(rollout.revision_of, old), default=0) + 1
        body["metadata"]["annotations"] = _annotations(deployment, body, newest) | _sizes(limits)
        new = self.store.create(self._sets, meta["namespace"], body, manager=_SOURCE)
        if replicas:
            text = f"Scaled up replica set {new['metadata']['name']} from 0 to {replicas}"
            self.recorder.normal(deployment, "ScalingReplicaSet", text, _SOURCE)
        return new

    # Strategies

    def _roll(self, deployment: Json) -> None:
        deployment = self._ensure_new(deployment)
        new, limits = self._new(deployment), rollout.bounds(deployment)
        if new is None:
            return
        wanted = rollout.new_replicas(limits, new["spec"]["replicas"], rollout.present(self._all(deployment)))
        if self._resize(deployment, new, wanted):
            return
        old = self._old(deployment)
        if rollout.replicas_of(old):
            sizes = rollout.old_replicas(limits, new, old)
            resized = [self._resize(deployment, each, sizes[each["metadata"]["name"]]) for each in old]
            if any(resized):
                return
        self._clean(deployment)

    def _recreate(self, deployment: Json) -> None:
        old = self._old(deployment)
        resized = [self._resize(deployment, each, 0) for each in old]
        if any(resized) or self._runs(old):
            return
        deployment = self._ensure_new(deployment)
        if new := self._new(deployment):
            self._resize(deployment, new, deployment["spec"]["replicas"])
        self._clean(deployment)

    def _runs(self, sets: Sequence[Json]) -> bool:
        pods = (pod for each in sets for pod in self.store.dependents(each["metadata"]["uid"]))
        return any(pod["kind"] == "Pod" and not is_finished(pod) for pod in pods)

    def _scale(self, deployment: Json) -> None:
        """Follow a change of replicas without rolling on."""
        limits, everybody = rollout.bounds(deployment), self._all(deployment)
        active = [each for each in everybody if each["spec"]["replicas"]]
        new = self._new(deployment)
        if len(active) <= 1:
            last = max(everybody, key=rollout.revision_of, default=None)
            only = active[0] if active else new or last
            sizes = {only["metadata"]["name"]: limits.replicas} if only else {}
        elif (
            new and rollout.counted([new], "availableReplicas") == new["spec"]["replicas"] == limits.replicas
        ):
            sizes = {each["metadata"]["name"]: 0 for each in active if key_of(each) != key_of(new)}
        else:
            sizes = rollout.proportional(limits, active)
        for each in everybody:
            self._resize(deployment, each, sizes.get(each["metadata"]["name"], each["spec"]["replicas"]))

    def _resize(self, deployment: Json, replica_set: Json, replicas: int) -> bool:
        """Scale a ReplicaSet; whether that changed its replicas."""
        limits, before = rollout.bounds(deployment), replica_set["spec"]["replicas"]

        def resized(body: Json) -> Json:
            body["spec"]["replicas"] = replicas
            body["metadata"].setdefault("annotations", {}).update(_sizes(limits))
            return body

        if before or replicas:
            self.store.update(self._sets, *key_of(replica_set), resized, manager=_SOURCE)
        if before == replicas:
            return False
        way = "up" if replicas > before else "down"
        text = f"Scaled {way} replica set {replica_set['metadata']['name']} from {before} to {replicas}"
        self.recorder.normal(deployment, "ScalingReplicaSet", text, _SOURCE)
        return True

    def _clean(self, deployment: Json) -> None:
        """Remove old ReplicaSets beyond the history limit, once the rollout is through."""
        if not progress.is_complete(deployment, deployment.get("status") or {}):
            return
        for each in rollout.outdated(
            self._old(deployment), deployment["spec"].get("revisionHistoryLimit", 10)
        ):
            self.store.delete(self._sets, *key_of(each), uid=each["metadata"]["uid"])

    # Status

    def _note(self, deployment: Json, status: str, reason: str, message: str) -> Json:
        """Write the Progressing condition, if the Deployment has a deadline."""
        if deployment["spec"].get("progressDeadlineSeconds") is None:
            return deployment
        conditions = (deployment.get("status") or {}).get("conditions") or ()
        conditions = progress.with_state(conditions, "Progressing", status, reason, message)
        return self._write(deployment, {**(deployment.get("status") or {}), "conditions": conditions})

    def _note_pause(self, deployment: Json) -> Json:
        """Pausing stops the clock of the progress deadline, resuming starts it anew."""
        reason = (condition(deployment, "Progressing") or {}).get("reason")
        paused = bool(deployment["spec"].get("paused"))
        if paused and reason not in {"DeploymentPaused", progress.TIMED_OUT}:
            return self._note(deployment, "Unknown", "DeploymentPaused", "Deployment is paused")
        if not paused and reason == "DeploymentPaused":
            return self._note(deployment, "Unknown", "DeploymentResumed", "Deployment is resumed")
        return deployment

    def _finish(self, deployment: Json) -> float | None:
        new, everybody = self._new(deployment), self._all(deployment)
        status = progress.status_of(deployment, new, everybody)
        if not deployment["spec"].get("paused"):
            status = progress.judged(deployment, status, new)
        return progress.seconds_to_deadline(self._write(deployment, status))

    def _write(self, deployment: Json, status: Json) -> Json:
        return self.store.update(
            self._deployments,
            *key_of(deployment),
            lambda body: {**body, "status": status},
            manager=_SOURCE,
            subresource="status",
        )


def template_hash(template: Json) -> str:
    """A short name for a pod template: equal templates, equal names."""
    text = json.dumps(template, sort_keys=True).encode()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in hashlib.sha256(text).digest()[:10])


def _comparable(template: Json) -> Json:
    meta = template.get("metadata") or {}
    labels = {name: value for name, value in (meta.get("labels") or {}).items() if name != HASH}
    annotations = meta.get("annotations") or {}
    return {"labels": labels, "annotations": annotations, "spec": template["spec"]}


def _annotations(deployment: Json, replica_set: Json, newest: int) -> dict[str, str]:
    """A ReplicaSet's annotations: the Deployment's, its revision, and the revisions that it had before."""
    taken = {name: text for name, text in annotations_of(deployment).items() if name not in _OWN}
    kept = annotations_of(replica_set)
    before = rollout.revision_of(replica_set)
    if before and before < newest:
        history = [part for part in kept.get(_HISTORY, "").split(",") if part]
        kept = {**kept, _HISTORY: ",".join([*history, str(before)])}
    return {**kept, **taken, rollout.REVISION: str(max(before, newest))}


def _sizes(limits: rollout.Bounds) -> dict[str, str]:
    """What a ReplicaSet notes about the Deployment that gave it its replicas."""
    return {rollout.DESIRED: str(limits.replicas), rollout.MAXIMUM: str(limits.most)}
