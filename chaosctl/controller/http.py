"""Why: Kubernetes asks whether we live and are ready, and Prometheus for our numbers, over HTTP."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from chaosctl.controller.metrics import CONTENT_TYPE, Metrics

Check = Callable[[], str]
"""Says what is wrong, or nothing."""


@asynccontextmanager
async def serving(host: str, port: int, alive: Check, ready: Check, metrics: Metrics) -> AsyncIterator[int]:
    """Answer as long as this block; the port. Raises OSError where it is taken."""

    async def healthz(_: web.Request) -> web.Response:
        return _answer(alive())

    async def readyz(_: web.Request) -> web.Response:
        return _answer(ready())

    async def numbers(_: web.Request) -> web.Response:
        return web.Response(body=metrics.text().encode(), headers={"Content-Type": CONTENT_TYPE})

    application = web.Application()
    application.add_routes(
        [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", numbers)]
    )
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _answer(wrong: str) -> web.Response:
    return web.Response(text=f"{wrong or 'ok'}\n", status=503 if wrong else 200)
