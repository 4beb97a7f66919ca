"""Why: what a request asks for beside its body is checked too, and a server says which option is wrong."""

from typing import NamedTuple

from chaosctl.sandbox.api import schemas
from chaosctl.sandbox.api.calls import Call
from chaosctl.sandbox.api.errors import ApiError, bad_request, internal, invalid_option
from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.resources import Resource

_POLICIES = ("Foreground", "Background", "Orphan")
_MATCHES = ("Exact", "NotOlderThan")
_ORPHANING = frozenset(
    {"jobs", "replicationcontrollers"}
)  # where an API from before garbage collection is kept


async def of_delete(call: Call) -> Json:
    """The DeleteOptions of a request. Raises ApiError 400, 422."""
    options = await call.body()
    schemas.check_part("v1", "DeleteOptions", options)
    policy = options.get("propagationPolicy") or call.option("propagationPolicy")
    if policy and policy not in _POLICIES:
        listed = ", ".join(f'"{each}"' for each in (*_POLICIES, "nil"))
        text = f'Unsupported value: "{policy}": supported values: {listed}'
        raise invalid_option("DeleteOptions", "propagationPolicy", "FieldValueNotSupported", text)
    return options


def policy(resource: Resource, call: Call, options: Json) -> str:
    """What becomes of the owned."""
    orphans = options.get("orphanDependents")
    orphaning = orphans or (orphans is None and resource.plural in _ORPHANING)
    default = "Orphan" if orphaning else "Background"
    return str(options.get("propagationPolicy") or call.option("propagationPolicy") or default)


class Version(NamedTuple):
    """How new a list has to be."""

    at_least: int = 0
    exactly: int | None = None


def of_list(call: Call) -> Version:
    """Which version a list is to be of. Raises ApiError 400, 422."""
    text, match = call.option("resourceVersion"), call.option("resourceVersionMatch")
    if match and match not in _MATCHES:
        why = f'Unsupported value: "{match}": supported values: "Exact", "NotOlderThan", ""'
        raise invalid_option("ListOptions", "resourceVersionMatch", "FieldValueNotSupported", why)
    if match and not text:
        raise _forbidden("resourceVersionMatch is forbidden unless resourceVersion is provided")
    if not text:
        return Version()
    if not text.isdecimal():
        raise bad_request(f"invalid resource version: {_no_version(text)}")
    return Version(exactly=int(text)) if match == "Exact" else Version(at_least=int(text))


def check_watch(call: Call) -> None:
    """Raises ApiError 422, 500."""
    text = call.option("resourceVersion")
    if call.flag("sendInitialEvents") and call.option("resourceVersionMatch") != "NotOlderThan":
        raise _forbidden("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
    if text and not text.isdecimal():
        raise internal(_no_version(text))


def _no_version(text: str) -> str:
    why = f'strconv.ParseUint: parsing "{text}": invalid syntax'
    return f'resourceVersion: Invalid value: "{text}": {why}'


def _forbidden(why: str) -> ApiError:
    return invalid_option("ListOptions", "resourceVersionMatch", "FieldValueForbidden", f"Forbidden: {why}")
