"""Why: owners take their dependents with them; what a cluster's collector does later happens here at once.

The three policies: Background removes the owner, then what it owned; Foreground lets the owner wait until
what blocks it has gone; Orphan cuts the references. An object with another living owner stays.
"""

from typing import TYPE_CHECKING

from chaosctl.sandbox.api.objects import Json

if TYPE_CHECKING:
    from chaosctl.sandbox.api.store import Store

FOREGROUND = "foregroundDeletion"
MANAGER = "garbage-collector"


def references(body: Json) -> list[Json]:
    return body["metadata"].get("ownerReferences") or []


def collect(store: "Store", owner_uid: str) -> None:
    """After an owner has gone: remove what it owned, unless somebody else owns it too."""
    for body in store.dependents(owner_uid):
        if _has_living_owner(store, body):
            _cut(store, body, owner_uid)
        else:
            remove(store, body, "Background")


def collect_if_abandoned(store: "Store", body: Json) -> None:
    """Remove an object that was created for owners that have gone already."""
    if references(body) and not _has_living_owner(store, body):
        remove(store, body, "Background")


def start_foreground(store: "Store", owner_uid: str) -> None:
    """Remove the dependents of an owner that waits for them, they in turn waiting for theirs."""
    for body in store.dependents(owner_uid):
        if any(ref["uid"] != owner_uid and store.owns(ref["uid"], body) for ref in references(body)):
            _cut(store, body, owner_uid)
        elif "deletionTimestamp" not in body["metadata"]:
            waits = store.dependents(body["metadata"]["uid"])
            remove(store, body, "Foreground" if waits else "Background")


def blocked(store: "Store", owner_uid: str) -> bool:
    """Whether a dependent that blocks its owner is still there."""
    return any(
        ref["uid"] == owner_uid and ref.get("blockOwnerDeletion")
        for body in store.dependents(owner_uid)
        for ref in references(body)
    )


def orphan(store: "Store", owner_uid: str) -> None:
    for body in store.dependents(owner_uid):
        _cut(store, body, owner_uid)


def remove(store: "Store", body: Json, policy: str) -> None:
    metadata = body["metadata"]
    resource = store.resource_of(body)
    if store.find(resource, metadata.get("namespace"), metadata["name"]) is not None:
        store.delete(
            resource, metadata.get("namespace"), metadata["name"], uid=metadata["uid"], policy=policy
        )


def _has_living_owner(store: "Store", body: Json) -> bool:
    return any(store.owns(ref["uid"], body) for ref in references(body))


def _cut(store: "Store", body: Json, owner_uid: str) -> None:
    def without_owner(new: Json) -> Json:
        left = [ref for ref in references(new) if ref["uid"] != owner_uid]
        new["metadata"].pop("ownerReferences")
        new["metadata"] |= {"ownerReferences": left} if left else {}
        return new

    metadata, resource = body["metadata"], store.resource_of(body)
    store.update(resource, metadata.get("namespace"), metadata["name"], without_owner, manager=MANAGER)


def without_foreground(body: Json) -> Json:
    body["metadata"]["finalizers"].remove(FOREGROUND)
    return body
