"""Why: a large list is read in pages, all of one moment, and a watch from its version must miss nothing."""

import base64
import json

from chaosctl.sandbox.api.calls import Call
from chaosctl.sandbox.api.errors import ApiError, bad_request
from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.options import Version
from chaosctl.sandbox.api.store import Store

_Key = tuple[str, str]


def page(store: Store, call: Call, wanted: Version) -> tuple[list[Json], Json]:
    """The objects of one page and the list's metadata. Every page has the version of the first.

    Raises ApiError 400 for a token that is none, 410 for a version that is too old, 504 for a future one.
    """
    place, match = call.place, call.match()
    version, start = _position(call.option("continue"))
    version = _moment(store, wanted) if version is None else version
    found = filter(match, store.list_at(place.resource, place.namespace, version))
    rest = [body for body in found if _key(body) > start]
    size = max(0, call.number("limit") or 0) or len(rest)
    metadata: Json = {"resourceVersion": str(version)}
    if len(rest) > size:
        metadata["continue"] = _token(version, rest[size - 1])
    if len(rest) > size and not call.option("labelSelector") and not call.option("fieldSelector"):
        metadata["remainingItemCount"] = len(rest) - size
    return rest[:size], metadata


def _moment(store: Store, wanted: Version) -> int:
    """The version that is shown. Raises ApiError 504 for one that has not come yet."""
    newest = max(wanted.at_least, wanted.exactly or 0)
    if newest > store.version:
        raise _too_large(newest, store.version)
    return store.version if wanted.exactly is None else wanted.exactly


def _too_large(wanted: int, version: int) -> ApiError:
    text = "Too large resource version"
    details = {
        "causes": [{"reason": "ResourceVersionTooLarge", "message": text}],
        "retryAfterSeconds": 1,
    }
    return ApiError(504, "Timeout", f"Timeout: {text}: {wanted}, current: {version}", details)


def _key(body: Json) -> _Key:
    return body["metadata"].get("namespace", ""), body["metadata"]["name"]


def _token(version: int, last: Json) -> str:
    return base64.urlsafe_b64encode(json.dumps([version, *_key(last)]).encode()).decode()


def _position(token: str) -> tuple[int | None, _Key]:
    """The version and the last key of the page before. Raises ApiError 400."""
    if not token:
        return None, ("", "")
    try:
        version, namespace, name = json.loads(base64.urlsafe_b64decode(token))
        return int(version), (str(namespace), str(name))
    except (TypeError, ValueError) as error:
        raise bad_request(f"invalid continue token: continue key is not valid: {error}") from None
