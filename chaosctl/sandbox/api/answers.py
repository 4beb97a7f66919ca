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
        first = accept.partition(",")[0]
        self._resource, self._include = resource, include
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
            "items": [self.one(b) for b in bodies],
        }

    def bookmark(self, version: int, annotations: Json) -> Json:
        """An empty object that says how far a watch has come."""
        metadata = {"resourceVersion": str(version), "creationTimestamp": None, **annotations}
        if self.tabular:
            return table(self._columns, [], metadata, self._include)
        return {"kind": self._resource.kind, "apiVersion": self._resource.group_version, "metadata": metadata}

    def _versioned(self, body: Json) -> Json:
        wanted = self._resource.group_version
        return body if body["apiVersion"] == wanted else {**body, "apiVersion": wanted}


def _columns(store: Store, resource: Resource) -> list[Column]:
    definition = store.definition(resource)
    if definition is None:
        return columns_of(resource.kind)
    versions = {version["name"]: version for version in definition["spec"]["versions"]}
    return printer_columns(versions[resource.version])
