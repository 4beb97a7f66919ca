"""Why: a large list is read in pages, and a watch from its version must miss nothing."""

import base64
import json

from chaosctl.sandbox.api.errors import bad_request
from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.store import Store

_Key = tuple[str, str]


def page(store: Store, found: list[Json], limit: int | None, token: str) -> tuple[list[Json], Json]:
    """The objects of one page and the list's metadata. Every page has the version of the first.

    Raises ApiError 400 for a token that is none, 410 for one that is too old.
    """
    version, start = _position(token)
    if version is None:
        version = store.version
    else:
        store.since(version)
    rest = [body for body in found if _key(body) > start]
    size = max(0, limit or 0) or len(rest)
    metadata: Json = {"resourceVersion": str(version)}
    if len(rest) > size:
        metadata |= {"continue": _token(version, rest[size - 1]), "remainingItemCount": len(rest) - size}
    return rest[:size], metadata


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
    except (TypeError, ValueError):
        raise bad_request("continue key is not valid") from None
