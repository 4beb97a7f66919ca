"""Why: a release, good or bad, reaches pods through a rollout, and `undo` goes back through the same one.

One sync, as in Kubernetes: find the ReplicaSets and their revisions; paused or just scaled, only scale; else
let the strategy take one step; then write the status. Every step is a change, which brings the next sync.
"""

from collections.abc import Iterator

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
    is_terminating,
    key_of,
    labels_of,
    matches,
)
from chaosctl.sandbox.controllers.releases import Releases

_SOURCE = "deployment-controller"


class DeploymentController(Controller):
    """Rolls a Deployment's template out over ReplicaSets."""

    def __init__(self, store: Store, recorder: Recorder) -> None:
        super().__init__(store, recorder)
        self._releases = Releases(store, recorder)
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
        self._releases.claim(deployment)
        deployment = self._note_pause(deployment)
        if deployment["spec"].get("paused") or self._was_scaled(deployment):
            deployment = self._revised(deployment)
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

    def _was_scaled(self, deployment: Json) -> bool:
        wanted = str(deployment["spec"]["replicas"])
        active = (each for each in self._releases.all(deployment) if each["spec"]["replicas"])
        return any(annotations_of(each).get(rollout.DESIRED, wanted) != wanted for each in active)

    # Revisions

    def _revised(self, deployment: Json) -> Json:
        revision = self._releases.revise(deployment)
        return self._take_revision(deployment, revision) if revision else deployment

    def _take_revision(self, deployment: Json, revision: int) -> Json:
        def revised(body: Json) -> Json:
            body["metadata"].setdefault("annotations", {})[rollout.REVISION] = str(revision)
            return body

        return self.store.update(self._deployments, *key_of(deployment), revised, manager=_SOURCE)

    def _ensure_new(self, deployment: Json) -> Json:
        """The Deployment, after its template got a ReplicaSet with the newest revision."""
        new = self._releases.new(deployment)
        if new is not None:
            deployment = self._revised(deployment)
            if condition(deployment, "Progressing"):
                return deployment
            text = f'Found new replica set "{new["metadata"]["name"]}"'
            return self._note(deployment, "True", "FoundNewReplicaSet", text)
        created = self._releases.create(deployment)
        deployment = self._take_revision(deployment, rollout.revision_of(created))
        text = f'Created new replica set "{created["metadata"]["name"]}"'
        return self._note(deployment, "True", "NewReplicaSetCreated", text)

    # Strategies

    def _roll(self, deployment: Json) -> None:
        deployment = self._ensure_new(deployment)
        new, limits = self._releases.new(deployment), rollout.bounds(deployment)
        if new is None:
            return
        wanted = rollout.new_replicas(
            limits, new["spec"]["replicas"], rollout.present(self._releases.all(deployment))
        )
        if self._releases.resize(deployment, new, wanted):
            return
        old = self._releases.old(deployment)
        if rollout.replicas_of(old):
            sizes = rollout.old_replicas(limits, new, old)
            resized = [
                self._releases.resize(deployment, each, sizes[each["metadata"]["name"]]) for each in old
            ]
            if any(resized):
                return
        self._clean(deployment)

    def _recreate(self, deployment: Json) -> None:
        old = self._releases.old(deployment)
        resized = [self._releases.resize(deployment, each, 0) for each in old]
        if any(resized) or self._releases.runs(old):
            return
        deployment = self._ensure_new(deployment)
        if new := self._releases.new(deployment):
            self._releases.resize(deployment, new, deployment["spec"]["replicas"])
        self._clean(deployment)

    def _scale(self, deployment: Json) -> None:
        """Follow a change of replicas without rolling on."""
        limits, everybody = rollout.bounds(deployment), self._releases.all(deployment)
        active = [each for each in everybody if each["spec"]["replicas"]]
        new = self._releases.new(deployment)
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
            self._releases.resize(
                deployment, each, sizes.get(each["metadata"]["name"], each["spec"]["replicas"])
            )

    def _clean(self, deployment: Json) -> None:
        """Remove old ReplicaSets beyond the history limit, once the rollout is through."""
        if not progress.is_complete(deployment, deployment.get("status") or {}):
            return
        for each in rollout.outdated(
            self._releases.old(deployment), deployment["spec"].get("revisionHistoryLimit", 10)
        ):
            self._releases.remove(each)

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
        new, everybody = self._releases.new(deployment), self._releases.all(deployment)
        status = progress.status_of(deployment, new, everybody)
        if not deployment["spec"].get("paused"):
            status = progress.judged(deployment, status, new)
            status = progress.with_failure(status, [new, *everybody] if new else everybody)
        return progress.seconds_to_deadline(self._write(deployment, status))

    def _write(self, deployment: Json, status: Json) -> Json:
        return self.store.update(
            self._deployments,
            *key_of(deployment),
            lambda body: {**body, "status": status},
            manager=_SOURCE,
            subresource="status",
        )
