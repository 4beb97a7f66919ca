"""Why: a demonstration on somebody's cluster is a guest: it brings what it breaks, and takes all of it away.

Everything lies in one namespace that was not there before, so that removing it removes everything, also by
hand, after a demonstration that was killed.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from chaosctl.changes import look, text_at
from chaosctl.cluster.lease import is_alive
from chaosctl.errors import ClusterError, Conflict, Gone, Invalid, NoData
from chaosctl.model import Json, Ref
from chaosctl.operations.connect import connected, service_address
from chaosctl.operations.interrupts import interrupts
from chaosctl.operations.manifests import MODELS, model, watchdog
from chaosctl.operations.order import SAMPLE, Access
from chaosctl.operations.perform import World
from chaosctl.spec.drill import parse_target
from chaosctl.watchdog.lease import lease

DEMO = "chaosctl.dev/demo"
LABEL = f"/metadata/labels/{DEMO.replace('/', '~1')}"
SPACE = Ref(kind="Namespace", name=MODELS)
READY_WITHIN = timedelta(minutes=3)
ANSWERS_WITHIN = timedelta(seconds=15)
GONE_WITHIN = timedelta(minutes=3)
LOOK_AGAIN = timedelta(milliseconds=250)
BY_HAND = f"kubectl delete namespace {MODELS}"
OK = 200
Say = Callable[[str], None]


@asynccontextmanager
async def guest(access: Access, say: Say) -> AsyncIterator[None]:
    """The sample model and its watchdog on a cluster, as long as this block. Raises Invalid, ClusterError."""
    async with connected(access) as world:
        mark = secrets.token_hex(4)
        try:
            await _claim(mark, world)
            await _furnish(world, say)
            yield
        finally:
            with interrupts(lambda _: say(f"still removing the namespace {MODELS}")):
                await _leave(mark, world, say)


async def _claim(mark: str, world: World) -> None:
    """Make the namespace, as ours. Raises Invalid where it is there."""
    body, *_ = model(watchdog=True)
    labels = {**_labels(body), DEMO: mark}
    try:
        await world.cluster.create(SPACE, {**body, "metadata": {"name": MODELS, "labels": labels}})
    except Conflict:
        seen = await world.cluster.get(SPACE)
        if look(seen, LABEL):
            why = f"an earlier demonstration may have left it; then remove it: {BY_HAND}"
        else:
            why = "the demonstration brings its own and removes it at the end, so it needs that name to be free"
        raise Invalid(f"the namespace {MODELS} exists: {why}") from None


async def _furnish(world: World, say: Say) -> None:
    _, *bodies = model(watchdog=True)
    for body in (*bodies, *watchdog(MODELS)):
        await world.cluster.create(_ref(body), body)
    say(f"waiting for the model and its watchdog in the namespace {MODELS}")
    for body in (*bodies, *watchdog(MODELS)):
        if body["kind"] == "Deployment":
            await _until_ready(_ref(body), world)
    await _until(lambda: _answers(world), ANSWERS_WITHIN, world, await _unreachable(world))
    await _until(lambda: _watched(world), READY_WITHIN, world, f"nobody holds {lease(MODELS)}")


async def _until_ready(ref: Ref, world: World) -> None:
    async def ready() -> bool:
        body = await world.cluster.get(ref)
        return look(body, "/status/readyReplicas") == look(body, "/spec/replicas")

    ...
