"""Why: a guardian that is made for one run gets the rights for that run's undo, and not one more.

RBAC can name the objects that may be read, patched or deleted. It cannot where a name is not in the request
(`create`), or where a verb is about many objects (`list`).
"""

from collections.abc import Iterable

from pydantic import JsonValue

from chaosctl.cluster.rights import Right
from chaosctl.model import Json
from chaosctl.ports import Cluster

UNNAMED = frozenset({"create", "list", "watch", "deletecollection"})


async def rules(rights: Iterable[Right], cluster: Cluster) -> list[JsonValue]:
    """The rules of a Role that gives these rights, and no others. Raises ClusterError."""
    verbs: dict[tuple[str, str, str], list[JsonValue]] = {}
    for right in rights:
        group, _, _ = right.ref.api_version.rpartition("/")
        plural = await cluster.plural(right.ref)
        resource = f"{plural}/{right.subresource}" if right.subresource else plural
        name = "" if right.verb in UNNAMED and not right.subresource else right.ref.name
        verbs.setdefault((group, resource, name), []).append(right.verb)
    return [_rule(group, resource, name, found) for (group, resource, name), found in verbs.items()]


def _rule(group: str, resource: str, name: str, verbs: list[JsonValue]) -> Json:
    named: Json = {"resourceNames": [name]} if name else {}
    return {
        "apiGroups": [group],
        "resources": [resource],
        **named,
        "verbs": list(dict.fromkeys(map(str, verbs))),
    }
