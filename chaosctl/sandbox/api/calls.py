"""Why: a request is read once: its place, its options and its body, so that verbs deal in objects only."""

import json
from typing import Any, NamedTuple

from aiohttp import web

from chaosctl.sandbox.api import protobuf
from chaosctl.sandbox.api.authz import Attributes, Identity
from chaosctl.sandbox.api.errors import ApiError, bad_request, invalid_option
from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.places import Place
from chaosctl.sandbox.api.selectors import Match, by_fields, by_labels

LARGEST_BODY = 3 * 2**20
_OPTIONS = {"create": "Create", "update": "Update", "patch": "Patch"}
_OPTIONS |= {"delete": "Delete", "deletecollection": "Delete"}
_TRUE = frozenset({"true", "1"})


class Call(NamedTuple):
    """One request to the REST API."""

    request: web.Request
    place: Place
    verb: str
    identity: Identity

    @property
    def attributes(self) -> Attributes:
        """What Roles have to allow."""
        place = self.place
        name = place.name or ""
        return Attributes(
            self.verb,
            place.resource.group,
            place.resource.plural,
            place.subresource,
            name if place.resource.plural == "namespaces" else place.namespace or "",
            name,
        )

    @property
    def manager(self) -> str:
        """The field manager: as given, else the program's name."""
        return (
            self.option("fieldManager") or self.request.headers.get("User-Agent", "unknown").partition("/")[0]
        )

    @property
    def dry_run(self) -> bool:
        return is_dry_run(self.request.query.getall("dryRun", []), f"{_OPTIONS[self.verb]}Options")

    def option(self, name: str) -> str:
        return self.request.query.get(name, "")

    def flag(self, name: str) -> bool:
        """A boolean of the query; Python clients write it with a capital."""
        return self.option(name).lower() in _TRUE

    def number(self, name: str) -> int | None:
        """A whole number of the query, or None. Raises ApiError 400."""
        text = self.option(name)
        try:
            return int(text) if text else None
        except ValueError:
            raise bad_request(f"strconv.ParseInt: parsing {json.dumps(text)}: invalid syntax") from None

    def match(self) -> Match:
        """Which objects are asked for. Raises ApiError 400."""
        place = self.place
        labels, fields = (
            by_labels(self.option("labelSelector")),
            by_fields(place.resource, self.option("fieldSelector")),
        )

        def chosen(body: Json) -> bool:
            metadata = body["metadata"]
            inside = place.namespace is None or metadata.get("namespace") == place.namespace
            return inside and place.name in {None, metadata["name"]} and labels(body) and fields(body)

        return chosen

    async def body(self) -> Json:
        """The body as an object. Raises ApiError 400, 413, 415."""
        found = await self.patch_body()
        if not isinstance(found, dict):
            raise bad_request("the body of the request must be an object")
        return found

    async def patch_body(self) -> Any:  # noqa: ANN401  # a JSON Patch is a list
        """The body as JSON; empty is {}. Raises ApiError 400, 413, 415."""
        return decode(await read(self.request), self.request.content_type)


async def read(request: web.Request) -> bytes:
    """The body's bytes. Raises ApiError 413."""
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        text = f"Request entity too large: limit is {LARGEST_BODY}"
        raise ApiError(413, "RequestEntityTooLarge", text) from None


def decode(raw: bytes, content_type: str) -> Any:  # noqa: ANN401  # any JSON
    """JSON, YAML or protobuf. Raises ApiError 400, 415."""
    if not raw:
        return {}
    if raw.startswith(protobuf.MAGIC):
        return protobuf.decode(raw)
    try:
        return (
            _yaml(raw) if "yaml" in content_type and not raw.lstrip().startswith(b"{") else _strict_json(raw)
        )
    except (ValueError, RecursionError) as error:
        raise bad_request(f"the object provided is unrecognized: {error}") from error


def _strict_json(raw: bytes) -> Any:  # noqa: ANN401  # any JSON
    return json.loads(raw, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def is_dry_run(values: list[str], options: str) -> bool:
    """Raises ApiError 422 for anything but All; `options` is the kind of what they stand in."""
    if any(value not in {"", "All"} for value in values):
        text = f'Unsupported value: {json.dumps(values)}: supported values: "All"'
        raise invalid_option(options, "dryRun", "FieldValueNotSupported", text)
    return "All" in values


def _yaml(raw: bytes) -> Any:  # noqa: ANN401  # any JSON
    import yaml  # noqa: PLC0415  # only `apply --server-side` sends it

    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(raw, Loader=yaml.SafeLoader)):
            raise bad_request(
                "YAML aliases are not accepted: a few of them can stand for any amount of memory"
            )
        return yaml.safe_load(raw)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
