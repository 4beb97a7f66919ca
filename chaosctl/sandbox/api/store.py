"""Why: all of the sandbox agrees because there is one store: objects, one version counter, one history.

It is synchronous and belongs to one event loop. What it hands out is immutable: change it through `update`,
whose function gets a copy of its own. Watchers get every change in order through a queue.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Literal, NamedTuple

from chaosctl.sandbox.api import admission, defaults, errors, garbage, managed_fields
from chaosctl.sandbox.api.addresses import address_counter
from chaosctl.sandbox.api.errors import ApiError
from chaosctl.sandbox.api.managed_fields import Writer
from chaosctl.sandbox.api.objects import Json, copy_json
from chaosctl.sandbox.api.resources import BUILT_IN_GROUPS, RESOURCES, Resource, defined_by

__all__ = ["RESOURCES", "ApiError", "Change", "Json", "Resource", "Store", "copy_json"]

INITIAL_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
HISTORY = 5_000  # changes that a watch may start from; they hold memory, about 10 kB each


Objects = list[Json]  # in Store, `list` is a verb
Changes = list["Change"]
Kinds = list[Resource]


class _Write(NamedTuple):
    """How something is written; apply brings the managedFields along, other writes are tracked."""

    writer: Writer
    managed: list[Json] | None = None
    dry_run: bool = False

    def owners(self, old: Json | None, new: Json, resource: Resource) -> list[Json]:
        return self.managed or managed_fields.track(old, new, self.writer, resource.group_version)


class Change(NamedTuple):
    """What happened to one object; for DELETED `object` is its last state at the version of the deletion."""

    version: int
    type: Literal["ADDED", "MODIFIED", "DELETED"]
    resource: Resource
    object: Json
    previous: Json | None


class Store:
    """The cluster's state. Cluster IPs come from `allocate_cluster_ip`, one for each Service."""

    def __init__(
        self, allocate_cluster_ip: Callable[[], str] | None = None, *, history: int = HISTORY
    ) -> None:
        self.version = 0
        self._allocate_cluster_ip = allocate_cluster_ip or address_counter()
        self._resources = {(each.group_version, each.plural): each for each in RESOURCES}
        self._kinds = {(each.group_version, each.kind): each for each in RESOURCES}
        self._objects: dict[tuple[str, str], dict[str, dict[str, Json]]] = defaultdict(dict)
        self._by_uid: dict[str, tuple[Resource, str, str]] = {}
        self._dependents: dict[str, dict[str, None]] = defaultdict(dict)
        self._history: deque[Change] = deque(maxlen=history)
        self._queues: set[asyncio.Queue[Change]] = set()
        self._namespaces = self.resource("v1", "namespaces")
        self._definitions = self.resource("apiextensions.k8s.io/v1", "customresourcedefinitions")
        self.definitions_version = 0
        for name in INITIAL_NAMESPACES:
            self.create(self._namespaces, None, {"metadata": {"name": name}})

    # Kinds

    @property
    def resources(self) -> Kinds:
        """Everything that is served, built-in kinds first."""
        return [*self._resources.values()]

    def resource(self, group_version: str, plural: str) -> Resource:
        """The resource at a version. Raises ApiError 404."""
        try:
            return self._resources[group_version, plural]
        except KeyError:
            raise errors.no_such_path() from None

    def resource_of(self, body: Json) -> Resource:
        """The resource of an object by its apiVersion and kind. Raises ApiError 404."""
        try:
            return self._kinds[body["apiVersion"], body["kind"]]
        except KeyError:
            raise errors.no_such_path() from None

    def definition(self, resource: Resource) -> Json | None:
        """The CustomResourceDefinition of a resource, or None for a built-in one."""
        if resource.group in BUILT_IN_GROUPS:
            return None
        return self.get(self._definitions, None, f"{resource.plural}.{resource.group}")

    # Reading

    def find(self, resource: Resource, namespace: str | None, name: str) -> Json | None:
        """The object, or None."""
        return self._bucket(resource).get(_key(resource, namespace), {}).get(name)

    def get(self, resource: Resource, namespace: str | None, name: str) -> Json:
        """The object. Raises ApiError 404."""
        found = self.find(resource, namespace, name)
        if found is None:
            raise errors.not_found(resource.group, resource.plural, name)
        return found

    def list(self, resource: Resource, namespace: str | None = None) -> Objects:
        """All objects of a kind by namespace and name; of one namespace if it is given."""
        bucket = self._bucket(resource)
        spaces = sorted(bucket) if namespace is None else [namespace]
        return [body for space in spaces for _, body in sorted(bucket.get(space, {}).items())]

    def dependents(self, owner_uid: str) -> Objects:
        """The objects that name this owner."""
        found = (self._by_uid.get(uid) for uid in tuple(self._dependents.get(owner_uid, ())))
        return [self.get(resource, namespace, name) for resource, namespace, name in filter(None, found)]

    def holds(self, uid: str) -> bool:
        """Whether an object with this UID exists."""
        return uid in self._by_uid

    # Writing

    def create(
        self,
        resource: Resource,
        namespace: str | None,
        body: Json,
        *,
        manager: str = "sandbox",
        dry_run: bool = False,
    ) -> Json:
        """Add an object. Raises ApiError 404 (no such namespace), 409, 422."""
        return self._add(resource, namespace, body, _Write(Writer(manager), None, dry_run))

    def update(  # noqa: PLR0913  # a verb and its options
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        change: Callable[[Json], Json],
        *,
        manager: str = "sandbox",
        subresource: str = "",
        dry_run: bool = False,
    ) -> Json:
        """Replace an object by what `change` makes of a copy of it. Raises ApiError 404, 409, 422.

        A resourceVersion other than the present one in the result is a conflict. With subresource "status"
        only the status changes, without it everything else does. What changes nothing keeps its version.
        """
        old = self.get(resource, namespace, name)
        how = _Write(Writer(manager, "Update", subresource), None, dry_run)
        return self._replace(resource, old, change(copy_json(old)), how)

    def apply(  # noqa: PLR0913  # a verb and its options
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        merge: Callable[[Json | None], tuple[Json, Objects]],
        *,
        writer: Writer,
        dry_run: bool = False,
    ) -> Json:
        """Server-side apply: `merge` makes the new object and managedFields of the present one, if any."""
        old = self.find(resource, namespace, name)
        new, managed = merge(old)
        if old is None:
            return self._add(resource, namespace, new, _Write(writer, managed, dry_run))
        return self._replace(resource, old, new, _Write(writer, managed, dry_run))

    def delete(  # noqa: PLR0913  # a verb and its options
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        version: str | None = None,
        grace_seconds: int | None = None,
        policy: str = "Background",
        dry_run: bool = False,
    ) -> Json:
        """Remove an object, or mark it where a kubelet, finalizers or contents are first. Raises 404, 409."""
        old = self.get(resource, namespace, name)
        admission.check_preconditions(resource, old, uid, version)
        if dry_run:
            return old
        owner = old["metadata"]["uid"]
        if policy == "Orphan":
            garbage.orphan(self, owner)
        waits = policy == "Foreground" and bool(self.dependents(owner))
        new = admission.marked_deleted(resource, old, grace_seconds, (garbage.FOREGROUND,) if waits else ())
        if new is None:
            return self._drop(resource, old)
        marked = self._put("MODIFIED", resource, new, old) if new != old else old
        if waits:
            garbage.start_foreground(self, owner)
        if resource.plural == "namespaces":
            self._empty_namespace(name)
        return self.find(resource, namespace, name) or marked

    # Watching

    def subscribe(self) -> asyncio.Queue[Change]:
        """A queue of every change from now on; give it back with `unsubscribe`."""
        queue: asyncio.Queue[Change] = asyncio.Queue()
        self._queues.add(queue)
        return queue

    @property
    def watchers(self) -> int:
        """How many queues were not given back."""
        return len(self._queues)

    def unsubscribe(self, queue: asyncio.Queue[Change]) -> None:
        self._queues.discard(queue)

    def since(self, version: int) -> Changes:
        """The changes after a version. Raises ApiError 410 where the history is too short."""
        oldest = self._history[0].version if self._history else 1
        if version < oldest - 1:
            raise errors.gone(version, oldest)
        behind = self.version - version
        return [
            self._history[index] for index in range(max(0, len(self._history) - behind), len(self._history))
        ]

    # Behind the verbs

    def _add(self, resource: Resource, namespace: str | None, body: Json, how: _Write) -> Json:
        self._check_namespace(resource, namespace)
        new = admission.admit_new(resource, namespace, copy_json(body))
        if self.find(resource, namespace, new["metadata"]["name"]) is not None:
            raise errors.already_exists(resource.group, resource.plural, new["metadata"]["name"])
        new["metadata"]["managedFields"] = how.owners(None, new, resource)
        defaults.assign(resource, new, self._allocate_cluster_ip)
        if how.dry_run:
            return new
        self._put("ADDED", resource, new, None)
        self._after_adding(resource, new)
        return new

    def _replace(self, resource: Resource, old: Json, new: Json, how: _Write) -> Json:
        new = admission.admit_change(resource, old, new, how.writer.subresource)
        owned = how.owners(old, new, resource)
        new["metadata"].pop("managedFields", None)
        new["metadata"] |= {"managedFields": owned} if owned else {}
        new |= {key: old[key] for key in new if new[key] == old.get(key)}  # versions share what they can
        if new == old:
            return old
        admission.count_generation(resource, old, new)
        if how.dry_run:
            return new
        if admission.may_go(new):
            return self._drop(resource, old, new)
        return self._put("MODIFIED", resource, new, old)

    def _put(
        self, type_: Literal["ADDED", "MODIFIED"], resource: Resource, new: Json, old: Json | None
    ) -> Json:
        metadata = new["metadata"]
        namespace, name = metadata.get("namespace", ""), metadata["name"]
        self._bucket(resource).setdefault(namespace, {})[name] = new
        self._by_uid[metadata["uid"]] = (resource, namespace, name)
        self._index_owners(old, new)
        if resource == self._definitions:
            self._define(new)
        return self._emit(type_, resource, new, old)

    def _drop(self, resource: Resource, old: Json, last: Json | None = None) -> Json:
        new = {**(last or old), "metadata": dict((last or old)["metadata"])}
        metadata = new["metadata"]
        del self._bucket(resource)[metadata.get("namespace", "")][metadata["name"]]
        del self._by_uid[metadata["uid"]]
        self._index_owners(old, None)
        self._emit("DELETED", resource, new, old)
        self._after_dropping(resource, new)
        return new

    def _emit(
        self, type_: Literal["ADDED", "MODIFIED", "DELETED"], resource: Resource, new: Json, old: Json | None
    ) -> Json:
        self.version += 1
        new["metadata"]["resourceVersion"] = str(self.version)
        change = Change(self.version, type_, resource, new, old)
        self._history.append(change)
        for queue in self._queues:
            queue.put_nowait(change)
        return new

    def _after_adding(self, resource: Resource, new: Json) -> None:
        if resource.plural == "namespaces":
            account = self.resource("v1", "serviceaccounts")
            self.create(account, new["metadata"]["name"], {"metadata": {"name": "default"}})
        garbage.collect_if_abandoned(self, new)

    def _after_dropping(self, resource: Resource, body: Json) -> None:
        garbage.collect(self, body["metadata"]["uid"])
        for reference in garbage.references(body):
            self._release(reference["uid"])
        if resource == self._definitions:
            self._undefine(body)
        if resource.namespaced:
            self._finish_namespace(body["metadata"]["namespace"])

    def _release(self, owner_uid: str) -> None:
        """Let an owner go that waited for its dependents."""
        if owner_uid not in self._by_uid or garbage.blocked(self, owner_uid):
            return
        resource, namespace, name = self._by_uid[owner_uid]
        if garbage.FOREGROUND in self.get(resource, namespace, name)["metadata"].get("finalizers", ()):
            self.update(resource, namespace, name, _without_foreground, manager="garbage-collector")

    def _check_namespace(self, resource: Resource, namespace: str | None) -> None:
        if not resource.namespaced:
            return
        space = self.get(self._namespaces, None, namespace or "")
        if "deletionTimestamp" in space["metadata"]:
            raise admission.namespace_is_ending(resource, namespace or "")

    def _empty_namespace(self, namespace: str) -> None:
        for resource in self.resources:
            if resource.namespaced:
                for body in self.list(resource, namespace):
                    garbage.remove(self, body, "Background")
        self._finish_namespace(namespace)

    def _finish_namespace(self, namespace: str) -> None:
        space = self.find(self._namespaces, None, namespace)
        ending = space is not None and "deletionTimestamp" in space["metadata"]
        if ending and not any(bucket.get(namespace) for bucket in self._objects.values()):
            self.update(self._namespaces, None, namespace, admission.finalized, subresource="finalize")

    def _define(self, definition: Json) -> None:
        self.definitions_version = self.version
        for resource in defined_by(definition):
            self._resources[resource.group_version, resource.plural] = resource
            self._kinds[resource.group_version, resource.kind] = resource

    def _undefine(self, definition: Json) -> None:
        self.definitions_version = self.version
        for resource in defined_by(definition):
            for body in self.list(resource):
                garbage.remove(self, body, "Background")
            del self._resources[resource.group_version, resource.plural]
            del self._kinds[resource.group_version, resource.kind]

    def _index_owners(self, old: Json | None, new: Json | None) -> None:
        for body, add in ((old, False), (new, True)):
            for reference in garbage.references(body) if body else ():
                if add:
                    self._dependents[reference["uid"]][_uid(body)] = None
                else:
                    self._dependents[reference["uid"]].pop(_uid(body), None)

    def _bucket(self, resource: Resource) -> dict[str, dict[str, Json]]:
        return self._objects[resource.group, resource.plural]


def _key(resource: Resource, namespace: str | None) -> str:
    return (namespace or "") if resource.namespaced else ""


def _uid(body: Json | None) -> str:
    return body["metadata"]["uid"] if body else ""


def _without_foreground(body: Json) -> Json:
    body["metadata"]["finalizers"].remove(garbage.FOREGROUND)
    return body
