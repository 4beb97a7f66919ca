"""The official Python client: typed, dynamic and asynchronous, as other tools use it."""

import pytest
from kubernetes import client, dynamic, utils, watch
from kubernetes.aio import client as aio_client
from kubernetes.aio import config as aio_config
from kubernetes.client.exceptions import ApiException

from conformance.bodies import config_map, deployment
from conformance.looks import rolled_out


def test_typed_objects_go_there_and_back(space):
    core = client.CoreV1Api(space.api.client)
    body = client.V1ConfigMap(metadata=client.V1ObjectMeta(name="a"), data={"k": "v"})
    made = core.create_namespaced_config_map(space.name, body)
    made.data["k"] = "w"
    assert core.replace_namespaced_config_map("a", space.name, made).data == {"k": "w"}
    assert [
        each.metadata.name
        for each in core.list_namespaced_config_map(space.name, field_selector="metadata.name=a").items
    ] == ["a"]
    assert core.delete_namespaced_config_map("a", space.name)["status"] == "Success"


def test_a_typed_deployment_is_complete(space):
    apps = client.AppsV1Api(space.api.client)
    space.create("deployments", deployment("web", 1))
    space.until("deployments", "web", rolled_out)
    found = apps.read_namespaced_deployment("web", space.name)
    assert (found.spec.replicas, found.status.ready_replicas) == (1, 1)
    assert {each.type for each in found.status.conditions} == {"Available", "Progressing"}
    scale = apps.read_namespaced_deployment_scale("web", space.name)
    scale.spec.replicas = 0
    apps.replace_namespaced_deployment_scale("web", space.name, scale)
    assert space.get("deployments", "web")["spec"]["replicas"] == 0


def test_a_refusal_is_an_api_exception(space):
    core = client.CoreV1Api(space.api.client)
    with pytest.raises(ApiException) as caught:
        core.read_namespaced_config_map("none", space.name)
    assert (caught.value.status, caught.value.reason) == (404, "Not Found")


def test_the_watch_helper_sees_changes(space):
    core, watching = client.CoreV1Api(space.api.client), watch.Watch()
    space.create("configmaps", config_map("a", {"w": "1"}))
    for event in watching.stream(
        core.list_namespaced_config_map, space.name, label_selector="w", timeout_seconds=20
    ):
        if event["type"] == "ADDED":
            space.delete("configmaps", "a")
        if event["type"] == "DELETED":
            watching.stop()
            assert event["object"].metadata.name == "a"


def test_the_dynamic_client_finds_kinds_by_itself(space):
    kinds = dynamic.DynamicClient(space.api.client)
    maps = kinds.resources.get(api_version="v1", kind="ConfigMap")
    maps.create(
        namespace=space.name, body={"kind": "ConfigMap", "apiVersion": "v1", **config_map("a", k="v")}
    )
    patched = maps.patch(
        namespace=space.name, name="a", body={"data": {"k": "w"}}, content_type="application/merge-patch+json"
    )
    assert patched.data.k == "w"
    applied = maps.server_side_apply(
        namespace=space.name,
        name="b",
        field_manager="team",
        body={"kind": "ConfigMap", "apiVersion": "v1", **config_map("b", k="v")},
    )
    assert applied.metadata.managedFields[0].manager == "team"


def test_manifests_can_be_created_from_dictionaries(space):
    body = {"apiVersion": "apps/v1", "kind": "Deployment", **deployment("web", 0)}
    utils.create_from_dict(space.api.client, body, namespace=space.name)
    assert space.find("deployments", "web")


async def test_the_asynchronous_client_reads_the_same(space, kubeconfig):
    space.create("configmaps", config_map("a", k="v"))
    configuration = aio_client.Configuration()
    await aio_config.load_kube_config(config_file=str(kubeconfig), client_configuration=configuration)
    async with aio_client.ApiClient(configuration) as api:
        found = await aio_client.CoreV1Api(api).read_namespaced_config_map("a", space.name)
    assert found.data == {"k": "v"}
