"""Why: objects are found by name, by UID and by owner, and the three ways must never disagree."""

from collections import defaultdict
from collections.abc import Iterator

from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.resources import Resource

Found = tuple[Resource, Json]
_Spaces = dict[str, dict[str, Json]]  # namespace (empty for none) -> name -> object


class Inventory:
    """The present objects."""

    def __init__(self) -> None:
        self._objects: dict[tuple[str, str], _Spaces] = defaultdict(dict)
        self._by_uid: dict[str, Found] = {}
        self._owned: dict[str, dict[str, None]] = {}  # owner's UID -> UIDs, in the order of their creation

    def find(self, resource: Resource, namespace: str, name: str) -> Json | None:
        return self._spaces(resource).get(namespace, {}).get(name)

    def all(self, resource: Resource, namespace: str | None) -> Iterator[Json]:
        """By namespace and name."""
        spaces = self._spaces(resource)
        for space in sorted(spaces) if namespace is None else [namespace]:
            for _, body in sorted(spaces.get(space, {}).items()):
                yield body

    def by_uid(self, uid: str) -> Found | None:
        return self._by_uid.get(uid)

    def owned_by(self, uid: str) -> list[Json]:
        return [self._by_uid[owned][1] for owned in self._owned.get(uid, ())]

    def is_empty(self, namespace: str) -> bool:
        return not any(spaces.get(namespace) for spaces in self._objects.values())

    def put(self, resource: Resource, new: Json, old: Json | None) -> None:
        metadata = new["metadata"]
        self._spaces(resource).setdefault(metadata.get("namespace", ""), {})[metadata["name"]] = new
        self._by_uid[metadata["uid"]] = (resource, new)
        if old is not None:
            self._disown(old)
        for owner in _owners(new):
            self._owned.setdefault(owner, {})[metadata["uid"]] = None

    def drop(self, resource: Resource, body: Json) -> None:
        metadata = body["metadata"]
        del self._spaces(resource)[metadata.get("namespace", "")][metadata["name"]]
        del self._by_uid[metadata["uid"]]
        self._disown(body)

    def _disown(self, body: Json) -> None:
        for owner in _owners(body):
            owned = self._owned.get(owner, {})
            owned.pop(body["metadata"]["uid"], None)
            if not owned:
                self._owned.pop(owner, None)

    def _spaces(self, resource: Resource) -> _Spaces:
        return self._objects[resource.group, resource.plural]


def _owners(body: Json) -> list[str]:
    return [reference["uid"] for reference in body["metadata"].get("ownerReferences") or ()]
