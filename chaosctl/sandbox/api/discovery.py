"""Why: clients learn here what is served: kubectl in one aggregated answer, older ones by group."""

from collections import defaultdict
from collections.abc import Iterable

from chaosctl.sandbox.api.errors import no_such_path
from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.resources import Resource

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
_PARTS: dict[str, tuple[Json, list[str]]] = {
    "scale": ({"group": "autoscaling", "version": "v1", "kind": "Scale"}, ["get", "patch", "update"]),
    "log": ({}, ["get"]),
    "exec": ({"group": "", "version": "v1", "kind": "PodExecOptions"}, ["create", "get"]),
    "attach": ({"group": "", "version": "v1", "kind": "PodAttachOptions"}, ["create", "get"]),
    "portforward": ({"group": "", "version": "v1", "kind": "PodPortForwardOptions"}, ["create", "get"]),
    "eviction": ({"group": "policy", "version": "v1", "kind": "Eviction"}, ["create"]),
    "binding": ({"group": "", "version": "v1", "kind": "Binding"}, ["create"]),
    "token": ({"group": "authentication.k8s.io", "version": "v1", "kind": "TokenRequest"}, ["create"]),
    "finalize": ({}, ["update"]),
}


def answer(resources: Iterable[Resource], parts: list[str], *, aggregated: bool) -> Json:
    """What lies at /api, /apis, /apis/GROUP and at a version of a group. Raises ApiError 404."""
    core = parts[0] == "api"
    served = [each for each in resources if (each.group == "") is core]
    match parts:
        case [_] if aggregated:
            return _aggregated(served)
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"]}
        case ["apis"]:
            groups = [_group(served, name) for name in dict.fromkeys(each.group for each in served)]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        case ["apis", name]:
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(served, name)}
    return _resource_list(served, "/".join(parts[1:]))


def _group(served: list[Resource], name: str) -> Json:
    versions = dict.fromkeys(each.version for each in served if each.group == name)
    if not versions:
        raise no_such_path()
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _resource_list(served: list[Resource], group_version: str) -> Json:
    found = [each for each in served if each.group_version == group_version]
    if not found:
        raise no_such_path()
    entries = [entry for each in found for entry in (_entry(each), *_part_entries(each))]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": entries,
    }


def _entry(resource: Resource) -> Json:
    return {
        "name": resource.plural,
        "singularName": resource.kind.lower(),
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": verbs_of(resource),
        **_if_any("shortNames", resource.short_names),
        **_if_any("categories", resource.categories),
    }


def _if_any(name: str, texts: Iterable[str]) -> Json:
    listed = list(texts)
    return {name: listed} if listed else {}


def _part_entries(resource: Resource) -> list[Json]:
    entries = []
    for name in resource.subresources:
        kind, verbs = _part(resource, name)
        entry = {"name": f"{resource.plural}/{name}", "singularName": "", "namespaced": resource.namespaced}
        entries.append({**entry, **kind, "verbs": verbs})
    return entries


def _part(resource: Resource, name: str) -> tuple[Json, list[str]]:
    kind, verbs = _PARTS.get(name, ({}, ["get", "patch", "update"]))
    return kind or {"kind": resource.kind}, verbs


def verbs_of(resource: Resource) -> list[str]:
    """Namespaces are deleted one by one."""
    if resource.plural == "namespaces":
        return [verb for verb in _VERBS if verb != "deletecollection"]
    return ["create"] if resource.review else _VERBS


def _aggregated(served: list[Resource]) -> Json:
    groups: dict[str, dict[str, list[Resource]]] = defaultdict(lambda: defaultdict(list))
    for each in served:
        groups[each.group][each.version].append(each)
    items = [
        {
            "metadata": {"name": name},
            "versions": [_version(version, found) for version, found in versions.items()],
        }
        for name, versions in groups.items()
    ]
    kind = {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}}
    return {**kind, "items": items}


def _version(version: str, resources: list[Resource]) -> Json:
    described = [_described(each) for each in resources]
    return {"version": version, "freshness": "Current", "resources": described}


def _described(resource: Resource) -> Json:
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    parts = [(name, *_part(resource, name)) for name in resource.subresources]
    return {
        "resource": resource.plural,
        "responseKind": kind,
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.kind.lower(),
        "verbs": verbs_of(resource),
        **_if_any("shortNames", resource.short_names),
        **_if_any("categories", resource.categories),
        "subresources": [
            {"subresource": name, "responseKind": {**kind, **own}, "verbs": verbs}
            for name, own, verbs in parts
        ],
    }
