"""Why: the core must be tried against thousands of clusters, each in a few milliseconds of our time.

FakeCluster keeps objects as the API server shows them: versions, UIDs, generations, managedFields. It plays
the controllers that a drill meets, at once: a Deployment has a ReplicaSet for each of its templates, the
current one has pods, a pod is ready when it is `startup` old, and an EndpointSlice names a Service's pods.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import cast

from pydantic import JsonValue

from chaosctl.changes import apply_ops, look, text_at
from chaosctl.copying import copy_json
from chaosctl.errors import Conflict, Gone, Held, Lost
from chaosctl.model import Json, Op, Ref
from chaosctl.testing import workloads
from chaosctl.testing.clock import EPOCH
from chaosctl.testing.managers import managed
from chaosctl.testing.objects import ref_of
from chaosctl.testing.selectors import has_fields, selects

VERSION = "/metadata/resourceVersion"
OURS = "chaosctl"
_CONTROLLED = ("Deployment", "ReplicaSet", "Pod")


class FakeCluster:
    """Objects with versions and UIDs, and controllers that act at once.

    `broken` are images whose pods never get ready, `denied` what `allowed` denies, as "patch Deployment"
    or "create Pod/proxy", `held` the names of pods that a disruption budget does not let go, `admin`
    answers for pods' admin ports (told nothing, the body is None).
    """

    def __init__(self, *bodies: Json, startup: timedelta = timedelta(seconds=2)) -> None:
        self.objects: dict[Ref, Json] = {}
        self.writes: list[tuple[str, Ref]] = []
        self.startup = startup
        self.broken: set[str] = set()
        self.denied: set[str] = set()
        self.held: set[str] = set()
        self.admin: Callable[[Ref, str, Json | None], Json] = _silent
        self._count = 0
        for body in (*workloads.nodes(), *bodies):
            self.put(body)

    async def get(self, ref: Ref) -> Json:
        return self._shown(ref, self._found(ref))

    async def find(self, like: Ref, selector: str = "", fields: str = "") -> Sequence[Json]:
        if like.kind == "EndpointSlice":
            shown = [self._endpoints(body) for body in self._all("Service", like.namespace)]
        else:
            shown = [
                self._shown(ref, body)
                for ref, body in self.objects.items()
                if (ref.kind, ref.api_version) == (like.kind, like.api_version)
                and like.namespace in ("", ref.namespace)
            ]
        return [body for body in shown if selects(selector, body) and has_fields(fields, body)]

    async def pods(self, owner: Ref) -> Sequence[Json]:
        uid = look(self._found(owner), "/metadata/uid")
        owners = {uid} | {look(body, "/metadata/uid") for body in self._owned("ReplicaSet", {uid})}
        return [self._shown(ref_of(body), body) for body in self._owned("Pod", owners)]

    async def ask(self, pod: Ref, port: int, path: str) -> Json:  # noqa: ARG002 - one admin port each
        self._found(pod)
        return self.admin(pod, path, None)

    async def tell(self, pod: Ref, port: int, path: str, body: Json) -> Json:  # noqa: ARG002 - as in ask
        self._found(pod)
        return self.admin(pod, path, body)

    async def allowed(self, verb: str, ref: Ref, subresource: str = "") -> bool:
        return f"{verb} {ref.kind}{'/' if subresource else ''}{subresource}" not in self.denied

    async def plural(self, ref: Ref) -> str:
        return f"{ref.kind.lower()}s"

    async def patch(self, ref: Ref, ops: Sequence[Op], *, dry_run: bool = False, manager: str = OURS) -> Json:
        seen = self._found(ref)
        if any(op.op == "test" and op.path == VERSION and op.value != look(seen, VERSION) for op in ops):
            raise Conflict(f"{ref}: written since")
        after = apply_ops(seen, ops)
        if dry_run:
            return after
        if after != seen:
            self._written("patch", ref, after, manager)
        return await self.get(ref)

    async def create(self, ref: Ref, body: Json, *, dry_run: bool = False, manager: str = OURS) -> Json:
        if ref in self.objects:
            raise Conflict(f"{ref} exists")
        metadata = {**_metadata(body), "name": ref.name, "namespace": ref.namespace}
        whole: Json = {**body, "apiVersion": ref.api_version, "kind": ref.kind, "metadata": metadata}
        if not dry_run:
            self._written("create", ref, whole, manager)
        return copy_json(whole) if dry_run else await self.get(ref)

    async def delete(self, ref: Ref, uid: str, *, grace_seconds: int | None = None) -> None:  # noqa: ARG002 - at once
        if look(self._found(ref), "/metadata/uid") != uid:
            raise Conflict(f"{ref}: another UID")
        self._written("delete", ref, None)

    async def evict(self, pod: Ref, uid: str) -> None:
        self._found(pod)
        if pod.name in self.held:
            raise Held(f"{pod}: its disruption budget says not now")
        await self.delete(pod, uid)

    def put(self, body: Json, manager: str = "kubectl") -> None:
        """Add or replace an object behind everybody's back."""
        self._put(ref_of(body), body, manager)
        self._control()

    def facts(self) -> Json:
        """What there is, apart from what changes by itself or with every write, and from ledgers."""
        kept: Json = {
            str(ref): workloads.lasting(body)
            for ref, body in self.objects.items()
            if ref.kind not in ("Pod", "Lease")
            and look(body, "/metadata/labels/chaosctl.dev~1ledger") is None
        }
        return {**kept, "pods": sum(ref.kind == "Pod" for ref in self.objects)}

    def _found(self, ref: Ref) -> Json:
        try:
            return self.objects[ref]
        except KeyError:
            raise Gone(f"{ref} does not exist") from None

    def _all(self, kind: str, namespace: str = "") -> list[Json]:
        return [
            body
            for ref, body in self.objects.items()
            if ref.kind == kind and namespace in ("", ref.namespace)
        ]

    def _owned(self, kind: str, uids: set[JsonValue]) -> list[Json]:
        return [body for body in self._all(kind) if workloads.owner_uid(body) in uids]

    def _written(self, verb: str, ref: Ref, body: Json | None, manager: str = OURS) -> None:
        self.writes.append((verb, ref))
        if body is None:
            self._remove(ref)
        else:
            self._put(ref, body, manager)
        if ref.kind in _CONTROLLED:
            self._control()

    def _remove(self, ref: Ref) -> None:
        uid = look(self.objects.pop(ref), "/metadata/uid")
        for child in [child for child, body in self.objects.items() if workloads.owner_uid(body) == uid]:
            self._remove(child)

    def _put(self, ref: Ref, body: Json, manager: str) -> None:
        self._count += 1
        old = self.objects.get(ref, {})
        same_spec = bool(old) and old.get("spec") == body.get("spec")
        generation = int(str(look(old, "/metadata/generation") or 0)) + (not same_spec)
        metadata = {
            **_metadata(body),
            "uid": look(old, "/metadata/uid") or f"uid-{self._count}",
            "creationTimestamp": look(old, "/metadata/creationTimestamp") or self._time(),
            "generation": generation,
            "resourceVersion": str(self._count),
            "managedFields": managed(old, body, manager),
        }
        self.objects[ref] = {**copy_json(body), "metadata": metadata}

    def _time(self) -> str:
        return (EPOCH + timedelta(seconds=_now())).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _control(self) -> None:
        for body in self._all("Deployment"):
            self._roll_out(body)

    def _roll_out(self, owner: Json) -> None:
        uid, wanted = look(owner, "/metadata/uid"), int(str(look(owner, "/spec/replicas")))
        current = workloads.replica_set(owner)
        known = self._owned("ReplicaSet", {uid})
        if ref_of(current) not in self.objects:
            self._put(ref_of(current), workloads.numbered(current, known), "kube-controller-manager")
        for body in self._owned("ReplicaSet", {uid}):
            self._scale(body, wanted if ref_of(body) == ref_of(current) else 0)

    def _scale(self, replica_set: Json, wanted: int) -> None:
        if look(replica_set, "/spec/replicas") != wanted:
            spec = {**cast("Json", replica_set["spec"]), "replicas": wanted}
            self._put(ref_of(replica_set), {**replica_set, "spec": spec}, "kube-controller-manager")
        pods = self._owned("Pod", {look(replica_set, "/metadata/uid")})
        for pod in pods[wanted:]:
            del self.objects[ref_of(pod)]
        for _ in range(wanted - len(pods)):
            pod = workloads.pod(replica_set, self._count, _now())
            self._put(ref_of(pod), pod, "kube-controller-manager")

    def _shown(self, ref: Ref, body: Json) -> Json:
        shown = copy_json(body)
        if ref.kind == "Pod":
            shown["status"] = workloads.pod_status(shown, ready=self._is_ready(body))
        elif ref.kind in ("Deployment", "ReplicaSet"):
            owners = {look(body, "/metadata/uid")}
            owners |= {look(owned, "/metadata/uid") for owned in self._owned("ReplicaSet", owners)}
            pods = self._owned("Pod", owners)
            ready = sum(self._is_ready(pod) for pod in pods)
            shown["status"] = workloads.status(shown, len(pods), ready)
        return shown

    def _is_ready(self, pod: Json) -> bool:
        age = _now() - float(text_at(pod, "/metadata/annotations/born"))
        images = {container["image"] for container in cast("list[Json]", look(pod, "/spec/containers"))}
        return age >= self.startup.total_seconds() and not images & self.broken

    def _endpoints(self, service: Json) -> Json:
        wanted = cast("Json", look(service, "/spec/selector") or {"none": "selected"})
        selector = ",".join(f"{key}={value}" for key, value in wanted.items())
        namespace = text_at(service, "/metadata/namespace")
        pods = [pod for pod in self._all("Pod", namespace) if selects(selector, pod)]
        return workloads.endpoint_slice(service, [(pod, self._is_ready(pod)) for pod in pods])


def _now() -> float:
    try:
        return asyncio.get_running_loop().time()
    except RuntimeError:
        return 0.0  # objects that are there before the time begins


def _metadata(body: Json) -> Json:
    return cast("Json", body.get("metadata") or {})


def _silent(pod: Ref, path: str, body: Json | None) -> Json:
    raise Lost(f"{pod}: nothing listens there ({path}, {body})")
