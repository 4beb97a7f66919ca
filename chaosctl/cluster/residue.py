"""Why: a release that was undone leaves its ReplicaSet, and `kubectl rollout undo` would deploy that again.

Which ones we caused is exact: they belong to the Deployment, were not there before our write, and hold our
values at every path that we changed.
"""

from collections.abc import Sequence

from chaosctl.changes import Standing, look, same, standing, text_at
from chaosctl.errors import Conflict, Gone
from chaosctl.model import Json, Patch, Plan, Ref, Step
from chaosctl.ports import Cluster, Reader

TEMPLATE = "/spec/template/"


async def known_replica_sets(plan: Plan, see: Reader) -> tuple[str, ...]:
    """UIDs of the ReplicaSets that are there before a plan changes any template."""
    changes = [change for step in plan if (change := _release(step))]
    found = [text_at(body, "/metadata/uid") for change in changes for body in await _owned(change.ref, see)]
    return tuple(dict.fromkeys(found))


def leaves_any(plan: Plan) -> bool:
    """Whether undoing a plan leaves ReplicaSets."""
    return any(_release(step) for step in plan)


async def clear(plan: Plan, known: Sequence[str], cluster: Cluster) -> bool:
    """Delete the ReplicaSets that a plan caused, as soon as they have no pods. Says whether none is left."""
    done = [await _clear(change, known, cluster) for step in plan if (change := _release(step))]
    return all(done)


async def _clear(change: Patch, known: Sequence[str], cluster: Cluster) -> bool:
    try:
        owner = await cluster.get(change.ref)
    except Gone:
        return True  # its ReplicaSets go with it
    found = [body for body in await _owned(change.ref, cluster, owner) if _ours(change, body, known)]
    old = [body for body in found if not _is_current(body, owner)]
    empty = [body for body in old if not look(body, "/spec/replicas") and not look(body, "/status/replicas")]
    gone = [await _delete(body, change.ref.namespace, cluster) for body in empty]
    seen = look(owner, "/status/observedGeneration") == look(owner, "/metadata/generation")
    return seen and all(gone) and len(empty) == len(old)


def _release(step: Step) -> Patch | None:
    """The part of a step that changes a Deployment's template."""
    if not isinstance(step, Patch) or step.ref.kind != "Deployment":
        return None
    edits = tuple(edit for edit in step.edits if edit.path.startswith(TEMPLATE))
    pins = tuple(pin for pin in step.pins if pin.path.startswith(TEMPLATE))
    return Patch(ref=step.ref, edits=edits, pins=pins) if edits else None


async def _owned(ref: Ref, see: Reader, owner: Json | None = None) -> Sequence[Json]:
    uid = look(owner or await see.get(ref), "/metadata/uid")
    like = Ref(api_version="apps/v1", kind="ReplicaSet", namespace=ref.namespace, name="")
    return [body for body in await see.find(like) if look(body, "/metadata/ownerReferences/0/uid") == uid]


def _ours(change: Patch, body: Json, known: Sequence[str]) -> bool:
    holds = all(standing(change, edit, body) is Standing.OURS for edit in change.edits)
    return holds and text_at(body, "/metadata/uid") not in known


def _is_current(body: Json, owner: Json) -> bool:
    return same(_bare(look(body, "/spec/template")), _bare(look(owner, "/spec/template")))


def _bare(template: object) -> Json:
    """A template without the label that the controller adds."""
    bare: Json = dict(template) if isinstance(template, dict) else {}
    metadata = bare.get("metadata")
    if isinstance(metadata, dict) and isinstance(labels := metadata.get("labels"), dict):
        kept = {key: value for key, value in labels.items() if key != "pod-template-hash"}
        bare["metadata"] = {**metadata, "labels": kept}
    return bare


async def _delete(body: Json, namespace: str, cluster: Cluster) -> bool:
    """Whether it is gone; after a conflict the next look will tell."""
    name = text_at(body, "/metadata/name")
    ref = Ref(api_version="apps/v1", kind="ReplicaSet", namespace=namespace, name=name)
    try:
        await cluster.delete(ref, text_at(body, "/metadata/uid"))
    except Gone:
        return True
    except Conflict:
        return False
    return True
