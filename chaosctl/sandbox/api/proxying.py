"""Why: whoever is outside of the cluster's network reaches a pod's own port by way of the API server."""

import aiohttp
from aiohttp import web

from chaosctl.sandbox.api.calls import LARGEST_BODY, Call, read
from chaosctl.sandbox.api.errors import ApiError, bad_request
from chaosctl.sandbox.api.objects import Json, dig
from chaosctl.sandbox.api.store import Store

_WITHIN = aiohttp.ClientTimeout(total=30)
_KEPT = ("Accept", "Content-Type")
_SERVICE_NAME = "kubernetes.io/service-name"


async def relay(store: Store, call: Call) -> web.Response:
    """Pass a request on to a pod, or to one behind a Service, and its answer back. Raises ApiError."""
    place = call.place
    found = store.get(place.resource, place.namespace, place.name or "")
    address, port = (
        _endpoint(store, found, place.port) if found["kind"] == "Service" else _pod(found, place.port)
    )
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
        raise _unreachable(f"dial tcp {address}:{port}: {_plain(error)}") from error


def _pod(pod: Json, port: str) -> tuple[str, int]:
    """Where a pod listens. Raises ApiError 400, 503."""
    address = dig(pod, "status.podIP")
    if not address:
        raise _unreachable(f"address not allowed: pod {pod['metadata']['name']} has none")
    ports = [each for container in pod["spec"]["containers"] for each in container.get("ports") or ()]
    if not port:
        return address, int(ports[0]["containerPort"]) if ports else 80
    if port.isdecimal():
        return address, int(port)
    named = next((int(each["containerPort"]) for each in ports if each.get("name") == port), None)
    if named is None:
        raise bad_request(f"pod {pod['metadata']['name']} has no port {port}")
    return address, named


def _endpoint(store: Store, service: Json, port: str) -> tuple[str, int]:
    """A ready endpoint of a Service. Raises ApiError 503."""
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
    wanted = _port_name(service, port)
    for each in store.list(store.resource("discovery.k8s.io/v1", "endpointslices"), namespace):
        if (each["metadata"].get("labels") or {}).get(_SERVICE_NAME) != name:
            continue
        numbers = [one["port"] for one in each.get("ports") or () if (one.get("name") or "") == wanted]
        ready = [one for one in each.get("endpoints") or () if dig(one, "conditions.ready") is not False]
        if numbers and ready:
            return ready[0]["addresses"][0], numbers[0]
    asked = f"{name}:{port}" if port else name
    raise ApiError(503, "ServiceUnavailable", f'no endpoints available for service "{asked}"')


def _port_name(service: Json, port: str) -> str:
    """The name of the port that a number or a name stands for. Raises ApiError 503."""
    ports = service["spec"].get("ports") or []
    if not port and len(ports) == 1:
        return str(ports[0].get("name") or "")
    for each in ports:
        if port in {str(each["port"]), each.get("name")}:
            return str(each.get("name") or "")
    text = f'no service port "{port}" found for service "{service["metadata"]["name"]}"'
    raise ApiError(503, "ServiceUnavailable", text)


def _plain(error: Exception) -> str:
    inner = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(inner, ConnectionRefusedError):
        return "connect: connection refused"
    return str(error) or type(error).__name__


def _unreachable(why: str) -> ApiError:
    return ApiError(503, "ServiceUnavailable", f"error trying to reach service: {why}")
