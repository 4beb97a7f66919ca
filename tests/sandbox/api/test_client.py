import asyncio
from pathlib import Path

import pytest
from kubernetes.aio import client, config, watch
from kubernetes.aio.dynamic import DynamicClient
from kubernetes.aio.dynamic.exceptions import ConflictError, NotFoundError, UnprocessibleEntityError
from sandbox.api.waiting import until

from chaosctl.sandbox.api.kubeconfig import kubeconfig

JSON = "application/json-patch+json"


@pytest.fixture
async def dynamic(url: str, tmp_path: Path):
    path = tmp_path / "kubeconfig"
    path.write_text(kubeconfig(url))
    settings = client.Configuration()
    await config.load_kube_config(str(path), client_configuration=settings)
    async with client.ApiClient(settings) as low:
        yield await DynamicClient(low, cache_file=str(tmp_path / "discovery.json"))


@pytest.fixture
async def deployments(dynamic):
    return await dynamic.resources.get(api_version="apps/v1", kind="Deployment")


async def test_the_official_client_creates_reads_patches_and_deletes(deployments, deployment):
    made = await deployments.create(namespace="default", body=deployment(replicas=3))
    assert made.spec.replicas == 3
    operations = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": made.metadata.resourceVersion},
        {"op": "replace", "path": "/spec/replicas", "value": 1},
    ]
    after = await deployments.patch(name="web", namespace="default", body=operations, content_type=JSON)
    assert after.spec.replicas == 1
    with pytest.raises(UnprocessibleEntityError):
        await deployments.patch(name="web", namespace="default", body=operations, content_type=JSON)
    await deployments.delete(name="web", namespace="default")
    with pytest.raises(NotFoundError):
        await deployments.get(name="web", namespace="default")


async def test_the_official_client_meets_conflicts(deployments, deployment):
    made = (await deployments.create(namespace="default", body=deployment())).to_dict()
    with pytest.raises(ConflictError):
        await deployments.create(namespace="default", body=deployment())
    scaled = {**made, "spec": {**made["spec"], "replicas": 2}}
    await deployments.replace(namespace="default", body=scaled)
    with pytest.raises(ConflictError):
        await deployments.replace(namespace="default", body={**made, "spec": {**made["spec"], "replicas": 3}})


async def test_the_official_client_applies_server_side_and_dry(deployments, deployment):
    await deployments.server_side_apply(
        body=deployment(replicas=2), namespace="default", field_manager="team"
    )
    dry = {"dry_run": "All", "field_manager": "team"}
    tried = await deployments.patch(
        name="web",
        namespace="default",
        body={"spec": {"replicas": 9}},
        content_type="application/merge-patch+json",
        **dry,
    )
    assert tried.spec.replicas == 9
    assert (await deployments.get(name="web", namespace="default")).spec.replicas == 2


async def test_the_official_client_writes_scale_and_status(deployments, deployment):
    await deployments.create(namespace="default", body=deployment())
    merge = {"content_type": "application/merge-patch+json", "name": "web", "namespace": "default"}
    await deployments.scale.patch(body={"spec": {"replicas": 7}}, **merge)
    await deployments.status.patch(body={"status": {"readyReplicas": 7}}, **merge)
    seen = await deployments.get(name="web", namespace="default")
    assert (seen.spec.replicas, seen.status.readyReplicas) == (7, 7)


async def test_the_official_client_watches(deployments, deployment, store):
    seen = []

    async def follow() -> None:
        async with watch.Watch() as watcher:
            async for event in deployments.watch(namespace="default", timeout=20, watcher=watcher):
                seen.append(event["type"])
                if event["type"] == "DELETED":
                    return

    following = asyncio.create_task(follow())
    await until(lambda: store.watchers > 0)
    await deployments.create(namespace="default", body=deployment())
    await deployments.delete(name="web", namespace="default")
    async with asyncio.timeout(20):
        await following
    assert seen == ["ADDED", "DELETED"]


async def test_the_official_client_finds_custom_resources(dynamic):
    definitions = await dynamic.resources.get(
        api_version="apiextensions.k8s.io/v1", kind="CustomResourceDefinition"
    )
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    names = {"plural": "drills", "kind": "Drill"}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    spec = {"group": "example.dev", "scope": "Namespaced", "names": names, "versions": [version]}
    await definitions.create(body={"metadata": {"name": "drills.example.dev"}, "spec": spec})
    drills = await dynamic.resources.get(api_version="example.dev/v1", kind="Drill")
    body = {"apiVersion": "example.dev/v1", "kind": "Drill", "metadata": {"name": "a"}, "spec": {"at": 1}}
    assert (await drills.create(namespace="default", body=body)).spec.at == 1
