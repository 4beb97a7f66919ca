"""Network policies: what a client meets at a Service whose pods let nobody in."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from sandbox.node.lab import Json, Lab, closed, deployment, get, pod, ready_probe, service, until_connected

from chaosctl.sandbox.node.balancer import Balancer

SOON = 0.4  # seconds in which an answer would have come


async def serving(lab: Lab, replicas: int = 2) -> str:
    """A Deployment and its Service, ready; the cluster IP."""
    lab.create("services", service())
    lab.create("deployments", deployment(replicas=replicas))
    await lab.until(lambda: lab.rolled_out("web"))
    address = lab.get("services", "web")["spec"]["clusterIP"]
    await until_connected(address)
    return address


def policy(*ingress: Json, labels: Json | None = None, types: tuple[str, ...] = ("Ingress",)) -> Json:
    spec = {"podSelector": {"matchLabels": labels or {"app": "web"}}, "policyTypes": list(types)}
    return {"metadata": {"name": "cut"}, "spec": {**spec, "ingress": list(ingress)}}


async def answers(address: str) -> bool:
    try:
        async with asyncio.timeout(SOON):
            await get(address)
    except TimeoutError:
        return False
    return True


async def until_answers(address: str, wanted: bool) -> None:
    async with asyncio.timeout(30):
        while await answers(address) is not wanted:
            pass


def block(cidr: str, *but: str) -> Json:
    return {"from": [{"ipBlock": {"cidr": cidr, **({"except": list(but)} if but else {})}}]}


async def test_a_connection_that_no_policy_lets_in_hangs_until_the_policy_is_gone(lab: Lab):
    address = await serving(lab)
    lab.create("networkpolicies", policy())
    await until_answers(address, wanted=False)

    asking = asyncio.create_task(get(address))
    lab.delete("networkpolicies", "cut")

    assert (await asyncio.wait_for(asking, 30)).startswith("v1")


@pytest.mark.parametrize(
    ("made", "lets_in"),
    [
        (policy({}), True),
        (policy(block("127.0.0.0/8")), True),
        (policy(block("127.0.0.0/8", "127.0.0.0/16")), False),
        (policy(block("10.0.0.0/8")), False),
        (policy({"from": [{"podSelector": {}}]}), False),
        (policy({"ports": [{"port": 8080}]}), True),
        (policy({"ports": [{"port": "http"}]}), True),
        (policy({"ports": [{"port": 8000, "endPort": 9000}]}), True),
        (policy({"ports": [{"port": 53, "protocol": "UDP"}, {"port": 80}]}), False),
    ],
    ids=[
        "everybody",
        "a block",
        "a block but for us",
        "another block",
        "pods alone",
        "its port",
        "its port by name",
        "a range of ports",
        "other ports",
    ],
)
async def test_a_policy_lets_in_whom_it_names(lab: Lab, made: Json, lets_in: bool):
    address = await serving(lab, replicas=1)
    lab.create("networkpolicies", {**policy(), "metadata": {"name": "nobody"}})  # policies add up
    await until_answers(address, wanted=False)
    lab.create("networkpolicies", made)

    assert await answers(address) is lets_in


@pytest.mark.parametrize("made", [policy(types=("Egress",)), policy(labels={"app": "other"})])
async def test_a_policy_for_others_or_for_calls_out_cuts_nobody_off(lab: Lab, made: Json):
    address = await serving(lab, replicas=1)
    lab.create("networkpolicies", made)

    assert [await answers(address) for _ in range(3)] == [True] * 3


async def test_only_the_pods_that_a_policy_chooses_are_cut_off(lab: Lab):
    address = await serving(lab, replicas=1)
    lab.create("pods", pod("other", "test/server:v2", readinessProbe=ready_probe()))
    lab.edit("services", "web", lambda body: body["spec"].update(selector=None))
    lab.edit("pods", "other", lambda body: body["metadata"]["labels"].update(also="web"))
    one = lab.running("web")[0]["metadata"]["name"]
    lab.edit("pods", one, lambda body: body["metadata"]["labels"].update(also="web"))
    lab.edit("services", "web", lambda body: body["spec"].update(selector={"also": "web"}))
    await lab.until(lambda: len(ready_addresses(lab)) == 2)
    lab.create("networkpolicies", policy(labels={"app": "web"}))

    await until_answers(address, wanted=False)
    found = [await answers(address) for _ in range(6)]

    assert found.count(True) == found.count(False) == 3


def ready_addresses(lab: Lab) -> set[str]:
    endpoints = [e for s in lab.all("endpointslices") for e in s["endpoints"]]
    return {e["addresses"][0] for e in endpoints if e["conditions"]["ready"]}


async def test_probes_of_a_node_are_never_cut_off(lab: Lab):
    await serving(lab)
    lab.create("networkpolicies", policy())
    await asyncio.sleep(2 * SOON)

    assert lab.rolled_out("web")


@asynccontextmanager
async def echoing():
    """A balancer in front of a server that sends back what it gets, and a switch that cuts it off."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        going.add(asyncio.current_task())
        while chunk := await reader.read(1024):
            writer.write(chunk)
        await closed(writer)

    going, cut = set(), asyncio.Event()
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    balancer = Balancer("127.0.0.1", 0, lambda _endpoint, _client: not cut.is_set())
    await balancer.balance([server.sockets[0].getsockname()])
    yield balancer, cut
    balancer.abort()
    await asyncio.gather(*going, return_exceptions=True)
    server.close()
    await server.wait_closed()


async def test_an_open_connection_stalls_and_loses_nothing():
    async with echoing() as (balancer, cut):
        reader, writer = await asyncio.open_connection(*balancer.address)
        writer.write(b"before")
        assert await reader.readexactly(6) == b"before"
        cut.set()
        balancer.review()

        writer.write(b"after")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), SOON)
        cut.clear()
        balancer.review()

        assert await asyncio.wait_for(reader.readexactly(5), 30) == b"after"
        await closed(writer)


async def test_clients_that_give_up_before_they_got_through_are_not_kept():
    async with echoing() as (balancer, cut):
        cut.set()
        for _ in range(20):
            _, writer = await asyncio.open_connection(*balancer.address)
            writer.write(b"is anybody there?")
            await closed(writer)

        async with asyncio.timeout(10):
            while balancer.connections:  # noqa: ASYNC110 - sockets tell nobody
                await asyncio.sleep(0.01)
        assert not balancer.fronts
