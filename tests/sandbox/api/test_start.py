import subprocess
import sys

import httpx

from chaosctl.sandbox.api.server import ApiServer
from chaosctl.sandbox.api.store import Store

HEAVY = ("kubernetes", "pydantic", "sqlalchemy", "numpy")


def test_starting_imports_nothing_heavy():
    program = (
        "import sys, chaosctl.sandbox.api.server, chaosctl.sandbox.api.kubeconfig;"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


async def test_a_port_can_be_chosen_and_is_free_again_afterwards():
    server = ApiServer(Store())
    await server.start()
    port = httpx.URL(server.origin).port
    await server.stop()
    again = ApiServer(Store())
    url = await again.start(port=port)
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{url}/healthz")).text == "ok"
    await again.stop()


async def test_stopping_twice_and_before_starting_does_no_harm():
    server = ApiServer(Store())
    await server.stop()
    await server.start()
    await server.stop()
    await server.stop()


async def test_old_clients_discover_group_by_group(api):
    groups = (await api.get("/apis")).json()["groups"]
    assert "apps" in [group["name"] for group in groups]
    assert (await api.get("/apis/apps")).json()["preferredVersion"]["groupVersion"] == "apps/v1"
    assert (await api.get("/api")).json()["versions"] == ["v1"]
    listed = (await api.get("/apis/apps/v1")).json()["resources"]
    scale = next(each for each in listed if each["name"] == "deployments/scale")
    assert (scale["kind"], scale["group"]) == ("Scale", "autoscaling")
    assert (await api.get("/apis/none")).status_code == 404
    assert (await api.get("/openapi/v3/apis/none/v1")).status_code == 404


async def test_new_clients_discover_everything_at_once(api):
    accept = {
        "Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
    }
    answer = await api.get("/apis", headers=accept)
    assert answer.headers["Content-Type"].startswith("application/json;g=apidiscovery.k8s.io")
    groups = {group["metadata"]["name"]: group["versions"] for group in answer.json()["items"]}
    plurals = [resource["resource"] for resource in groups["apps"][0]["resources"]]
    assert {"deployments", "replicasets", "statefulsets"} <= set(plurals)


async def test_lists_can_be_cut_down_to_metadata(api):
    accept = {"Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}
    listed = (await api.get("/api/v1/namespaces", headers=accept)).json()
    assert listed["kind"] == "PartialObjectMetadataList"
    assert {frozenset(each) for each in listed["items"]} == {frozenset({"kind", "apiVersion", "metadata"})}
