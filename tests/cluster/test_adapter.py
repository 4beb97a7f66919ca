"""Why: the adapter must say the same of an API server as the fakes do, over real HTTP."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from json import dumps

import pytest
from aiohttp import web

from chaosctl.changes import at_version, look
from chaosctl.cluster.adapter import KubernetesCluster, connect
from chaosctl.cluster.patience import TRIES
from chaosctl.errors import Conflict, Forbidden, Gone, Invalid, Lost, Refused, Throttled
from chaosctl.model import Op, Ref
from chaosctl.sandbox.api.kubeconfig import kubeconfig
from chaosctl.sandbox.api.server import ApiServer
from chaosctl.sandbox.api.store import Store
from chaosctl.sandbox.cluster import Sandbox, SandboxConfig
from chaosctl.testing import config_map, deployment, deployment_ref, namespace

CONFIG = Ref(kind="ConfigMap", namespace="models", name="settings")
TARGET = deployment_ref("ranker")


@pytest.fixture
async def server():
    server = ApiServer(Store())
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def cluster(server, tmp_path):
    async with connected(server.url_for(server.identities.admin_token), tmp_path) as cluster:
        await cluster.create(Ref(kind="Namespace", name="models"), namespace())
        yield cluster


@asynccontextmanager
async def connected(url, folder, **more):
    file = folder / "kubeconfig"
    file.write_text(kubeconfig(url))
    async with connect(kubeconfig=str(file), **more) as cluster:
        yield cluster


@asynccontextmanager
async def somebody(answer):
    """An HTTP server that is no API server, or one that behaves badly."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


async def test_what_is_created_is_found_and_deleted_by_its_uid_only(cluster):
    made = await cluster.create(CONFIG, config_map("settings", mode="a"))
    uid = made["metadata"]["uid"]

    assert (await cluster.get(CONFIG))["data"] == {"mode": "a"}
    with pytest.raises(Conflict):
        await cluster.create(CONFIG, config_map("settings", mode="b"))
    with pytest.raises(Conflict):
        await cluster.delete(CONFIG, "another")
    await cluster.delete(CONFIG, uid)
    with pytest.raises(Gone):
        await cluster.get(CONFIG)
    with pytest.raises(Gone):
        await cluster.delete(CONFIG, uid)


async def test_a_patch_is_pinned_to_the_version_that_was_seen(cluster):
    seen = await cluster.create(CONFIG, config_map("settings", mode="a"))
    write = Op(op="replace", path="/data/mode", value="b")

    after = await cluster.patch(CONFIG, [at_version(seen), write])

    assert after["data"] == {"mode": "b"}
    with pytest.raises(Conflict):
        await cluster.patch(CONFIG, [at_version(seen), write])


async def test_a_test_that_fails_at_the_right_version_is_refused(cluster):
    seen = await cluster.create(CONFIG, config_map("settings", mode="a"))
    wrong = Op(op="test", path="/data/mode", value="z")

    with pytest.raises(Refused):
        await cluster.patch(CONFIG, [at_version(seen), wrong])


async def test_a_dry_run_says_what_would_be_stored_and_stores_nothing(cluster):
    body = deployment("ranker")
    await cluster.create(TARGET, body)
    path = "/spec/template/spec/containers/0/resources"
    cpu = Op(op="add", path=path, value={"limits": {"cpu": "0.5"}})

    answer = await cluster.patch(TARGET, [cpu], dry_run=True)

    assert look(answer, f"{path}/limits/cpu") == "500m"
    assert look(await cluster.get(TARGET), f"{path}/limits") is None


async def test_our_writes_carry_our_name(cluster):
    await cluster.create(CONFIG, config_map("settings", mode="a"))
    managers = {entry["manager"] for entry in (await cluster.get(CONFIG))["metadata"]["managedFields"]}

    assert managers == {"chaosctl"}


async def test_long_lists_come_in_pages_and_keep_what_selectors_select(cluster):
    bodies = [config_map(f"c{number}", half=str(number % 2)) for number in range(1100)]
    for body in bodies:
        body["metadata"]["labels"] = {"half": body["data"]["half"]}
        await cluster.create(CONFIG.model_copy(update={"name": body["metadata"]["name"]}), body)

    everything = await cluster.find(CONFIG)
    assert len(everything) == 1100
    assert {body["kind"] for body in everything} == {"ConfigMap"}
    assert len(await cluster.find(CONFIG, selector="half=1")) == 550
    assert len(await cluster.find(CONFIG, fields="metadata.name=c7")) == 1
    assert len(await cluster.find(CONFIG.model_copy(update={"namespace": ""}), selector="half in (0)")) == 550


async def test_a_kind_that_the_cluster_does_not_know_is_gone(cluster):
    with pytest.raises(Gone, match="Rocket"):
        await cluster.get(Ref(kind="Rocket", namespace="models", name="x"))
    with pytest.raises(Gone):
        await cluster.get(Ref(api_version="space.dev/v1", kind="Rocket", namespace="models", name="x"))


async def test_who_may_not_is_told_so(server, cluster, tmp_path):
    assert await cluster.allowed("delete", CONFIG)
    token = server.issue("system:serviceaccount:models:nobody")
    async with connected(server.url_for(token), tmp_path) as poor:
        assert not await poor.allowed("delete", CONFIG)
        with pytest.raises(Forbidden):
            await poor.get(CONFIG)


async def test_a_watch_shows_what_is_there_and_then_what_changes(cluster):
    await cluster.create(CONFIG, config_map("settings", mode="a"))
    seen = []

    async def watch():
        async for kind, body in cluster.watch(CONFIG):
            seen.append((kind, body.get("data")))
            if kind == "ADDED":
                await cluster.patch(CONFIG, [Op(op="replace", path="/data/mode", value="b")])
            elif kind == "MODIFIED":
                await cluster.delete(CONFIG, body["metadata"]["uid"])
            else:
                return

    await asyncio.wait_for(watch(), 60)

    assert seen == [("ADDED", {"mode": "a"}), ("MODIFIED", {"mode": "b"}), ("DELETED", {"mode": "b"})]


async def test_the_clock_is_the_servers(cluster):
    await cluster.version()

    assert abs(cluster.clock.now() - datetime.now(UTC)) < timedelta(seconds=2)
    assert cluster.clock.high - cluster.clock.low <= 1.1


async def test_pods_belong_to_a_deployment_through_its_replica_sets(tmp_path):
    async with (
        Sandbox(tmp_path / "sandbox", SandboxConfig(pods="objects")) as sandbox,
        connected(sandbox.url, tmp_path) as cluster,
    ):
        await cluster.create(Ref(kind="Namespace", name="models"), namespace())
        await cluster.create(TARGET, deployment("ranker"))
        stray = {"labels": {"app": "ranker"}}
        spec = {"containers": [{"name": "c", "image": "i"}]}
        await cluster.create(
            Ref(kind="Pod", namespace="models", name="stray"), {"metadata": stray, "spec": spec}
        )

        async with asyncio.timeout(60):
            pods = []
            while len(pods) < 3:
                await asyncio.sleep(0.02)
                pods = await cluster.pods(TARGET)

        names = [pod["metadata"]["name"] for pod in pods]
        assert names == sorted(names)
        assert "stray" not in names


def throttling(asked):
    """A server that is too busy for everything but to say what kinds it has."""

    async def answer(request):
        asked.append(f"{request.method} {request.query_string}")
        if request.path == "/api/v1":
            kinds = [{"name": "configmaps", "kind": "ConfigMap", "namespaced": True}]
            return web.json_response({"resources": kinds})
        return web.json_response({"message": "slow down"}, status=429, headers={"Retry-After": "0"})

    return answer


async def test_a_busy_server_that_says_for_how_long_is_asked_again():
    asked = []
    async with somebody(throttling(asked)) as url, unconnected(url) as cluster:
        with pytest.raises(Lost, match="429 slow down"):
            await cluster.get(CONFIG)
        with pytest.raises(Lost):
            await cluster.create(CONFIG, {})

    assert asked == ["GET "] * (1 + TRIES) + ["POST fieldManager=chaosctl"] * TRIES


async def test_who_must_look_before_every_write_is_told_at_once_and_waits_for_itself():
    asked = []
    async with somebody(throttling(asked)) as url, unconnected(url, patient=False) as cluster:
        with pytest.raises(Throttled, match="429 slow down"):
            await cluster.create(CONFIG, {})
        with pytest.raises(Lost):
            await cluster.create(CONFIG, {}, dry_run=True)

    once, trial = "POST fieldManager=chaosctl", "POST fieldManager=chaosctl&dryRun=All"
    assert asked == ["GET ", once, *[trial] * TRIES]


@asynccontextmanager
async def unconnected(url, **options):
    """A client that has not asked for the version yet."""
    from kubernetes.aio.client.configuration import Configuration

    from chaosctl.cluster.clock import ServerClock
    from chaosctl.cluster.kubernetes import Connection

    over = Connection(Configuration(host=url), ServerClock())
    try:
        yield KubernetesCluster(over, **options)
    finally:
        await over.close()


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (500, b"boom", Lost),
        (503, b"", Lost),
        (422, b'{"message": "no"}', Refused),
        (415, b"{}", Refused),
        (401, b"{}", Forbidden),
        (200, b"<html>\x1b[31m", Lost),
        (200, b"[1]", Lost),
    ],
)
async def test_every_other_answer_is_an_error_of_ours(status, body, error):
    async def answer(_):
        return web.Response(status=status, body=body)

    async with somebody(answer) as url, unconnected(url) as cluster:
        with pytest.raises(error) as caught:
            await cluster.version()

    assert "\x1b" not in str(caught.value)


async def test_a_foreign_text_is_cut_and_cleaned():
    async def chatty(_):
        return web.json_response({"message": "a\x00b\x1b[2J\n" + "x" * 10_000}, status=400)

    async with somebody(chatty) as url, unconnected(url) as cluster:
        with pytest.raises(Refused) as caught:
            await cluster.version()

    assert len(str(caught.value)) < 330
    assert str(caught.value).isprintable()


async def test_an_answer_without_end_is_not_read_to_its_end():
    async def endless(request):
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65536)

    async with somebody(endless) as url, unconnected(url) as cluster:
        with pytest.raises(Lost, match="bytes"):
            await cluster.ask(Ref(kind="Pod", namespace="models", name="p"), 9901, "/status")


async def test_a_server_that_does_not_answer_is_lost(monkeypatch):
    monkeypatch.setattr("chaosctl.cluster.kubernetes.TIMEOUT", 0.1)
    never = asyncio.Event()

    async def silent(_):
        await never.wait()
        return web.Response()

    async with somebody(silent) as url, unconnected(url) as cluster:
        with pytest.raises(Lost, match="did not answer in time"):
            await cluster.version()
        never.set()


async def test_a_cluster_that_cannot_be_reached_is_one_clear_message(tmp_path):
    with pytest.raises(Lost, match="is the cluster up, and is this the right context"):
        async with connected("http://127.0.0.1:1", tmp_path):
            pass


async def test_a_kubeconfig_that_is_none_is_one_clear_message(tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "absent"))
    broken = tmp_path / "broken"
    broken.write_text("{: no")
    good = tmp_path / "good"
    good.write_text(kubeconfig("http://127.0.0.1:1"))
    for options, words in (
        ({}, "no cluster to talk to"),
        ({"kubeconfig": str(tmp_path / "absent")}, "no such kubeconfig"),
        ({"kubeconfig": str(broken)}, "not a kubeconfig"),
        ({"kubeconfig": str(good), "context": "elsewhere"}, "get-contexts"),
    ):
        with pytest.raises(Invalid, match=words):
            async with connect(**options):
                pass


KNOWN = {"resources": [{"name": "configmaps", "kind": "ConfigMap", "namespaced": True}]}


def page(*names, more="", version="7"):
    items = [{"metadata": {"name": name, "resourceVersion": version}} for name in names]
    return {"metadata": {"continue": more, "resourceVersion": version}, "items": items}


async def test_a_list_whose_next_page_has_expired_begins_anew():
    answers = [page("a", more="next"), None, page("a", more="again"), page("b")]

    async def forgetful(request):
        if request.path == "/api/v1":
            return web.json_response(KNOWN)
        found = answers.pop(0)
        return web.json_response(found or {"message": "too old"}, status=200 if found else 410)

    async with somebody(forgetful) as url, unconnected(url) as cluster:
        found = await cluster.find(CONFIG)

    assert [body["metadata"]["name"] for body in found] == ["a", "b"]


@pytest.mark.parametrize("how", ["status", "event"])
async def test_a_watch_that_was_cut_goes_on_and_one_that_is_too_old_begins_anew(how, monkeypatch):
    monkeypatch.setattr("chaosctl.cluster.adapter.BETWEEN_WATCHES", 0)
    asked = []

    def event(kind, name, version):
        return {"type": kind, "object": {"metadata": {"name": name, "resourceVersion": version}}}

    async def server(request):
        if request.path == "/api/v1":
            return web.json_response(KNOWN)
        if "watch" not in request.query:
            return web.json_response(page("a"))
        asked.append(request.query["resourceVersion"])
        match len(asked):
            case 1:
                bookmark = event("BOOKMARK", "", "9")
                return web.Response(text=f"{dumps(event('MODIFIED', 'a', '8'))}\n{dumps(bookmark)}\n")
            case 2 if how == "status":
                return web.json_response({"message": "too old"}, status=410)
            case 2:
                return web.json_response({"type": "ERROR", "object": {"code": 410}})
        return web.json_response(event("DELETED", "a", "12"))

    seen = []
    async with somebody(server) as url, unconnected(url) as cluster, asyncio.timeout(60):
        async for kind, _ in cluster.watch(CONFIG):
            seen.append(kind)
            if kind == "DELETED":
                break

    assert seen == ["ADDED", "MODIFIED", "ADDED", "DELETED"]
    assert asked == ["7", "9", "7"]
