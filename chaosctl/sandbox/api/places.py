"""Why: a URL of the Kubernetes API names a kind, perhaps a namespace, an object and a part of it."""

from typing import NamedTuple

from chaosctl.sandbox.api.errors import bad_request, no_such_path
from chaosctl.sandbox.api.resources import Resource
from chaosctl.sandbox.api.store import Store

PROXY = "proxy"
_OF_NAMESPACES = frozenset({"status", "finalize"})


class Place(NamedTuple):
    """What a URL points at; without a name it is the collection.

    `port` and `path` belong to the subresource proxy: what is asked of the object's own server.
    """

    resource: Resource
    namespace: str | None
    name: str | None
    subresource: str
    port: str = ""
    path: str = ""


def locate(store: Store, parts: list[str]) -> Place:
    """The place of a path such as api/v1/namespaces/NAMESPACE/pods/NAME/log. Raises ApiError 404."""
    depth = 2 if parts[0] == "api" else 3
    group_version, rest = "/".join(parts[1:depth]), parts[depth:]
    namespace = None
    if len(rest) > 2 and rest[0] == "namespaces" and rest[2] not in _OF_NAMESPACES:  # noqa: PLR2004  # two parts before a kind
        namespace, rest = rest[1], rest[2:]
    rest, path = _split(rest)
    if not rest or len(rest) > 3:  # noqa: PLR2004  # kind, name, subresource
        raise no_such_path()
    name, subresource = rest[1] if len(rest) > 1 else None, "".join(rest[2:])
    resource = store.resource(group_version, rest[0])
    if subresource and subresource not in resource.subresources:
        raise no_such_path()
    if (namespace is not None) > resource.namespaced or (name and namespace is None and resource.namespaced):
        raise no_such_path()
    if subresource == PROXY:
        name, port = _port(name or "")
        return Place(resource, namespace, name, subresource, port, path)
    return Place(resource, namespace, name, subresource)


def _split(rest: list[str]) -> tuple[list[str], str]:
    """What follows a proxy is a path of the object's own server."""
    if len(rest) > 2 and rest[2] == PROXY:  # noqa: PLR2004  # kind and name
        return rest[:3], "/".join(rest[3:])
    return rest, ""


def _port(name: str) -> tuple[str, str]:
    """NAME:PORT, or NAME; a port has a number or a name. Raises ApiError 400."""
    plain, colon, port = name.partition(":")
    if colon and not port:
        raise bad_request(f"invalid proxy name {name!r}: write NAME:PORT")
    return plain, port


def verb_of(method: str, place: Place, *, watching: bool) -> str:
    """The verb that Roles speak of. Raises KeyError for a method that is not offered there."""
    if method in {"GET", "HEAD"}:
        if watching and not place.subresource:
            return "watch"
        return "get" if place.name else "list"
    if method == "DELETE":
        return "delete" if place.name else "deletecollection"
    if place.name:
        changing = {"PUT": "update", "PATCH": "patch"}
        return (changing | {"POST": "create"} if place.subresource else changing)[method]
    return {"POST": "create"}[method]
