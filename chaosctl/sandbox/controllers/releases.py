"""Why: a Deployment's releases are its ReplicaSets; `undo` and the history limit live from them."""

import hashlib
import json
from collections.abc import Sequence

from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.store import Store
from chaosctl.sandbox.controllers import rollout
from chaosctl.sandbox.controllers.events import Recorder
from chaosctl.sandbox.controllers.meta import (
    annotations_of,
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


class Releases:
    """The ReplicaSets of Deployments: which there are, which is the present one, and how large each is."""

    def __init__(self, store: Store, recorder: Recorder) -> None:
        self._store, self._recorder = store, recorder
        self._sets = store.resource("apps/v1", "replicasets")

    def claim(self, deployment: Json) -> None:
        """Adopt ReplicaSets that nobody controls and the selector chooses."""

        def adopted(body: Json) -> Json:
            body["metadata"].setdefault("ownerReferences", []).append(controller_reference(deployment))
            return body

        for each in self._store.list(self._sets, deployment["metadata"]["namespace"]):
            chosen = matches(deployment["spec"]["selector"], labels_of(each))
            if chosen and controller_of(each) is None and not is_terminating(each):
                self._store.update(self._sets, *key_of(each), adopted, manager=_SOURCE)

    def all(self, deployment: Json) -> list[Json]:
        found = self._store.dependents(deployment["metadata"]["uid"])
        return [each for each in found if each["kind"] == "ReplicaSet" and is_controlled_by(each, deployment)]

    def new(self, deployment: Json) -> Json | None:
        """The ReplicaSet of the present template, the oldest if there are several."""
        wanted = _comparable(deployment["spec"]["template"])
        same = [each for each in self.all(deployment) if _comparable(each["spec"]["template"]) == wanted]
        return min(same, key=lambda each: each["metadata"]["creationTimestamp"], default=None)

    def old(self, deployment: Json) -> list[Json]:
        new = self.new(deployment)
        return [each for each in self.all(deployment) if new is None or key_of(each) != key_of(new)]

    def runs(self, sets: Sequence[Json]) -> bool:
        """Whether pods of these are still there."""
        pods = (pod for each in sets for pod in self._store.dependents(each["metadata"]["uid"]))
        return any(pod["kind"] == "Pod" and not is_finished(pod) for pod in pods)

    def revise(self, deployment: Json) -> int:
        """Give the present one the newest revision and the Deployment's annotations; 0 if there is none."""
        new = self.new(deployment)
        if new is None:
            return 0
        newest = self._newest(deployment)
        least = deployment["spec"].get("minReadySeconds") or 0

        def revised(body: Json) -> Json:
            body["metadata"]["annotations"] = _annotations(deployment, body, newest)
            if least != body["spec"].get("minReadySeconds", 0):
                body["spec"]["minReadySeconds"] = least
            return body

        return rollout.revision_of(self._store.update(self._sets, *key_of(new), revised, manager=_SOURCE))

    def create(self, deployment: Json) -> Json:
        """A ReplicaSet for the present template, as large as the rollout allows now."""
        limits = rollout.bounds(deployment)
        replicas = rollout.new_replicas(limits, 0, rollout.replicas_of(self.old(deployment)))
        body = _replica_set(deployment, replicas)
        revised = _annotations(deployment, body, self._newest(deployment))
        body["metadata"]["annotations"] = revised | _sizes(limits)
        new = self._store.create(self._sets, deployment["metadata"]["namespace"], body, manager=_SOURCE)
        if replicas:
            self._say_scaled(deployment, new, 0, replicas)
        return new

    def resize(self, deployment: Json, replica_set: Json, replicas: int) -> bool:
        """Scale one; whether that changed its replicas."""
        limits, before = rollout.bounds(deployment), replica_set["spec"]["replicas"]

        def resized(body: Json) -> Json:
            body["spec"]["replicas"] = replicas
            body["metadata"].setdefault("annotations", {}).update(_sizes(limits))
            return body

        if before or replicas:
            self._store.update(self._sets, *key_of(replica_set), resized, manager=_SOURCE)
        if before == replicas:
            return False
        self._say_scaled(deployment, replica_set, before, replicas)
        return True

    def remove(self, replica_set: Json) -> None:
        self._store.delete(self._sets, *key_of(replica_set), uid=replica_set["metadata"]["uid"])

    def _newest(self, deployment: Json) -> int:
        return max(map(rollout.revision_of, self.old(deployment)), default=0) + 1

    def _say_scaled(self, deployment: Json, replica_set: Json, before: int, after: int) -> None:
        way, name = "up" if after > before else "down", replica_set["metadata"]["name"]
        text = f"Scaled {way} replica set {name} from {before} to {after}"
        self._recorder.normal(deployment, "ScalingReplicaSet", text, _SOURCE)


def _replica_set(deployment: Json, replicas: int) -> Json:
    spec, meta = deployment["spec"], deployment["metadata"]
    digest = template_hash(spec["template"])
    wanted, selector = spec["template"].get("metadata") or {}, spec["selector"]
    labels = {**(wanted.get("labels") or {}), HASH: digest}
    chosen = {**(selector.get("matchLabels") or {}), HASH: digest}
    return {
        "metadata": {
            "name": f"{meta['name']}-{digest}",
            "labels": labels,
            "ownerReferences": [controller_reference(deployment)],
        },
        "spec": {
            "replicas": replicas,
            "selector": {**selector, "matchLabels": chosen},
            "template": {**spec["template"], "metadata": {**wanted, "labels": labels}},
            **({"minReadySeconds": spec["minReadySeconds"]} if spec.get("minReadySeconds") else {}),
        },
    }


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
