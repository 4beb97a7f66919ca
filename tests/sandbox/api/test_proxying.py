"""Why: a drill tells its proxies what to do by way of the API server, so that must reach the right server."""

import httpx
import pytest
from aiohttp import web

from chaosctl.sandbox.api.server import ApiServer
from chaosctl.sandbox.api.store import Store


@pytest.fixture
async def server():
    server = ApiServer(Store())
    server.root = await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def port():
    """A pod's own server: it tells what it was asked."""

    async def echo(request):
        return web.json_response(
            {"path": request.path, "method": request.method, "body": await request.text()}, status=418
        )

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", echo)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield runner.addresses[0][1]
    await runner.cleanup()


def pod(server, address):
    resource = server.store.resource("v1", "pods")
    body = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    server.store.create(resource, "default", body)

    def running(body):
        body["status"] = {"podIP": address, "phase": "Running"}
        return body

    server.store.update(resource, "default", "p", running, subresource="status")


async def test_a_request_reaches_the_pods_own_port_and_its_answer_comes_back(server, port):
    pod(server, "127.0.0.1")

    async with httpx.AsyncClient() as client:
        url = f"{server.root}/api/v1/namespaces/default/pods/p:{port}/proxy/a/b"
        answer = await client.post(url, json={"x": 1})

    assert answer.status_code == 418
    assert answer.json() == {"path": "/a/b", "method": "POST", "body": '{"x":1}'}


async def test_a_pod_that_does_not_listen_or_has_no_address_is_a_503_and_no_pod_a_404(server):
    async with httpx.AsyncClient(base_url=server.root) as client:
        missing = await client.get("/api/v1/namespaces/default/pods/p:9/proxy/")
        pod(server, "127.0.0.1")
        silent = await client.get("/api/v1/namespaces/default/pods/p:9/proxy/status")
        unclear = await client.get("/api/v1/namespaces/default/pods/p:nine/proxy/status")

    assert (missing.status_code, silent.status_code, unclear.status_code) == (404, 503, 400)
    assert "error trying to reach service" in silent.json()["message"]


async def test_the_proxy_has_rights_of_its_own(server, port):
    pod(server, "127.0.0.1")
    url = server.url_for(server.issue("alice"))

    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{url}/api/v1/namespaces/default/pods/p:{port}/proxy/")

    assert answer.status_code == 403
    assert 'cannot get resource "pods/proxy"' in answer.json()["message"]
