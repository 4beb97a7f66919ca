"""Why: pods have parts that are no fields: logs come from the node, evictions ask disruption budgets."""

from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime, timedelta
from typing import Protocol

from aiohttp import ClientConnectionResetError, web

from chaosctl.sandbox.api.calls import Call
from chaosctl.sandbox.api.errors import ApiError, bad_request
from chaosctl.sandbox.api.objects import Json, dig
from chaosctl.sandbox.api.store import Store


class Backend(Protocol):
    """What runs the pods."""

    def logs(  # noqa: PLR0913  # the options of `kubectl logs`
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        tail: int | None,
        follow: bool,
        previous: bool,
        since: timedelta | None,
    ) -> AsyncIterator[bytes]:
        """A container's output. Raises ApiError where there is none."""
        ...


class NoBackend:
    """Objects only: pods have no output."""

    async def logs(  # noqa: PLR0913  # the options of `kubectl logs`
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        tail: int | None,
        follow: bool,
        previous: bool,
        since: timedelta | None,
    ) -> AsyncIterator[bytes]:
        del tail, follow, previous, since
        message = (
            f'container "{container}" in pod "{pod}" of {namespace} is waiting to start: no node runs it'
        )
        raise ApiError(400, "BadRequest", message)
        yield b""  # makes it an iterator, as the Protocol says


async def logs(store: Store, backend: Backend, call: Call) -> web.StreamResponse:
    """Stream a container's output. Raises ApiError 400, 404."""
    pod = store.get(call.place.resource, call.place.namespace, call.place.name or "")
    follow = call.flag("follow")
    chunks = backend.logs(
        pod["metadata"]["namespace"],
        pod["metadata"]["name"],
        _container(pod, call.option("container")),
        tail=call.number("tailLines"),
        follow=follow,
        previous=call.flag("previous"),
        since=_since(call),
    )
    chunks = _limited(chunks, call.number("limitBytes"))
    first = await anext(chunks, b"")  # a refusal comes before the headers
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    response.enable_chunked_encoding()
    try:
        await response.prepare(call.request)
        await response.write(first)
        async for chunk in chunks:
            await response.write(chunk)
    except ClientConnectionResetError:
        return response  # the client has gone; there is nobody to tell
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()
    return response


def bind(store: Store, call: Call, body: Json) -> Json:
    """Bind a pod to a node. Raises ApiError 400, 404, 409."""
    node = dig(body, "target.name")
    if not node:
        raise bad_request("target.name: Required value")

    def bound(pod: Json) -> Json:
        if pod["spec"].get("nodeName"):
            raise ApiError(409, "Conflict", f"pod {pod['metadata']['name']} is already assigned to a node")
        return {**pod, "spec": {**pod["spec"], "nodeName": node}}

    place = call.place
    key = place.namespace, place.name or ""
    store.update(place.resource, *key, bound, manager=call.manager, subresource="binding")
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def unsupported(subresource: str) -> ApiError:
    message = f"the sandbox runs pods as local processes and does not offer {subresource}"
    return ApiError(501, "NotImplemented", message)


async def _limited(chunks: AsyncIterator[bytes], limit: int | None) -> AsyncIterator[bytes]:
    """The chunks up to so many bytes."""
    left = limit
    async for chunk in chunks:
        yield chunk[:left]
        if left is not None:
            left -= len(chunk)
            if left <= 0:
                return


def _container(pod: Json, wanted: str) -> str:
    name = pod["metadata"]["name"]
    initial = [each["name"] for each in pod["spec"].get("initContainers") or ()]
    names = [each["name"] for each in pod["spec"]["containers"]]
    if wanted:
        if wanted not in [*names, *initial]:
            raise bad_request(f"container {wanted} is not valid for pod {name}")
        return wanted
    if len(names) > 1:
        choices = " ".join(names)
        raise bad_request(f"a container name must be specified for pod {name}, choose one of: [{choices}]")
    return str(names[0])


def _since(call: Call) -> timedelta | None:
    if seconds := call.number("sinceSeconds"):
        return timedelta(seconds=seconds)
    if moment := call.option("sinceTime"):
        try:
            start = datetime.fromisoformat(moment)
        except ValueError:
            raise bad_request(f"sinceTime: {moment!r} is no time") from None
        return datetime.now(start.tzinfo) - start
    return None
