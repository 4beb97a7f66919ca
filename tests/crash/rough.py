"""Why: an API server may say no, say nothing, or say it too late. This one does, to one client, by seed.

`python -m crash.rough --to URL --file F` is a proxy in front of an API server, with troubles for whoever asks
under `/SEED/`. F names its own URL when it listens. `POST /heal/SEED` ends the troubles of a seed.
"""

import argparse
import asyncio
import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from random import Random

import aiohttp
from aiohttp import web

TIMEOUT = 1.5  # seconds that the client waits
TOO_LATE = 2.0  # seconds
STATUSES = {
    "conflict 409": 409,
    "invalid 422": 422,
    "busy 429": 429,
    "error 500": 500,
    "unavailable 503": 503,
}
WRITES_ONLY = ("conflict 409", "invalid 422", "no writes for good")
SLOW = ("answered too late", "arrives too late")
OTHERS = ("done, but 500", "cut before", "cut after", "half an answer", *SLOW)
SINGLE = (*STATUSES, *OTHERS)
FOR_GOOD = {"gone for good": "cut before", "no writes for good": "unavailable 503"}
KINDS = (*SINGLE, "any of these", *FOR_GOOD)
NOT_PASSED_ON = {"host", "content-length", "transfer-encoding", "connection", "accept-encoding"}


def kind_of(seed):
    return KINDS[seed % len(KINDS)]


@dataclass
class Mood:
    """What goes wrong for one client: from its n-th request on, so many times, with some probability."""

    kind: str
    random: Random
    quiet: int
    budget: float
    share: float

    @classmethod
    def of(cls, seed):
        kind, random = kind_of(seed), Random(seed)
        most = (1, 2, 4) if kind in SLOW else (1, 3, 8, 20)
        quiet, share = random.randrange(200), random.choice((0.1, 0.3, 1.0))
        if kind in FOR_GOOD:
            return cls(kind, random, quiet, float("inf"), 1.0)
        return cls(kind, random, quiet, random.choice(most), share)

    def next(self, method):
        """What goes wrong with this request, or ""."""
        self.quiet -= 1
        if self.quiet >= 0 or self.budget <= 0 or self.random.random() > self.share:
            return ""
        kind = self.random.choice(SINGLE) if self.kind == "any of these" else self.kind
        if method == "GET" and kind in WRITES_ONLY:
            return ""
        self.budget -= 1
        return FOR_GOOD.get(kind, kind)


class Rough:
    """The proxy."""

    def __init__(self, origin, session):
        self.origin = origin
        self.session = session
        self.moods = {}

    async def heal(self, request):
        self.moods[int(request.match_info["seed"])].budget = 0
        return web.Response()

    async def handle(self, request):
        seed = int(request.match_info["seed"])
        kind = self.moods.setdefault(seed, Mood.of(seed)).next(request.method)
        if kind in STATUSES:
            return refusal(STATUSES[kind])
        if kind == "cut before":
            return cut(request)
        if kind == "arrives too late":
            await asyncio.sleep(TOO_LATE)
        return await self.forward(request, kind)

    async def forward(self, request, kind):
        path = request.raw_path.removeprefix(f"/{request.match_info['seed']}")
        headers = {key: value for key, value in request.headers.items() if key.lower() not in NOT_PASSED_ON}
        body = await request.read()
        async with self.session.request(
            request.method, self.origin + path, headers=headers, data=body
        ) as answer:
            if not kind:
                return await passed_on(request, answer)
            whole = await answer.read()
            return await self.spoiled(request, kind, answer, whole)

    async def spoiled(self, request, kind, answer, whole):
        if kind == "done, but 500":
            return refusal(500)
        if kind == "cut after":
            return cut(request)
        if kind == "half an answer":
            response = web.StreamResponse(status=answer.status)
            response.content_length = len(whole)
            await response.prepare(request)
            await response.write(whole[: len(whole) // 2])
            return cut(request)
        if kind == "answered too late":
            await asyncio.sleep(TOO_LATE)
        return web.Response(status=answer.status, body=whole, content_type="application/json")


def refusal(status):
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status, "message": "no"}
    headers = {"Retry-After": "1"} if status == STATUSES["busy 429"] else {}
    return web.Response(
        status=status, text=json.dumps(body), content_type="application/json", headers=headers
    )


def cut(request):
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def passed_on(request, answer):
    headers = {key: value for key, value in answer.headers.items() if key.lower() not in NOT_PASSED_ON}
    response = web.StreamResponse(status=answer.status, headers=headers)
    with contextlib.suppress(ConnectionResetError):  # the client has gone; that is its right
        await response.prepare(request)
        async for piece in answer.content.iter_any():
            await response.write(piece)
    return response


async def serve(origin, file, proxy=Rough):
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), auto_decompress=False
    ) as session:
        rough = proxy(origin, session)
        application = web.Application(client_max_size=2**24)
        application.router.add_post(r"/heal/{seed:\d+}", rough.heal)
        application.router.add_route("*", r"/{seed:\d+}/{path:.*}", rough.handle)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        draft = file.with_suffix(".draft")
        draft.write_text("http://{}:{}".format(*runner.addresses[0][:2]))
        draft.replace(file)
        try:
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()


def main(proxy=Rough):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", required=True)
    parser.add_argument("--file", type=Path, required=True)
    given = parser.parse_args()
    asyncio.run(serve(given.to, given.file, proxy))


if __name__ == "__main__":
    main()
