"""Why: kubectl asks for tables, lists and single objects by its Accept header; this is what it then gets."""

from collections.abc import Iterable
from typing import Any

from chaosctl.sandbox.api.columns import Column
from chaosctl.sandbox.api.objects import Json


def table(columns: list[Column], bodies: Iterable[Json], metadata: Json, include: str) -> Json:
    """A Table; each row carries as much of its object as is asked: Object, Metadata or None."""
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [_definition(column) for column in columns],
        "rows": [_row(columns, body, include) for body in bodies],
    }


def partial(body: Json) -> Json:
    """An object cut down to its metadata."""
    kind = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    return {**kind, "metadata": body["metadata"]}


def _definition(column: Column) -> Json:
    return {
        "name": column.name,
        "type": column.type,
        "format": "name" if column.name == "Name" else "",
        "description": column.name,
        "priority": int(column.wide),
    }


def _row(columns: list[Column], body: Json, include: str) -> Json:
    cells: list[Any] = [column.cell(body) for column in columns]
    match include:
        case "Object":
            return {"cells": cells, "object": body}
        case "None":
            return {"cells": cells}
        case _:
            return {"cells": cells, "object": partial(body)}
