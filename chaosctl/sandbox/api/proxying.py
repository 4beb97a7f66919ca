"""Why: whoever is outside of the cluster's network reaches a pod's own port by way of the API server."""

import aiohttp
from aiohttp import web

from chaosctl.sandbox.api.calls import LARGEST_BODY, Call, read
from chaosctl.sandbox.api.errors import ApiError
from chaosctl.sandbox.api.objects import dig
from chaosctl.sandbox.api.store import Store

_WITHIN = aiohttp.ClientTimeout(total=30)
_KEPT = ("Accept", "Content-Type")


async def relay(store: Store, call: Call) -> web.Response:
    """Pass a request on to a pod, and its answer back. Raises ApiError 404, 503."""
    place = call.place
    pod = store.get(place.resource, place.namespace, place.name or "")
    address, port = dig(pod, "status.podIP"), place.port or _first_port(pod)
    if not address:
        raise _unreachable(f"address not allowed: pod {place.name} has none")
    url = f"http://{address}:{port}/{place.path}"
    headers = {name: call.request.headers[name] for name in _KEPT if name in call.request.headers}
    body = await read(call.request)
    try:
        async with (
            aiohttp.ClientSession(timeout=_WITHIN) as session,
            session.request(
                call.request.method, url, params=call.request.query, data=body, headers=headers
            ) as answer,
        ):
            return web.Response(
                body=await answer.content.read(LARGEST_BODY),
                status=answer.status,
                headers={"Content-Type": answer.headers.get("Content-Type", "text/plain")},
            )
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise _unreachable(str(error) or type(error).__name__) from error


def _first_port(pod: dict[str, object]) -> int:
    ports = dig(pod, "spec.containers") or ()
    named = [port["containerPort"] for container in ports for port in container.get("ports") or ()]
    return int(named[0]) if named else 80


def _unreachable(why: str) -> ApiError:
    return ApiError(503, "ServiceUnavailable", f"error trying to reach service: {why}")
