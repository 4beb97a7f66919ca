"""Why: the core speaks of objects and patches; the API server speaks of URLs and statuses."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Unpack, cast
from urllib.parse import quote

import structlog
from pydantic import JsonValue

from chaosctl.changes import look, same, text_at
from chaosctl.cluster.clock import ServerClock
from chaosctl.cluster.discovery import Discovery
from chaosctl.cluster.fields import MANAGER
from chaosctl.cluster.kubernetes import Answer, Connection, Parts, connection
from chaosctl.cluster.patience import patiently
from chaosctl.cluster.responses import because, check, parse
from chaosctl.errors import ClusterError, Conflict, Forbidden, Held, Lost, Refused, Throttled
from chaosctl.model import Json, Op, Ref
from chaosctl.targets.deployment import selector as selector_of

PAGE = 500  # objects
PATIENCE = 3  # times that a list is begun anew
BUSY, EXPIRED = 429, 410
FROM_PODS = 1024 * 1024  # bytes
BETWEEN_WATCHES = 0.5  # seconds
WATCHED_FOR = 240.0  # seconds; then a watch is opened anew
VERSION = "/metadata/resourceVersion"
WITHOUT_REPLICA_SETS = ("ReplicaSet", "StatefulSet", "DaemonSet", "Job")
REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
log = structlog.get_logger(__name__)


class _Expired(ClusterError):
    """The server no longer knows the version that we are at."""


class KubernetesCluster:
    """A Cluster over HTTP. Every request has a time limit; none that may have been done is repeated.

    `patient`: a write that the server was too busy for is asked for again; else it raises Throttled.
    """

    def __init__(self, over: Connection, manager: str = MANAGER, *, patient: bool = True) -> None:
        self._over = over
        self._manager = manager
        self._patient = patient
        self._discovery = Discovery(self._read)

    @property
    def clock(self) -> ServerClock:
        return self._over.clock

    async def version(self) -> str:
        """Of the server; the cheapest way to learn whether it can be reached."""
        return str((await self._read("/version")).get("gitVersion", ""))

    async def get(self, ref: Ref) -> Json:
        return await self._read(await self._path(ref))

    async def find(self, like: Ref, selector: str = "", fields: str = "") -> Sequence[Json]:
        found, _ = await self._list(like, selector, fields)
        return found

    async def pods(self, owner: Ref) -> Sequence[Json]:
        body = await self.get(owner)
        selector, owners = selector_of(body), {look(body, "/metadata/uid")}
        if owner.kind not in WITHOUT_REPLICA_SETS:
            like = Ref(api_version="apps/v1", kind="ReplicaSet", namespace=owner.namespace, name="")
            sets = await self.find(like, selector)
            owners |= {look(one, "/metadata/uid") for one in sets if _owners(one) & owners}
        pods = await self.find(Ref(kind="Pod", namespace=owner.namespace, name=""), selector)
        return sorted((pod for pod in pods if _owners(pod) & owners), key=_name)

    async def ask(self, pod: Ref, port: int, path: str) -> Json:
        url = _admin(pod, port, path)
        return parse(url, (await self._send("GET", url, largest=FROM_PODS)).body)

    async def tell(self, pod: Ref, port: int, path: str, body: Json) -> Json:
        url = _admin(pod, port, path)
        return parse(url, (await self._send("POST", url, body=body, largest=FROM_PODS)).body)

    async def patch(
        self, ref: Ref, ops: Sequence[Op], *, dry_run: bool = False, subresource: str = ""
    ) -> Json:
        path, query = await self._path(ref), self._writing(dry_run=dry_run)
        path = f"{path}/{subresource}" if subresource else path
        body: JsonValue = [_operation(op) for op in ops]
        content_type = "application/json-patch+json"
        try:
            answer = await self._send("PATCH", path, query=query, body=body, content_type=content_type)
        except Refused:
            await self._still_at(ref, ops)
            raise
        return parse(path, answer.body)

    async def create(self, ref: Ref, body: Json, *, dry_run: bool = False) -> Json:
        path = await self._path(ref.model_copy(update={"name": ""}))
        metadata = {**cast("Json", body.get("metadata") or {}), "name": ref.name}
        if ref.namespace:
            metadata["namespace"] = ref.namespace
        whole: Json = {**body, "apiVersion": ref.api_version, "kind": ref.kind, "metadata": metadata}
        answer = await self._send("POST", path, query=self._writing(dry_run=dry_run), body=whole)
        return parse(path, answer.body)

    async def delete(self, ref: Ref, uid: str, *, grace_seconds: int | None = None) -> None:
        body: Json = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
        body["propagationPolicy"] = "Background"
        if grace_seconds is not None:
            body["gracePeriodSeconds"] = grace_seconds
        await self._send("DELETE", await self._path(ref), body=body)

    async def evict(self, pod: Ref, uid: str) -> None:
        path = f"{await self._path(pod)}/eviction"
        body: Json = {"apiVersion": "policy/v1", "kind": "Eviction"}
        body["metadata"] = {"name": pod.name, "namespace": pod.namespace}
        body["deleteOptions"] = {"preconditions": {"uid": uid}}
        answer = await self._over.request("POST", path, body=body)
        if answer.status == BUSY:
            raise Held(f"{pod}: {because(answer.body)}")
        check(f"POST {path}", answer.status, answer.body)

    async def allowed(self, verb: str, ref: Ref, subresource: str = "") -> bool:
        resource = await self._discovery.resource(ref)
        asked: Json = {
            "namespace": ref.namespace,
            "verb": verb,
            "group": resource.group,
            "resource": resource.plural,
            "subresource": subresource,
            "name": ref.name,
        }
        body: Json = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
        body["spec"] = {"resourceAttributes": {key: value for key, value in asked.items() if value}}
        review = parse(REVIEW, (await self._send("POST", REVIEW, body=body)).body)
        return look(review, "/status/allowed") is True

    async def plural(self, ref: Ref) -> str:
        return (await self._discovery.resource(ref)).plural

    async def watch(self, like: Ref, selector: str = "") -> AsyncIterator[tuple[str, Json]]:
        """What is there, then what changes, for ever: ADDED, MODIFIED or DELETED, and the object.

        After a gap too long to bridge everything that is there comes as ADDED again. Raises ClusterError
        where it cannot be listed.
        """
        while True:
            found, version = await self._list(like, selector, "")
            for body in found:
                yield "ADDED", body
            async for kind, body in self._changes(like, selector, version):
                yield kind, body

    async def _changes(self, like: Ref, selector: str, version: str) -> AsyncIterator[tuple[str, Json]]:
        """Changes since a version, until the server no longer knows it."""
        path = await self._path(like.model_copy(update={"name": ""}))
        query = {"watch": "true", "allowWatchBookmarks": "true", "labelSelector": selector}
        with suppress(_Expired):
            while True:
                query["resourceVersion"] = version
                async for kind, body in self._events(path, query):
                    version = text_at(body, VERSION)
                    if kind != "BOOKMARK":
                        yield kind, body
                await asyncio.sleep(BETWEEN_WATCHES)

    async def _events(self, path: str, query: Mapping[str, str]) -> AsyncIterator[tuple[str, Json]]:
        """What one watch brings, until it is cut. Raises _Expired."""
        try:
            async for status, line in self._over.stream(path, query, WATCHED_FOR):
                yield _event(path, status, line)
        except Lost:
            log.debug("a watch was cut and is opened again", path=path)

    async def _list(self, like: Ref, selector: str, fields: str) -> tuple[list[Json], str]:
        """Every page, and the version of the last one; from the beginning again where one has expired."""
        path = await self._path(like.model_copy(update={"name": ""}))
        query = {"limit": str(PAGE), "labelSelector": selector, "fieldSelector": fields}
        for _ in range(PATIENCE):
            with suppress(_Expired):
                pages = [page async for page in self._pages(path, _given(query))]
                items = [item for page in pages for item in cast("list[Json]", page.get("items") or [])]
                kind: Json = {"apiVersion": like.api_version, "kind": like.kind}
                return [{**kind, **item} for item in items], str(look(pages[-1], VERSION) or "")
        raise Lost(f"{path}: it changed faster than it could be listed, {PATIENCE} times")

    async def _pages(self, path: str, query: dict[str, str]) -> AsyncIterator[Json]:
        """Raises _Expired."""
        while True:
            answer = await self._send_reading(path, query)
            page = parse(path, answer.body)
            yield page
            query["continue"] = str(look(page, "/metadata/continue") or "")
            if not query["continue"]:
                return

    async def _path(self, ref: Ref) -> str:
        return (await self._discovery.resource(ref)).path(ref)

    async def _read(self, path: str) -> Json:
        return parse(path, (await self._send_reading(path, {})).body)

    async def _send_reading(self, path: str, query: Mapping[str, str]) -> Answer:
        answer = await self._ask("GET", path, query=query)
        if answer.status == EXPIRED:
            raise _Expired(f"{path}: too old")
        check(path, answer.status, answer.body)
        return answer

    async def _send(self, method: str, path: str, **more: Unpack[Parts]) -> Answer:
        answer = await self._ask(method, path, **more)
        check(f"{method} {path}", answer.status, answer.body)
        return answer

    async def _ask(self, method: str, path: str, **more: Unpack[Parts]) -> Answer:
        changes_nothing = method == "GET" or path == REVIEW or bool((more.get("query") or {}).get("dryRun"))
        if self._patient or changes_nothing:
            return await patiently(lambda: self._once(method, path, **more))
        return await self._once(method, path, **more)

    async def _once(self, method: str, path: str, **more: Unpack[Parts]) -> Answer:
        answer = await self._over.request(method, path, **more)
        after = answer.headers.get("Retry-After", "")
        if answer.status == BUSY and after.isdecimal():
            raise Throttled(f"{method} {path}: {BUSY} {because(answer.body)}", float(after))
        return answer

    def _writing(self, *, dry_run: bool) -> dict[str, str]:
        return {"fieldManager": self._manager} | ({"dryRun": "All"} if dry_run else {})

    async def _still_at(self, ref: Ref, ops: Sequence[Op]) -> None:
        """A failed test of the version and a value that is not valid look alike: 422. So look again."""
        tested = next((op.value for op in ops if (op.op, op.path) == ("test", VERSION)), None)
        if tested is not None and not same(look(await self.get(ref), VERSION), tested):
            raise Conflict(f"{ref}: written since")


@asynccontextmanager
async def connect(
    context: str = "", kubeconfig: str = "", manager: str = MANAGER, *, patient: bool = True
) -> AsyncIterator[KubernetesCluster]:
    """A cluster, found as kubectl finds it. Raises Invalid, and Lost where it does not answer."""
    async with connection(context, kubeconfig) as over:
        cluster = KubernetesCluster(over, manager, patient=patient)
        with suppress(Forbidden):  # it answers; what we may do is for the guards to find out
            await cluster.version()
        yield cluster


def _event(path: str, status: int, line: bytes) -> tuple[str, Json]:
    """One line of a watch. Raises _Expired, and what `check` raises."""
    if status == EXPIRED:
        raise _Expired(f"{path}: too old")
    check(path, status, line)
    event = parse(path, line)
    if event.get("type") == "ERROR":
        raise _Expired(f"{path}: the watch cannot go on")
    return str(event.get("type")), cast("Json", event.get("object") or {})


def _given(query: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in query.items() if value}


def _operation(op: Op) -> JsonValue:
    return op.model_dump(exclude={"value"} if op.op == "remove" else None)


def _admin(pod: Ref, port: int, path: str) -> str:
    return f"/api/v1/namespaces/{quote(pod.namespace)}/pods/{quote(pod.name)}:{port}/proxy/{path.lstrip('/')}"


def _owners(body: Json) -> set[JsonValue]:
    return {one.get("uid") for one in cast("list[Json]", look(body, "/metadata/ownerReferences") or [])}


def _name(body: Json) -> str:
    return text_at(body, "/metadata/name")
