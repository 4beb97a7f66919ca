"""Why: a namespace ends after everything in it, takes nothing new meanwhile, and says what it waits for."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from chaosctl.sandbox.api import errors, garbage
from chaosctl.sandbox.api.errors import ApiError
from chaosctl.sandbox.api.objects import Json, timestamp
from chaosctl.sandbox.api.resources import Resource

if TYPE_CHECKING:
    from chaosctl.sandbox.api.store import Store

INITIAL = ("default", "kube-node-lease", "kube-public", "kube-system")
_FOR_EVER = frozenset({"default", "kube-public", "kube-system"})
_MANAGER = "namespace-controller"
_DELETED = "All content successfully deleted, may be waiting on finalization"


def check_open(store: "Store", resource: Resource, namespace: str, metadata: Json) -> None:
    """Raises ApiError 404 where the namespace is not there, 403 where it ends."""
    space = store.get(store.resource("v1", "namespaces"), None, namespace)
    if "deletionTimestamp" in space["metadata"]:
        raise _is_ending(resource, namespace, metadata.get("name") or metadata.get("generateName") or "")


def check_mortal(resource: Resource, name: str) -> None:
    """Raises ApiError 403 for a namespace that a cluster cannot be without."""
    if resource.plural == "namespaces" and name in _FOR_EVER:
        raise errors.forbidden("", "namespaces", name, "this namespace may not be deleted")


def end(store: "Store", name: str) -> None:
    """Remove what is in a namespace that is being deleted."""
    for resource in [each for each in store.resources if each.namespaced]:
        for body in store.list(resource, name):
            garbage.remove(store, body, "Background")
    if left := list(_contents(store, name)):
        _tell(store, name, left)
    else:
        finish(store, name)


def finish(store: "Store", name: str) -> None:
    """Let a namespace go that ends and is empty."""
    resource = store.resource("v1", "namespaces")
    space = store.find(resource, None, name)
    if space is not None and "deletionTimestamp" in space["metadata"] and store.is_empty(name):
        store.update(resource, None, name, _finalized, subresource="finalize", manager=_MANAGER)


def _tell(store: "Store", name: str, left: list[tuple[Resource, Json]]) -> None:
    """Say what the namespace waits for."""
    conditions = list(_conditions(left))

    def waiting(body: Json) -> Json:
        return {**body, "status": {**body["status"], "conditions": conditions}}

    resource = store.resource("v1", "namespaces")
    store.update(resource, None, name, waiting, subresource="status", manager=_MANAGER)


def _contents(store: "Store", name: str) -> Iterator[tuple[Resource, Json]]:
    for resource in store.resources:
        if resource.namespaced:
            yield from ((resource, body) for body in store.list(resource, name))


def _finalized(namespace: Json) -> Json:
    return {**namespace, "spec": {**namespace["spec"], "finalizers": []}}


def _conditions(left: list[tuple[Resource, Json]]) -> Iterator[Json]:
    kinds = Counter(f"{each.plural}.{each.group}" for each, _ in left)
    holds = Counter(name for _, body in left for name in body["metadata"].get("finalizers") or ())
    remaining = ", ".join(f"{kind} has {count} resource instances" for kind, count in kinds.items())
    finalizers = ", ".join(f"{name} in {count} resource instances" for name, count in holds.items())
    yield _condition(
        "NamespaceDeletionDiscoveryFailure",
        "ResourcesDiscovered",
        "All resources successfully discovered",
        holds=False,
    )
    yield _condition(
        "NamespaceDeletionGroupVersionParsingFailure",
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
        holds=False,
    )
    yield _condition("NamespaceDeletionContentFailure", "ContentDeleted", _DELETED, holds=False)
    text = f"Some resources are remaining: {remaining}"
    yield _condition("NamespaceContentRemaining", "SomeResourcesRemain", text, holds=True)
    if holds:
        text = f"Some content in the namespace has finalizers remaining: {finalizers}"
        yield _condition("NamespaceFinalizersRemaining", "SomeFinalizersRemain", text, holds=True)


def _condition(kind: str, reason: str, message: str, *, holds: bool) -> Json:
    status = "True" if holds else "False"
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": timestamp(),
    }


def _is_ending(resource: Resource, namespace: str, name: str) -> ApiError:
    text = f"unable to create new content in namespace {namespace} because it is being terminated"
    cause = {
        "reason": "NamespaceTerminating",
        "message": f"namespace {namespace} is being terminated",
        "field": "metadata.namespace",
    }
    error = errors.forbidden(resource.group, resource.plural, name, text)
    error.details = {**(error.details or {}), "causes": [cause]}
    return error
