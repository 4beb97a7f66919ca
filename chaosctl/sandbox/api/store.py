"""Why: all of the sandbox agrees because there is one store: objects, one version counter, one history.

It is synchronous and belongs to one event loop. What it hands out is immutable: change it through `update`,
whose function gets a copy of its own. Watchers get every change in order through a queue.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from chaosctl.copying import copy_json
from chaosctl.sandbox.api import admission, defaults, errors, garbage, managed_fields, namespaces, quota
from chaosctl.sandbox.api.addresses import address_counter
from chaosctl.sandbox.api.errors import ApiError
from chaosctl.sandbox.api.history import Change, History
from chaosctl.sandbox.api.inventory import Inventory
from chaosctl.sandbox.api.kinds import Kinds
from chaosctl.sandbox.api.managed_fields import Writer
from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.resources import BUILT_IN_GROUPS, RESOURCES, Resource, defined_by

__all__ = ["RESOURCES", "ApiError", "Change", "Json", "Resource", "Store"]

HISTORY = 5_000  # changes that a watch may start from; they hold memory, about 10 kB each

Objects = list[Json]  # in Store, `list` is a verb
Changes = list[Change]
Resources = list[Resource]


class _Write(NamedTuple):
    """How something is written; apply brings the managedFields along, other writes are tracked."""

    writer: Writer
    managed: list[Json] | None = None
    dry_run: bool = False

    def owners(self, old: Json | None, new: Json, resource: Resource) -> list[Json]:
        return self.managed or managed_fields.track(old, new, self.writer, resource.group_version)


class Store:
    """The cluster's state. Cluster IPs come from `allocate_cluster_ip`, one for each Service."""

    def __init__(
        self, allocate_cluster_ip: Callable[[], str] | None = None, *, history: int = HISTORY
    ) -> None:
        self._allocate_cluster_ip = allocate_cluster_ip or address_counter()
        self._kinds, self._inventory, self._history = Kinds(), Inventory(), History(history)
        self._namespaces = self.resource("v1", "namespaces")
        self._definitions = self.resource("apiextensions.k8s.io/v1", "customresourcedefinitions")
        for name in namespaces.INITIAL:
            self.create(self._namespaces, None, {"metadata": {"name": name}})

    # Kinds

    @property
    def resources(self) -> Resources:
        """Everything that is served, built-in kinds first."""
        return self._kinds.all

    @property
    def definitions_version(self) -> int:
        """Moves whenever the set of kinds does."""
        return self._kinds.changes

    def resource(self, group_version: str, plural: str) -> Resource:
        """The resource at a version. Raises ApiError 404."""
        return self._kinds.at(group_version, plural)

    def resource_of(self, body: Json) -> Resource:
        """The resource of an object by its apiVersion and kind. Raises ApiError 404."""
        return self._kinds.of(body)

    def definition(self, resource: Resource) -> Json | None:
        """The CustomResourceDefinition of a resource, or None for a built-in one."""
        if resource.group in BUILT_IN_GROUPS:
            return None
        return self.get(self._definitions, None, f"{resource.plural}.{resource.group}")

    # Reading

    @property
    def version(self) -> int:
        """The version of the last change."""
        return self._history.version

    def find(self, resource: Resource, namespace: str | None, name: str) -> Json | None:
        """The object, or None."""
        return self._inventory.find(resource, (namespace or "") if resource.namespaced else "", name)

    def get(self, resource: Resource, namespace: str | None, name: str) -> Json:
        """The object. Raises ApiError 404."""
        found = self.find(resource, namespace, name)
        if found is None:
            raise errors.not_found(resource.group, resource.plural, name)
        return found

    def list(self, resource: Resource, namespace: str | None = None) -> Objects:
        """All objects of a kind by namespace and name; of one namespace if it is given."""
        return [*self._inventory.all(resource, namespace)]

    def list_at(self, resource: Resource, namespace: str | None, version: int) -> Objects:
        """All objects of a kind as they were at a version. Raises ApiError 410 where that is not kept."""
        found = {_key(body): body for body in self.list(resource, namespace)}
        for change in reversed(self._history.since(version)):
            if (change.resource.group, change.resource.plural) != (resource.group, resource.plural):
                continue
            if change.previous is None:
                found.pop(_key(change.object), None)
            elif namespace in {None, change.object["metadata"].get("namespace", "")}:
                found[_key(change.previous)] = change.previous
        return [found[key] for key in sorted(found)]

    def dependents(self, owner_uid: str) -> Objects:
        """The objects that name this owner."""
        return self._inventory.owned_by(owner_uid)

    def is_empty(self, namespace: str) -> bool:
        return self._inventory.is_empty(namespace)

    def owns(self, uid: str, body: Json) -> bool:
        """Whether an object with this UID exists where it can own this one: beside it, or in no namespace."""
        found = self._inventory.by_uid(uid)
        place = found[1]["metadata"].get("namespace") if found else None
        return found is not None and place in {None, body["metadata"].get("namespace")}

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
        """Add an object. Raises ApiError 403 (a quota), 404 (no such namespace), 409, 422."""
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
        namespaces.check_mortal(resource, name)
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
        marked = self._put(resource, new, old) if new != old else old
        if waits:
            garbage.start_foreground(self, owner)
            self._release(owner)
        if resource.plural == "namespaces":
            namespaces.end(self, name)
        return self.find(resource, namespace, name) or marked

    # Watching

    def subscribe(self) -> asyncio.Queue[Change]:
        """A queue of every change from now on; give it back with `unsubscribe`."""
        return self._history.subscribe()

    def unsubscribe(self, queue: asyncio.Queue[Change]) -> None:
        self._history.unsubscribe(queue)

    @property
    def watchers(self) -> int:
        """How many queues were not given back."""
        return self._history.watchers

    def since(self, version: int) -> Changes:
        """The changes after a version. Raises ApiError 410 where they are no longer kept."""
        return self._history.since(version)

    # Behind the verbs

    def _add(self, resource: Resource, namespace: str | None, body: Json, how: _Write) -> Json:
        if resource.namespaced:
            namespaces.check_open(self, resource, namespace or "", body.get("metadata") or {})
        new = admission.admit_new(resource, namespace, copy_json(body))
        name = new["metadata"]["name"]
        if present := self.find(resource, namespace, name):
            going = "deletionTimestamp" in present["metadata"]
            raise errors.already_exists(resource.group, resource.plural, name, going=going)
        self._check_quotas(resource, new)
        new["metadata"]["managedFields"] = how.owners(None, new, resource)
        defaults.assign(resource, new, self._allocate_cluster_ip)
        if how.dry_run:
            return new
        self._put(resource, new, None)
        self._after_adding(resource, new)
        return new

    def _replace(self, resource: Resource, old: Json, new: Json, how: _Write) -> Json:
        new = admission.admit_change(resource, old, new, how.writer.subresource)
        owned = how.owners(old, new, resource)
        new["metadata"].pop("managedFields", None)
        new["metadata"] |= {"managedFields": owned} if owned else {}
        shared = (new.keys() & old.keys()) - {"metadata"}
        new |= {key: old[key] for key in shared if new[key] == old[key]}  # equal parts take memory once
        if new == old:
            return old
        admission.count_generation(resource, old, new)
        if how.dry_run:
            return new
        if admission.may_go(new):
            return self._drop(resource, old, new)
        return self._put(resource, new, old)

    def _put(self, resource: Resource, new: Json, old: Json | None) -> Json:
        self._inventory.put(resource, new, old)
        if resource == self._definitions:
            self._kinds.define(new)
        self._history.add("MODIFIED" if old else "ADDED", resource, new, old)
        return new

    def _drop(self, resource: Resource, old: Json, last: Json | None = None) -> Json:
        new = {**(last or old), "metadata": dict((last or old)["metadata"])}
        self._inventory.drop(resource, old)
        self._history.add("DELETED", resource, new, old)
        self._after_dropping(resource, new)
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
            for each in defined_by(body):
                for one in self.list(each):
                    garbage.remove(self, one, "Background")
            self._kinds.undefine(body)
        if resource.namespaced:
            namespaces.finish(self, body["metadata"]["namespace"])

    def _release(self, owner_uid: str) -> None:
        """Let an owner go that waited for its dependents."""
        found = self._inventory.by_uid(owner_uid)
        if found is None or garbage.blocked(self, owner_uid):
            return
        resource, metadata = found[0], found[1]["metadata"]
        if garbage.FOREGROUND in metadata.get("finalizers", ()):
            release = garbage.without_foreground
            self.update(
                resource, metadata.get("namespace"), metadata["name"], release, manager=garbage.MANAGER
            )

    def _check_quotas(self, resource: Resource, new: Json) -> None:
        quotas = self.list(self.resource("v1", "resourcequotas"), new["metadata"].get("namespace", ""))
        if quotas and resource.namespaced:
            quota.check(resource, new, quotas, self.list(resource, new["metadata"]["namespace"]))


def _key(body: Json) -> tuple[str, str]:
    return body["metadata"].get("namespace", ""), body["metadata"]["name"]
