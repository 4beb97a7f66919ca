"""Why: what is served grows and shrinks with the CustomResourceDefinitions that are stored."""

from chaosctl.sandbox.api import errors
from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.resources import RESOURCES, Resource, defined_by


class Kinds:
    """The resources that are served, by URL and by kind."""

    def __init__(self) -> None:
        self.changes = 0
        self._by_plural = {(each.group_version, each.plural): each for each in RESOURCES}
        self._by_kind = {(each.group_version, each.kind): each for each in RESOURCES}

    @property
    def all(self) -> list[Resource]:
        return list(self._by_plural.values())

    def at(self, group_version: str, plural: str) -> Resource:
        """Raises ApiError 404."""
        return _found(self._by_plural.get((group_version, plural)))

    def of(self, body: Json) -> Resource:
        """Raises ApiError 404."""
        return _found(self._by_kind.get((body["apiVersion"], body["kind"])))

    def define(self, definition: Json) -> None:
        self.changes += 1
        for resource in defined_by(definition):
            self._by_plural[resource.group_version, resource.plural] = resource
            self._by_kind[resource.group_version, resource.kind] = resource

    def undefine(self, definition: Json) -> None:
        self.changes += 1
        for resource in defined_by(definition):
            del self._by_plural[resource.group_version, resource.plural]
            del self._by_kind[resource.group_version, resource.kind]


def _found(resource: Resource | None) -> Resource:
    if resource is None:
        raise errors.no_such_path()
    return resource
