"""Why: pods have parts that are no fields: logs come from the node, evictions ask disruption budgets."""

from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from aiohttp import ClientConnectionResetError, web

from chaosctl.sandbox.api.calls import Call
from chaosctl.sandbox.api.errors import ApiError, bad_request
from chaosctl.sandbox.api.objects import Json, dig
from chaosctl.sandbox.api.selectors import matches
from chaosctl.sandbox.api.store import Store

_MANAGER = "kube-apiserver"


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


class _Budget(NamedTuple):
    """What a PodDisruptionBudget says for the moment."""

    name: str
    allowed: int
    healthy: int
    wanted: int
    always_for_unready: bool
    current: bool

    def ignores(self, pod: Json) -> bool:
        """Whether a pod that is not ready may go without being counted."""
        conditions = dig(pod, "status.conditions") or ()
        ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
        return not ready and (self.always_for_unready or self.healthy >= self.wanted > 0)


def _read(budget: Json) -> _Budget:
    status, metadata = budget.get("status") or {}, budget["metadata"]
    return _Budget(
        name=metadata["name"],
        allowed=status.get("disruptionsAllowed", 0),
        healthy=status.get("currentHealthy", 0),
        wanted=status.get("desiredHealthy", 0),
        always_for_unready=dig(budget, "spec.unhealthyPodEvictionPolicy") == "AlwaysAllow",
        current=status.get("observedGeneration", 0) >= metadata.get("generation", 0),
    )


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


def evict(store: Store, call: Call, body: Json) -> Json:
    """Delete a pod if its disruption budgets allow it. Raises ApiError 404, 429."""
    place = call.place
    pod = store.get(place.resource, place.namespace, place.name or "")
    if "deletionTimestamp" not in pod["metadata"] and dig(pod, "status.phase") == "Running":
        _ask_budgets(store, pod, dry_run=call.dry_run)
    options = body.get("deleteOptions") or {}
    conditions = options.get("preconditions") or {}
    store.delete(
        place.resource,
        place.namespace,
        place.name or "",
        uid=conditions.get("uid"),
        version=conditions.get("resourceVersion"),
        grace_seconds=options.get("gracePeriodSeconds"),
        dry_run=call.dry_run or "All" in (options.get("dryRun") or ()),
    )
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


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


def _ask_budgets(store: Store, pod: Json, *, dry_run: bool) -> None:
    resource = store.resource("policy/v1", "poddisruptionbudgets")
    namespace, labels = pod["metadata"]["namespace"], pod["metadata"].get("labels") or {}
    guarding = [b for b in store.list(resource, namespace) if matches(dig(b, "spec.selector"), labels)]
    if len(guarding) > 1:
        text = (
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        )
        raise ApiError(500, "InternalError", text)
    for budget in map(_read, guarding):
        if budget.ignores(pod):
            continue
        if not budget.current or budget.allowed < 1:
            raise _refused(budget)
        if not dry_run:
            store.update(resource, namespace, budget.name, _spend_one, manager=_MANAGER, subresource="status")


def _spend_one(budget: Json) -> Json:
    """Count the eviction at once, so that a second one does not slip in before the controller looks."""
    budget["status"]["disruptionsAllowed"] -= 1
    return budget


def _refused(budget: _Budget) -> ApiError:
    why = f"needs {budget.wanted} healthy pods and has {budget.healthy} currently"
    if not budget.current:
        why = "is still being processed by the server."
    cause = {"reason": "DisruptionBudget", "message": f"The disruption budget {budget.name} {why}"}
    message = "Cannot evict pod as it would violate the pod's disruption budget."
    return ApiError(429, "TooManyRequests", message, {"causes": [cause]})
