"""Whatever is sent, the server refuses it in the words of Kubernetes and stays up."""

import asyncio
import base64
import contextlib
import json

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaosctl.sandbox.api import protobuf
from chaosctl.sandbox.api.errors import ApiError
from chaosctl.sandbox.api.server import ApiServer
from chaosctl.sandbox.api.store import Store

LEAVES = st.none() | st.booleans() | st.integers(-5, 70000) | st.text(max_size=4) | st.just("c")
WORDS = st.sampled_from(
    [
        "metadata",
        "spec",
        "status",
        "name",
        "labels",
        "annotations",
        "template",
        "containers",
        "image",
        "ports",
        "resources",
        "limits",
        "cpu",
        "selector",
        "matchLabels",
        "replicas",
        "ownerReferences",
        "finalizers",
        "managedFields",
        "$patch",
        "$retainKeys",
        "$setElementOrder/containers",
        "env",
        "data",
        "clusterIP",
    ]
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
PATHS = st.sampled_from(
    [
        "/apis/apps/v1/namespaces/default/deployments",
        "/api/v1/namespaces/default/services",
        "/api/v1/namespaces/default/pods",
        "/api/v1/namespaces/default/configmaps",
        "/apis/example.dev/v1/namespaces/default/things",
    ]
)
PATCHES = st.sampled_from(
    ["json-patch+json", "merge-patch+json", "strategic-merge-patch+json", "apply-patch+yaml"]
)
LABELS = {"app": "web"}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": "x:1"}]}}
SAMPLES = {
    "deployments": {"spec": {"selector": {"matchLabels": LABELS}, "template": TEMPLATE}},
    "services": {"spec": {"ports": [{"port": 80}]}},
    "pods": {"spec": TEMPLATE["spec"]},
    "configmaps": {"data": {"k": "v"}},
    "things": {"spec": {}},
}
OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
VERSION = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": OPEN}}
THINGS = {
    "metadata": {"name": "things.example.dev"},
    "spec": {
        "group": "example.dev",
        "scope": "Namespaced",
        "names": {"plural": "things", "kind": "Thing"},
        "versions": [VERSION],
    },
}


async def send(method: str, path: str, body: object, **options: object) -> httpx.Response:
    store = Store()
    server = ApiServer(store)
    url = await server.start()
    async with httpx.AsyncClient(base_url=url) as client:
        await client.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", json=THINGS)
        collection = path.removesuffix("/a")
        if path != collection:
            sample = SAMPLES[collection.rpartition("/")[2]]
            made = await client.post(collection, json={"metadata": {"name": "a"}} | sample)
            assert made.status_code == 201, made.text
        answer = await client.request(method, path, content=json.dumps(body), **options)
    await server.stop()
    return answer


def is_sound(answer: httpx.Response) -> bool:
    """Refused for a reason, or, as a real server does where it did not foresee it, with 500 and none."""
    body = answer.json()
    return isinstance(body, dict) and (answer.status_code < 500 or "reason" not in body)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(path=PATHS, body=ANYTHING)
def test_any_body_is_created_or_refused(path, body):
    if isinstance(body, dict) and isinstance(body.get("metadata"), dict):
        body["metadata"]["name"] = "a"
    answer = asyncio.run(send("POST", path, body, headers={"Content-Type": "application/json"}))
    assert is_sound(answer), answer.text


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(path=PATHS, kind=PATCHES, body=ANYTHING)
def test_any_patch_is_applied_or_refused(path, kind, body):
    headers, params = {"Content-Type": f"application/{kind}"}, {"fieldManager": "rough", "force": "true"}
    answer = asyncio.run(send("PATCH", f"{path}/a", body, headers=headers, params=params))
    assert is_sound(answer), answer.text


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(path=PATHS, body=ANYTHING)
def test_any_options_of_a_deletion_are_taken_or_refused(path, body):
    answer = asyncio.run(send("DELETE", f"{path}/a", body))
    assert is_sound(answer), answer.text


@settings(max_examples=300)
@given(st.binary(max_size=60))
def test_any_bytes_behind_the_mark_of_protobuf_are_read_or_refused(body):
    with contextlib.suppress(ApiError):
        assert isinstance(protobuf.decode(protobuf.MAGIC + body), dict)


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "many"},
        {"limit": "-1"},
        {"continue": "%%"},
        {"continue": base64.b64encode(b"1").decode()},
        {"labelSelector": "a b"},
        {"labelSelector": "=,=("},
        {"fieldSelector": "metadata.name"},
        {"watch": "true", "resourceVersion": "new"},
        {"watch": "true", "timeoutSeconds": "long"},
    ],
)
async def test_any_query_is_answered_or_refused(api, query):
    answer = await api.get("/api/v1/namespaces/default/configmaps", params=query)
    assert is_sound(answer), answer.text


@pytest.mark.parametrize("body", ["NaN", '{"data": {"k": Infinity}}', "[" * 900 + "]" * 900])
async def test_what_is_nearly_json_is_refused(api, body):
    headers = {"Content-Type": "application/json"}
    answer = await api.post("/api/v1/namespaces/default/configmaps", content=body, headers=headers)
    assert answer.status_code == 400


async def test_a_yaml_bomb_is_refused(api):
    lines = ["apiVersion: v1", "kind: ConfigMap", "x0: &x0 [a,a,a,a,a,a,a,a,a,a]"]
    lines += [f"x{n}: &x{n} [{','.join([f'*x{n - 1}'] * 10)}]" for n in range(1, 12)]
    path, params = "/api/v1/namespaces/default/configmaps/a", {"fieldManager": "rough"}
    headers = {"Content-Type": "application/apply-patch+yaml"}
    answer = await api.patch(path, content="\n".join(lines), params=params, headers=headers)
    assert answer.status_code == 400
