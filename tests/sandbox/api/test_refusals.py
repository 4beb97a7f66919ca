"""What a real API server refuses, and by which field."""

import pytest

from chaosctl.sandbox.api.errors import ApiError
from chaosctl.sandbox.api.store import Json, Store

C = {"name": "c", "image": "x:1"}


def pod(*containers: Json, **more: object) -> Json:
    return {"metadata": {"name": "a"}, "spec": {"containers": list(containers), **more}}


def workload(**spec: object) -> Json:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [C]}}
    return {
        "metadata": {"name": "a"},
        "spec": {"selector": {"matchLabels": labels}, "template": template} | spec,
    }


def service(*ports: Json) -> Json:
    return {"metadata": {"name": "a"}, "spec": {"ports": list(ports)}}


def fields_refused(store: Store, group_version: str, plural: str, body: Json) -> list[str]:
    with pytest.raises(ApiError) as refused:
        store.create(store.resource(group_version, plural), "default", body)
    assert refused.value.code == 422
    return [cause["field"] for cause in refused.value.details["causes"]]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (pod(), ["spec.containers"]),
        ({"metadata": {"name": "a"}}, ["spec.containers"]),
        (pod({"image": "x:1"}), ["spec.containers[0].name"]),
        (pod({"name": "Not_One", "image": "x:1"}), ["spec.containers[0].name"]),
        (pod({"name": "c"}), ["spec.containers[0].image"]),
        (pod(C, C), ["spec.containers[1].name"]),
        (pod(C | {"env": [{"value": "v"}]}), ["spec.containers[0].env[0].name"]),
        (
            pod(C | {"resources": {"limits": {"cpu": "lots"}}}),
            ["spec.containers.resources.limits.cpu", "spec.containers.resources.requests.cpu"],
        ),
        (
            pod(C | {"resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}}),
            ["spec.containers.resources.requests"],
        ),
    ],
)
def test_pods(store, body, fields):
    assert fields_refused(store, "v1", "pods", body) == fields


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (workload(selector=None), "spec.selector"),
        (workload(replicas=-1), "spec.replicas"),
        (workload(template=None), "spec.template.spec.containers"),
        (workload(selector={"matchLabels": {"app": "db"}}), "spec.template.metadata.labels"),
    ],
)
def test_deployments(store, body, field):
    assert field in fields_refused(store, "apps/v1", "deployments", body)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (service(), "spec.ports"),
        (service({"port": 0}), "spec.ports[0].port"),
        (service({"port": 65536}), "spec.ports[0].port"),
        (service({"port": 1}, {"port": 2, "name": "b"}), "spec.ports[0].name"),
        (service({"port": 80}) | {"metadata": {"name": "a.b"}}, "metadata.name"),
    ],
)
def test_services(store, body, field):
    assert fields_refused(store, "v1", "services", body) == [field]


@pytest.mark.parametrize(
    ("limits", "fields"),
    [
        ({"minReplicas": 3, "maxReplicas": 2}, ["spec.maxReplicas"]),
        ({"maxReplicas": 0}, ["spec.maxReplicas", "spec.maxReplicas"]),
        ({"minReplicas": 0, "maxReplicas": 2}, ["spec.metrics"]),
    ],
)
def test_autoscalers(store, limits, fields):
    scaled = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    body = {"metadata": {"name": "web"}, "spec": {"scaleTargetRef": scaled, **limits}}
    assert fields_refused(store, "autoscaling/v2", "horizontalpodautoscalers", body) == fields


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({"name": "x" * 254}, "metadata.name"),
        ({"name": "-x"}, "metadata.name"),
        ({"name": "a", "labels": {"not a key": "v"}}, "metadata.labels"),
        ({"name": "a", "labels": {"k": "x" * 64}}, "metadata.labels"),
        ({"name": "a", "annotations": {"not a key": "v"}}, "metadata.annotations"),
    ],
)
def test_names_labels_and_annotations(store, metadata, field):
    assert fields_refused(store, "v1", "configmaps", {"metadata": metadata}) == [field]


def test_keys_of_config_maps(store):
    body = {"metadata": {"name": "a"}, "data": {"not/a key": "v"}}
    assert fields_refused(store, "v1", "configmaps", body) == ["data[not/a key]"]


def test_names_of_roles_may_have_colons_but_no_slashes(store):
    roles = store.resource("rbac.authorization.k8s.io/v1", "roles")
    store.create(roles, "default", {"metadata": {"name": "system:reader"}})
    refused = fields_refused(store, roles.group_version, "roles", {"metadata": {"name": "a/b"}})
    assert refused == ["metadata.name"]


def test_immutable_config_maps_and_bindings_stay_as_they_are(store):
    maps = store.resource("v1", "configmaps")
    store.create(maps, "default", {"metadata": {"name": "a"}, "data": {"k": "v"}, "immutable": True})
    with pytest.raises(ApiError, match="field is immutable when `immutable` is set"):
        store.update(maps, "default", "a", lambda body: body | {"data": {"k": "w"}})
    bindings = store.resource("rbac.authorization.k8s.io/v1", "rolebindings")
    store.create(bindings, "default", {"metadata": {"name": "a"}, "roleRef": {"kind": "Role", "name": "r"}})
    with pytest.raises(ApiError, match="roleRef"):
        store.update(bindings, "default", "a", lambda body: body | {"roleRef": {"kind": "Role", "name": "s"}})


def test_an_object_that_was_created_again_is_not_the_one_that_was_read(store):
    maps = store.resource("v1", "configmaps")
    first = store.create(maps, "default", {"metadata": {"name": "a"}})
    store.delete(maps, "default", "a")
    store.create(maps, "default", {"metadata": {"name": "a"}})
    stale = {"metadata": {"name": "a", "uid": first["metadata"]["uid"]}}
    with pytest.raises(ApiError, match="UID in precondition") as refused:
        store.update(maps, "default", "a", lambda _: stale)
    assert refused.value.code == 409


def test_a_namespace_must_exist_and_agree_with_the_body(store):
    maps = store.resource("v1", "configmaps")
    with pytest.raises(ApiError, match='namespaces "nowhere" not found'):
        store.create(maps, "nowhere", {"metadata": {"name": "a"}})
    with pytest.raises(ApiError, match="does not match the namespace"):
        store.create(maps, "default", {"metadata": {"name": "a", "namespace": "other"}})


@pytest.mark.parametrize(
    ("group_version", "plural", "body", "expected"),
    [
        ("apps/v1", "replicasets", workload(), {"replicas": 1}),
        ("apps/v1", "statefulsets", workload(), {"podManagementPolicy": "OrderedReady"}),
        ("apps/v1", "daemonsets", workload(), {"revisionHistoryLimit": 10}),
        (
            "batch/v1",
            "jobs",
            workload(selector=None),
            {"completions": 1, "parallelism": 1, "backoffLimit": 6},
        ),
        ("v1", "services", service({"port": 80}), {"type": "ClusterIP", "sessionAffinity": "None"}),
        ("v1", "pods", pod(C), {"serviceAccountName": "default", "dnsPolicy": "ClusterFirst"}),
    ],
)
def test_what_is_accepted_is_filled_in(store, group_version, plural, body, expected):
    made = store.create(store.resource(group_version, plural), "default", body)["spec"]
    assert {field: made[field] for field in expected} == expected


def test_an_external_name_needs_no_address(store):
    spec = {"type": "ExternalName", "externalName": "elsewhere.example"}
    body = {"metadata": {"name": "a"}, "spec": spec}
    assert "clusterIP" not in store.create(store.resource("v1", "services"), "default", body)["spec"]


@pytest.mark.parametrize(
    ("image", "policy"), [("x", "Always"), ("r:5000/x:latest", "Always"), ("x:1", "IfNotPresent")]
)
def test_latest_images_are_always_pulled(store, image, policy):
    made = store.create(store.resource("v1", "pods"), "default", pod(C | {"image": image}))
    assert made["spec"]["containers"][0]["imagePullPolicy"] == policy
