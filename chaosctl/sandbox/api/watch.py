"""Why: whoever watches must miss nothing and see each change once, through whatever selector."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

from aiohttp import ClientConnectionResetError, web

from chaosctl.sandbox.api import options
from chaosctl.sandbox.api.answers import Presenter, encode
from chaosctl.sandbox.api.calls import Call
from chaosctl.sandbox.api.errors import ApiError
from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.selectors import Match
from chaosctl.sandbox.api.store import Change, Store

LONGEST_S = 1800
BOOKMARK_EVERY_S = 10
_INITIAL_EVENTS_END = {"annotations": {"k8s.io/initial-events-end": "true"}}


class _Event(NamedTuple):
    type: str
    object: Json


async def serve(store: Store, call: Call, presenter: Presenter) -> web.StreamResponse:
    """Stream changes until the time limit or until the client goes."""
    match, queue = call.match(), store.subscribe()  # subscribed before anything is awaited: nothing is lost
    try:
        options.check_watch(call)
        version = store.version
        seconds = call.number("timeoutSeconds") or LONGEST_S
        start = _start(store, call, match)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        await response.prepare(call.request)
        await _stream(response, call, presenter, _Source(start, version, queue, match, seconds))
    except ClientConnectionResetError:
        return response  # the client has gone; there is nobody to tell
    finally:
        store.unsubscribe(queue)
    return response


class _Source(NamedTuple):
    start: list[_Event]
    version: int
    queue: "asyncio.Queue[Change]"
    match: Match
    seconds: float


async def _stream(response: web.StreamResponse, call: Call, presenter: Presenter, source: _Source) -> None:
    marks = call.flag("allowWatchBookmarks")
    for event in source.start:
        await response.write(_line(event, presenter))
        if event.type == "ERROR":
            return
    if call.flag("sendInitialEvents"):
        await response.write(
            _line(_Event("BOOKMARK", presenter.bookmark(source.version, _INITIAL_EVENTS_END)), None)
        )
    version = source.version
    async for change in _until(source.queue, source.seconds):
        if change is not None:
            version = change.version
            for event in _seen(change, call, source.match):
                await response.write(_line(event, presenter))
        elif marks:
            await response.write(_line(_Event("BOOKMARK", presenter.bookmark(version, {})), None))


async def _until(queue: "asyncio.Queue[Change]", seconds: float) -> AsyncIterator[Change | None]:
    """Changes for so long; None each time that it has been quiet for a while."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while (left := end - loop.time()) > 0:
        try:
            yield queue.get_nowait() if not queue.empty() else await _next(queue, min(left, BOOKMARK_EVERY_S))
        except TimeoutError:
            yield None


async def _next(queue: "asyncio.Queue[Change]", seconds: float) -> Change:
    async with asyncio.timeout(seconds):
        return await queue.get()


def _start(store: Store, call: Call, match: Match) -> list[_Event]:
    """What lies before the present: the state, or the changes since a version."""
    text = call.option("resourceVersion") or "0"
    if text == "0" or call.flag("sendInitialEvents"):
        resource, namespace = call.place.resource, call.place.namespace
        return [_Event("ADDED", body) for body in store.list(resource, namespace) if match(body)]
    try:
        changes = store.since(int(text))
    except ApiError as error:  # a watch answers 200 and then says what is wrong
        return [_Event("ERROR", error.status)]
    return [event for change in changes for event in _seen(change, call, match)]


def _seen(change: Change, call: Call, match: Match) -> Iterator[_Event]:
    """A change as it looks through a selector: what leaves it is deleted, what enters it is added."""
    wanted = call.place.resource
    if (change.resource.group, change.resource.plural) != (wanted.group, wanted.plural):
        return
    was = change.previous is not None and match(change.previous)
    is_ = change.type != "DELETED" and match(change.object)
    if is_:
        yield _Event("MODIFIED" if was else "ADDED", change.object)
    elif was and change.previous is not None:
        yield _Event("DELETED", _last_seen(change, change.previous))


def _last_seen(change: Change, previous: Json) -> Json:
    """Who watches through a selector sees what has left it as it was, at the version of its leaving."""
    if change.type == "DELETED":
        return change.object
    version = {"resourceVersion": change.object["metadata"]["resourceVersion"]}
    return {**previous, "metadata": {**previous["metadata"], **version}}


def _line(event: _Event, presenter: Presenter | None) -> bytes:
    shown = event.object if presenter is None or event.type == "ERROR" else presenter.one(event.object)
    return encode({"type": event.type, "object": shown}) + b"\n"
