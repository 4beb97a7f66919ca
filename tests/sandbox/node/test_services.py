"""Services: what a client meets at a cluster IP while endpoints come, go and fail."""

import asyncio
import socket

import pytest
from sandbox.node.lab import (
    Lab,
    closed,
    deployment,
    get,
    pod,
    ready_probe,
    service,
    until_connected,
    until_refused,
)


async def serving(lab: Lab, replicas: int = 3) -> str:
    """A Deployment and its Service, ready; the cluster IP."""
    lab.create("services", service())
    lab.create("deployments", deployment(replicas=replicas))
    await lab.until(lambda: len(ready_addresses(lab)) == replicas)
    address = lab.get("services", "web")["spec"]["clusterIP"]
    await until_connected(address)
    return address


def ready_addresses(lab: Lab) -> set[str]:
    endpoints = [e for s in lab.all("endpointslices") for e in s["endpoints"]]
    return {e["addresses"][0] for e in endpoints if e["conditions"]["ready"]}


async def test_connections_go_round_robin_over_ready_pods(lab: Lab):
    address = await serving(lab)
    seen = [(await get(address)).split()[1] for _ in range(6)]
    assert set(seen) == ready_addresses(lab)
    assert all(seen.count(each) == 2 for each in seen)


async def test_a_pod_that_is_not_ready_gets_no_traffic(lab: Lab):
    address = await serving(lab, replicas=2)
    lab.create("pods", pod("web", env=[{"name": "UNREADY", "value": "1"}], readinessProbe=ready_probe()))
    await lab.until(lambda: lab.status("pods", "web").get("podIP") in all_addresses(lab))
    assert lab.status("pods", "web")["podIP"] not in {(await get(address)).split()[1] for _ in range(6)}


def all_addresses(lab: Lab) -> set[str]:
    return {e["addresses"][0] for s in lab.all("endpointslices") for e in s["endpoints"]}


async def test_without_endpoints_connections_are_refused_at_once(lab: Lab):
    address = await serving(lab, replicas=1)
    lab.edit("deployments", "web", lambda body: body["spec"].update(replicas=0))
    await lab.until(lambda: not all_addresses(lab))
    await until_refused(address)
    with pytest.raises(ConnectionRefusedError):
        await get(address)


async def test_a_terminating_pod_leaves_the_endpoints_before_it_ends(lab: Lab):
    address = await serving(lab, replicas=2)
    one = lab.running()[0]
    lab.delete("pods", one["metadata"]["name"])
    await lab.until(lambda: one["status"]["podIP"] not in ready_addresses(lab))
    states = [e["conditions"] for s in lab.all("endpointslices") for e in s["endpoints"]]
    assert all(not (state["ready"] and state["terminating"]) for state in states)
    assert one["status"]["podIP"] not in {(await get(address)).split()[1] for _ in range(4)}


async def test_an_open_connection_outlives_the_endpoints_until_its_pod_dies(lab: Lab):
    lab.create("services", service())
    stubborn = [{"name": "STUBBORN", "value": "1"}]
    lab.create("pods", pod("web", env=stubborn, readinessProbe=ready_probe()))
    await lab.until(lambda: ready_addresses(lab))
    address = lab.get("services", "web")["spec"]["clusterIP"]
    await until_connected(address)
    reader, writer = await asyncio.open_connection(address, 80)
    writer.write(b"GET /hold HTTP/1.1\r\n\r\n")
    lab.edit("services", "web", lambda body: body["spec"].update(selector={"app": "nobody"}))
    await until_refused(address)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await reader.read()
    lab.delete("pods", "web", grace_seconds=0)
    assert await reader.read() == b""
    await closed(writer)


async def test_changes_of_selector_and_ports_take_effect(lab: Lab):
    address = await serving(lab, replicas=1)
    lab.create("pods", pod("other", "test/server:v2", readinessProbe=ready_probe()))
    await lab.until(lambda: lab.running("other"))

    def changed(body):
        body["spec"] |= {"selector": {"app": "other"}, "ports": [{"port": 81, "targetPort": 8080}]}

    lab.edit("services", "web", changed)
    await until_connected(address, 81)
    assert (await get(address, 81)).startswith("v2")
    await until_refused(address)


@pytest.mark.parametrize(
    "fields", [{"clusterIP": "None"}, {"type": "ExternalName", "externalName": "example.org"}]
)
async def test_some_services_have_nothing_to_listen_on(lab: Lab, fields: dict[str, str]):
    lab.create("services", service(**fields))
    lab.create("pods", pod("web", readinessProbe=ready_probe()))
    await lab.until(lambda: lab.running("web"))
    assert lab.get("services", "web")["spec"].get("clusterIP") in {None, "None", ""}


async def test_slices_made_by_hand_serve_a_service_without_selector(lab: Lab):
    lab.create("pods", pod("one", readinessProbe=ready_probe()))
    await lab.until(lambda: lab.running("one"))
    lab.create("services", {"metadata": {"name": "hand"}, "spec": {"ports": [{"name": "http", "port": 80}]}})
    endpoint = {"addresses": [lab.status("pods", "one")["podIP"]]}
    labels = {"kubernetes.io/service-name": "hand"}
    body = {"metadata": {"name": "hand-1", "labels": labels}, "addressType": "IPv4", "endpoints": [endpoint]}
    lab.create("endpointslices", body | {"ports": [{"name": "http", "port": 8080, "protocol": "TCP"}]})
    await until_connected(lab.get("services", "hand")["spec"]["clusterIP"])


async def test_the_older_endpoints_object_follows(lab: Lab):
    await serving(lab, replicas=2)
    subset = lab.get("endpoints", "web")["subsets"][0]
    assert {each["ip"] for each in subset["addresses"]} == ready_addresses(lab)
    assert subset["ports"][0]["port"] == 8080
    lab.delete("services", "web")
    await lab.until(lambda: lab.find("endpoints", "web") is None and not lab.all("endpointslices"))


async def test_a_port_that_cannot_be_had_is_told_and_tried_again(lab: Lab):
    lab.create("services", service())
    address = lab.get("services", "web")["spec"]["clusterIP"]
    with socket.create_server((address, 80)):
        lab.create("pods", pod("web", readinessProbe=ready_probe()))
        await lab.until(lambda: "FailedToListen" in lab.reasons("web"))
    await until_connected(address)
    assert (await get(address)).startswith("v1")


async def test_large_bodies_pass_whole(lab: Lab):
    script = "import socket\ns = socket.create_server(('HOST', 8080))\nwhile True:\n c, _ = s.accept()\n"
    script += " n = 0\n while (d := c.recv(65536)): n += len(d)\n c.sendall(b'x' * n); c.close()"
    lab.create("services", service("big"))
    command = ["python3", "-I", "-S", "-c", script.replace("'HOST'", "__import__('os').environ['HOST']")]
    lab.create(
        "pods", pod("big", command=command, readinessProbe={"tcpSocket": {"port": 8080}, "periodSeconds": 1})
    )
    await lab.until(lambda: lab.running("big"))
    address = lab.get("services", "big")["spec"]["clusterIP"]
    await until_connected(address)
    reader, writer = await asyncio.open_connection(address, 80)
    writer.write(b"y" * 5_000_000)
    writer.write_eof()
    assert len(await reader.read()) == 5_000_000
    await closed(writer)
