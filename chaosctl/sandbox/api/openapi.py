"""Why: kubectl asks for OpenAPI before it applies or explains; this says as much as it looks for."""

from collections.abc import Iterable

from chaosctl.sandbox.api import schemas, structural
from chaosctl.sandbox.api.errors import no_such_path
from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.resources import Resource
from chaosctl.sandbox.api.store import Store

_OPTIONS = ("dryRun", "fieldManager", "fieldValidation")
_INFO = {"title": "Kubernetes", "version": "v1.32.4"}
# kubectl wants the older document before it applies a List, and leaves kinds unchecked that are not in it.
V2: Json = {"swagger": "2.0", "info": _INFO, "paths": {}}
V2_PROTOBUF = b"\x0a\x032.0"  # field 1: swagger
V2_PROTOBUF_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"


def index(resources: Iterable[Resource], version: int) -> Json:
    """The documents there are, by group and version."""
    roots = dict.fromkeys(_root(each.group_version) for each in resources)
    return {"paths": {root: {"serverRelativeURL": f"/openapi/v3/{root}?hash={version}"} for root in roots}}


def document(store: Store, group_version: str) -> Json:
    """The OpenAPI v3 document of one version of a group. Raises ApiError 404."""
    served = [each for each in store.resources if each.group_version == group_version]
    if not served:
        raise no_such_path()
    found: Json = {}
    for resource in served:
        found |= _schemas(store, resource)
    return {
        "openapi": "3.0.0",
        "info": _INFO,
        "components": {"schemas": found},
        "paths": dict(_path(resource) for resource in served),
    }


def _root(group_version: str) -> str:
    return f"{'api' if group_version == 'v1' else 'apis'}/{group_version}"


def _schemas(store: Store, resource: Resource) -> Json:
    definition = store.definition(resource)
    if definition is None:
        return schemas.definitions(resource.group_version, resource.kind)
    schema = structural.schema_of(resource, definition)
    return {resource.kind: {**schema, "x-kubernetes-group-version-kind": [_identity(resource)]}}


def _path(resource: Resource) -> tuple[str, Json]:
    """The PATCH operation tells kubectl that the server validates fields."""
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in _OPTIONS]
    patch = {
        "parameters": parameters,
        "responses": {},
        "x-kubernetes-group-version-kind": _identity(resource),
    }
    space = "namespaces/{namespace}/" if resource.namespaced else ""
    return f"/{_root(resource.group_version)}/{space}{resource.plural}/{{name}}", {"patch": patch}


def _identity(resource: Resource) -> Json:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}
