"""The Kubernetes API as tests speak it: plain JSON through the official client, in one namespace."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlencode

from kubernetes.client import ApiClient, Configuration

Json = dict[str, Any]
Bodies = list[Json]  # in Space, `list` is a verb
Names = list[str]
JSON = "application/json"
DEADLINE = 60.0  # seconds
_PAUSE = 0.05
_TIMEOUT = 30.0

PATCHES = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}
_APPS, _BATCH, _RBAC = "apps/v1", "batch/v1", "rbac.authorization.k8s.io/v1"
_AUTHZ = "authorization.k8s.io/v1"
KINDS = {
    "configmaps": ("v1", "ConfigMap"),
    "secrets": ("v1", "Secret"),
    "pods": ("v1", "Pod"),
    "services": ("v1", "Service"),
    "endpoints": ("v1", "Endpoints"),
    "events": ("v1", "Event"),
    "namespaces": ("v1", "Namespace"),
    "nodes": ("v1", "Node"),
    "serviceaccounts": ("v1", "ServiceAccount"),
    "resourcequotas": ("v1", "ResourceQuota"),
    "persistentvolumeclaims": ("v1", "PersistentVolumeClaim"),
    "deployments": (_APPS, "Deployment"),
    "replicasets": (_APPS, "ReplicaSet"),
    "statefulsets": (_APPS, "StatefulSet"),
    "jobs": (_BATCH, "Job"),
    "cronjobs": (_BATCH, "CronJob"),
    "horizontalpodautoscalers": ("autoscaling/v2", "HorizontalPodAutoscaler"),
    "leases": ("coordination.k8s.io/v1", "Lease"),
    "endpointslices": ("discovery.k8s.io/v1", "EndpointSlice"),
    "networkpolicies": ("networking.k8s.io/v1", "NetworkPolicy"),
    "poddisruptionbudgets": ("policy/v1", "PodDisruptionBudget"),
    "roles": (_RBAC, "Role"),
    "rolebindings": (_RBAC, "RoleBinding"),
    "customresourcedefinitions": ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    "selfsubjectaccessreviews": (_AUTHZ, "SelfSubjectAccessReview"),
    "selfsubjectrulesreviews": (_AUTHZ, "SelfSubjectRulesReview"),
    "subjectaccessreviews": (_AUTHZ, "SubjectAccessReview"),
    "selfsubjectreviews": ("authentication.k8s.io/v1", "SelfSubjectReview"),
}
_CLUSTER_WIDE = frozenset(
    {"namespaces", "nodes", "customresourcedefinitions", "selfsubjectaccessreviews"}
    | {"selfsubjectrulesreviews", "subjectaccessreviews", "selfsubjectreviews"}
)


class Refusal(Exception):
    """What the server answered instead of doing it: a Status."""

    def __init__(self, code: int, body: bytes) -> None:
        super().__init__(f"{code} {body[:2000].decode(errors='replace')}")
        self.code = code
        try:
            self.status: Json = json.loads(body)
        except ValueError:
            self.status = {}

    @property
    def reason(self) -> str:
        return self.status.get("reason", "")

    @property
    def message(self) -> str:
        return self.status.get("message", "")

    @property
    def causes(self) -> list[tuple[str, str]]:
        """Field and reason of each."""
        found = self.status.get("details", {}).get("causes", [])
        return [(cause.get("field", ""), cause.get("reason", "")) for cause in found]


class Answer(NamedTuple):
    """What came back."""

    code: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Json:
        return json.loads(self.body)


class Event(NamedTuple):
    """One line of a watch."""

    type: str
    object: Json

    @property
    def name(self) -> str:
        return self.object["metadata"].get("name", "")


class Api:
    """Requests to one API server."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.client = ApiClient(configuration)
        self._pool = self.client.rest_client.pool_manager

    def close(self) -> None:
        self.client.close()

    def send(
        self, method, path, body=None, *, kind=JSON, accept=JSON, headers=None, **query: object
    ) -> Answer:
        """Whatever comes back, refusals too."""
        sent = {"Accept": accept, "Content-Type": kind, **self._credentials(), **(headers or {})}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body)
        response = self._pool.request(
            method, self._url(path, query), body=data, headers=sent, timeout=_TIMEOUT, retries=False
        )
        return Answer(response.status, response.headers, response.data)

    def ask(self, method, path, body=None, **options: Any) -> Json:
        """The object that comes back. Raises Refusal."""
        answer = self.send(method, path, body, **options)
        if answer.code >= 400:
            raise Refusal(answer.code, answer.body)
        return answer.json

    @contextmanager
    def stream(self, path, **query: object) -> Iterator[Any]:
        """An answer that goes on. Raises Refusal."""
        headers = {"Accept": JSON, **self._credentials()}
        response = self._pool.request(
            "GET", self._url(path, query), headers=headers, timeout=_TIMEOUT, preload_content=False
        )
        try:
            if response.status >= 400:
                raise Refusal(response.status, response.data)
            yield response
        finally:
            response.close()

    def _credentials(self) -> dict[str, str]:
        settings = self.configuration.auth_settings().values()
        return {each["key"]: each["value"] for each in settings}

    def _url(self, path: str, query: Json) -> str:
        given = {key: value for key, value in query.items() if value is not None}
        url = self.configuration.host.rstrip("/") + path
        return f"{url}?{urlencode(given, doseq=True)}" if given else url


class Space:
    """One namespace, or with "" everything that has none; also kinds of all namespaces."""

    def __init__(self, api: Api, name: str) -> None:
        self.api, self.name = api, name

    def path(self, plural: str, name: str = "", part: str = "") -> str:
        group_version, _, plural = _resource(plural)
        root = f"/{'api' if group_version == 'v1' else 'apis'}/{group_version}"
        space = f"/namespaces/{self.name}" if self.name and plural not in _CLUSTER_WIDE else ""
        return root + space + "".join(f"/{each}" for each in (plural, name, part) if each)

    def get(self, plural, name, part="", **query: object) -> Json:
        return self.api.ask("GET", self.path(plural, name, part), **query)

    def find(self, plural, name) -> Json | None:
        try:
            return self.get(plural, name)
        except Refusal as refusal:
            if refusal.code != 404:
                raise
            return None

    def list(self, plural, **query: object) -> Json:
        return self.api.ask("GET", self.path(plural), **query)

    def items(self, plural, **query: object) -> Bodies:
        return self.list(plural, **query)["items"]

    def names(self, plural, **query: object) -> Names:
        return [each["metadata"]["name"] for each in self.items(plural, **query)]

    def create(self, plural, body, *, on="", part="", **query: object) -> Json:
        return self.api.ask("POST", self.path(plural, on, part), _whole(plural, body), **query)

    def update(self, plural, body, part="", **query: object) -> Json:
        path = self.path(plural, body["metadata"]["name"], part)
        return self.api.ask("PUT", path, body if part == "scale" else _whole(plural, body), **query)

    def patch(self, plural, name, patch, kind="merge", part="", **query: object) -> Json:
        return self.api.ask("PATCH", self.path(plural, name, part), patch, kind=PATCHES[kind], **query)

    def apply(self, plural, body, manager="team", **query: object) -> Json:
        """Server-side."""
        query = {"fieldManager": manager, **query}
        return self.patch(plural, body["metadata"]["name"], _whole(plural, body), "apply", **query)

    def delete(self, plural, name, options=None, **query: object) -> Json:
        return self.api.ask("DELETE", self.path(plural, name), options, **query)

    def log(self, pod, **query: object) -> str:
        """Also of a container that did not start: then it is the refusal."""
        return self.api.send("GET", self.path("pods", pod, "log"), **query).body.decode()

    def until(self, plural, name, holds, what="") -> Json:
        """The object as soon as something holds of it."""
        end = time.monotonic() + DEADLINE
        while True:
            body = self.find(plural, name)
            if body is not None and holds(body):
                return body
            assert time.monotonic() < end, f"{plural} {name} did not come to {what or holds}: {body}"
            time.sleep(_PAUSE)

    def until_gone(self, plural, name) -> None:
        poll(lambda: self.find(plural, name) is None, f"{plural} {name} should go")

    @contextmanager
    def watch(self, plural, **query: object) -> Iterator[Iterator[Event]]:
        """Events, until the server ends them after `timeoutSeconds` (20)."""
        query = {"watch": "true", "timeoutSeconds": 20, **query}
        with self.api.stream(self.path(plural), **query) as response:
            yield _events(response)


def poll(holds, what="") -> Any:
    """Wait until something holds; what it gave."""
    end = time.monotonic() + DEADLINE
    while not (found := holds()):
        assert time.monotonic() < end, f"did not come true: {what or holds}"
        time.sleep(_PAUSE)
    return found


@contextmanager
def refused(code: int, reason: str = "") -> Iterator[Refusal]:
    """What is done in the block must be refused so; it then tells how."""
    told = Refusal(0, b"{}")
    try:
        yield told
    except Refusal as refusal:
        assert (refusal.code, refusal.reason) == (code, reason or refusal.reason), refusal
        told.code, told.status = refusal.code, refusal.status
    else:
        raise AssertionError(f"this should have been refused with {code} {reason}")


def _events(response: Any) -> Iterator[Event]:
    rest = b""
    for piece in response.stream(amt=None, decode_content=True):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if line.strip():
                found = json.loads(line)
                yield Event(found["type"], found["object"])


def _resource(plural: str) -> tuple[str, str, str]:
    """Version, kind and plural of `pods`, or of `widgets.example.dev/v1/Widget`."""
    if plural in KINDS:
        return (*KINDS[plural], plural)
    name, _, rest = plural.partition(".")
    group_version, _, kind = rest.rpartition("/")
    return group_version, kind, name


def _whole(plural: str, body: Json) -> Json:
    if not isinstance(body, dict):
        return body
    group_version, kind, _ = _resource(plural)
    return {"apiVersion": group_version, "kind": kind, **body}
