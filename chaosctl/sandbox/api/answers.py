"""Why: the same objects leave as JSON, table, metadata or another version, by what the client accepts."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from chaosctl.sandbox.api.columns import Column, columns_of, printer_columns
from chaosctl.sandbox.api.errors import ApiError
from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.resources import Resource
from chaosctl.sandbox.api.store import Store
from chaosctl.sandbox.api.tables import partial, table

_FORMS = frozenset({"", "Table", "PartialObjectMetadata", "PartialObjectMetadataList"})
_MEDIA = frozenset({"", "*/*", "application/*", "application/json", "application/yaml"})
_MEDIA |= {"application/vnd.kubernetes.protobuf", "application/vnd.kubernetes.protobuf;stream=watch"}
_TABLE, _PARTIAL = "as=Table", "as=PartialObjectMetadata"


def encode(value: Any) -> bytes:  # noqa: ANN401  # any JSON
    return json.dumps(value, separators=(",", ":")).encode()


def as_json(
    value: Any,  # noqa: ANN401  # any JSON
    code: int = 200,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    return web.Response(
        body=encode(value), status=code, headers={**(headers or {}), "Content-Type": content_type}
    )


def refusal(error: ApiError) -> web.Response:
    return as_json(error.status, error.code)


class Presenter:
    """Shows objects of one resource as one request wants them."""

    def __init__(self, store: Store, resource: Resource, accept: str, include: str) -> None:
        first = _chosen(accept)
        self._resource, self._include = resource, include
        self._custom = store.definition(resource) is not None
        self.tabular, self._partial = _TABLE in first, _PARTIAL in first
        self._columns = _columns(store, resource) if self.tabular else []

    def one(self, body: Json) -> Json:
        if self.tabular:
            metadata = {"resourceVersion": body["metadata"].get("resourceVersion", "")}
            return table(self._columns, [self._versioned(body)], metadata, self._include)
        return partial(body) if self._partial else self._versioned(body)

    def many(self, bodies: Iterable[Json], metadata: Json) -> Json:
        if self.tabular:
            return table(self._columns, map(self._versioned, bodies), metadata, self._include)
        kind, version = f"{self._resource.kind}List", self._resource.group_version
        if self._partial:
            kind, version = "PartialObjectMetadataList", "meta.k8s.io/v1"
        return {
            "kind": kind,
            "apiVersion": version,
            "metadata": metadata,
            "items": [self._item(body) for body in bodies],
        }

    def _item(self, body: Json) -> Json:
        """In a list the built-in kinds do not say what they are."""
        if self._partial or self._custom:
            return self.one(body)
        return {key: value for key, value in body.items() if key not in {"kind", "apiVersion"}}

    def bookmark(self, version: int, annotations: Json) -> Json:
        """An empty object that says how far a watch has come."""
        metadata = {"resourceVersion": str(version), "creationTimestamp": None, **annotations}
        if self.tabular:
            return table(self._columns, [], metadata, self._include)
        return {"kind": self._resource.kind, "apiVersion": self._resource.group_version, "metadata": metadata}

    def _versioned(self, body: Json) -> Json:
        wanted = self._resource.group_version
        return body if body["apiVersion"] == wanted else {**body, "apiVersion": wanted}


def _chosen(accept: str) -> str:
    """The first form of those that a client accepts which we have. Raises ApiError 406."""
    for each in accept.split(","):
        form = each.partition(";as=")[2].partition(";")[0]
        if form in _FORMS and (form or each.partition(";")[0].strip() in _MEDIA):
            return each
    text = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    raise ApiError(406, "NotAcceptable", f"only the following media types are accepted: {text}")


def _columns(store: Store, resource: Resource) -> list[Column]:
    definition = store.definition(resource)
    if definition is None:
        return columns_of(resource.kind)
    versions = {version["name"]: version for version in definition["spec"]["versions"]}
    return printer_columns(versions[resource.version])
