import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from sandbox.api.waiting import until

from chaosctl.sandbox.api.server import ApiServer
from chaosctl.sandbox.api.store import Json, Store

MAPS = "/api/v1/namespaces/default/configmaps"


class Events:
    """The events of a watch, read one at a time."""

    def __init__(self, response: httpx.Response) -> None:
        self.response, self._lines = response, response.aiter_lines()

    async def next(self) -> Json:
        async with asyncio.timeout(10):
            return json.loads(await anext(self._lines))

    async def take(self, count: int) -> list[tuple[str, str]]:
        found = [await self.next() for _ in range(count)]
        return [(event["type"], event["object"]["metadata"].get("name", "")) for event in found]


@pytest.fixture
def watch(api):
    @asynccontextmanager
    async def watching(path: str = MAPS, **params: str) -> AsyncIterator[Events]:
        async with api.stream("GET", path, params={"watch": "true", **params}) as response:
            yield Events(response)

    return watching


def config(name: str, **labels: str) -> Json:
    return {"metadata": {"name": name, "labels": labels}}


@pytest.fixture
def maps(store: Store):
    return store.resource("v1", "configmaps")


async def test_a_watch_without_a_version_starts_with_what_is_there(store, maps, watch):
    store.create(maps, "default", config("a"))
    async with watch() as events:
        assert await events.take(1) == [("ADDED", "a")]
        store.create(maps, "default", config("b"))
        store.delete(maps, "default", "a")
        assert await events.take(2) == [("ADDED", "b"), ("DELETED", "a")]


async def test_a_watch_from_a_version_misses_nothing_since(store, maps, watch):
    version = store.create(maps, "default", config("a"))["metadata"]["resourceVersion"]
    store.update(maps, "default", "a", lambda body: body | {"data": {"k": "v"}})
    store.delete(maps, "default", "a")
    async with watch(resourceVersion=version) as events:
        assert await events.take(2) == [("MODIFIED", "a"), ("DELETED", "a")]


async def test_what_leaves_a_selector_is_deleted_and_what_enters_it_is_added(store, maps, watch):
    store.create(maps, "default", config("a", app="web"))
    store.create(maps, "default", config("b", app="db"))

    def labelled(app: str):
        return lambda body: body | {"metadata": body["metadata"] | {"labels": {"app": app}}}

    async with watch(labelSelector="app=web", resourceVersion=str(store.version)) as events:
        store.update(maps, "default", "a", labelled("db"))
        store.update(maps, "default", "b", labelled("web"))
        store.update(maps, "default", "a", lambda body: body | {"data": {"un": "seen"}})
        store.delete(maps, "default", "b")
        assert await events.take(3) == [("DELETED", "a"), ("ADDED", "b"), ("DELETED", "b")]


async def test_a_watch_sees_one_kind_and_one_namespace(store, maps, watch):
    async with watch(resourceVersion=str(store.version)) as events:
        store.create(store.resource("v1", "secrets"), "default", config("secret"))
        store.create(maps, "kube-system", config("elsewhere"))
        store.create(maps, "default", config("here"))
        assert await events.take(1) == [("ADDED", "here")]


@pytest.mark.parametrize("history", [2])
async def test_a_watch_from_before_the_history_is_told_that_it_is_gone(store, maps, watch):
    for name in ("a", "b", "c", "d"):
        store.create(maps, "default", config(name))
    async with watch(resourceVersion="1") as events:
        event = await events.next()
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")


async def test_initial_events_end_with_a_bookmark(store, maps, watch):
    store.create(maps, "default", config("a"))
    asked = {
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
    }
    async with watch(**asked) as events:
        assert await events.take(1) == [("ADDED", "a")]
        mark = await events.next()
    assert mark["type"] == "BOOKMARK"
    assert mark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert mark["object"]["metadata"]["resourceVersion"] == str(store.version)


async def test_a_watch_ends_at_its_time_limit(store, watch):
    async with watch(
        resourceVersion=str(store.version), timeoutSeconds="1", fieldSelector="metadata.name=none"
    ) as events:
        with pytest.raises(StopAsyncIteration):
            await events.next()


async def test_fifty_watchers_each_see_a_hundred_changes(store, maps, watch):
    ready = asyncio.Barrier(51)

    async def follow() -> list[tuple[str, str]]:
        async with watch(resourceVersion=str(store.version)) as events:
            await ready.wait()
            return await events.take(100)

    async with asyncio.TaskGroup() as group:
        followers = [group.create_task(follow()) for _ in range(50)]
        await ready.wait()
        for number in range(100):
            store.create(maps, "default", config(f"m{number}"))
            await asyncio.sleep(0)
    expected = [("ADDED", f"m{number}") for number in range(100)]
    assert all(follower.result() == expected for follower in followers)


async def test_a_client_that_goes_leaves_no_watch_behind(store, watch):
    async with watch():
        assert store.watchers == 1
    await until(lambda: store.watchers == 0)


async def test_stopping_the_server_ends_its_watches(store):
    server = ApiServer(store)
    url = await server.start()
    async with httpx.AsyncClient() as client, client.stream("GET", f"{url}{MAPS}?watch=true") as response:
        await server.stop()
        with pytest.raises((httpx.RemoteProtocolError, StopAsyncIteration)):
            await anext(response.aiter_lines())
    assert store.watchers == 0
