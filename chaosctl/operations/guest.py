"""Why: a demonstration on somebody's cluster is a guest: it brings what it breaks, and takes all of it away.

Everything lies in one namespace that was not there before, so that removing it removes everything, also by
hand, after a demonstration that was killed.
"""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from chaosctl.changes import look, text_at
from chaosctl.cluster.lease import is_alive
from chaosctl.cluster.trouble import of_pods
from chaosctl.errors import Conflict, Gone, Invalid, Lost, NoData
from chaosctl.model import Json, Ref
from chaosctl.operations.accounts import watchdog
from chaosctl.operations.address import service_address
from chaosctl.operations.connect import connected
from chaosctl.operations.interrupts import interrupts
from chaosctl.operations.manifests import MODELS, model, namespace
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
HEALTH = "/v2/health/ready"
OK = 200
NO_IMAGE = "ImagePullBackOff"
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
    try:
        await world.cluster.create(SPACE, namespace({DEMO: mark}))
    except Conflict:
        seen = await world.cluster.get(SPACE)
        if look(seen, LABEL):
            why = f"an earlier demonstration may have left it; then remove it: {BY_HAND}"
        else:
            why = (
                "the demonstration brings its own and removes it at the end, so it needs that name to be free"
            )
        raise Invalid(f"the namespace {MODELS} exists: {why}") from None


async def _furnish(world: World, say: Say) -> None:
    bodies = [*model(watchdog=True), *watchdog(MODELS)]
    for body in bodies:
        await world.cluster.create(_ref(body), body)
    say(f"waiting for the model and its watchdog in the namespace {MODELS}")
    for body in bodies:
        if body["kind"] == "Deployment":
            await _until_ready(_ref(body), world)
    await _until_it_answers(world)
    await _until(lambda: _watched(world), READY_WITHIN, world)


async def _until_ready(ref: Ref, world: World) -> None:
    """Raises Invalid, which says what keeps its pods from running: at once where no time will help."""

    async def ready() -> bool:
        body = await world.cluster.get(ref)
        if look(body, "/status/readyReplicas") == look(body, "/spec/replicas"):
            return True
        why = await of_pods(ref, f"app={ref.name}", world.cluster)
        if NO_IMAGE in why:
            raise Invalid(
                f"{ref} cannot be started: {why}; docs/how-to/build-the-image.md says how to get it"
            )
        return False

    if not await _until(ready, READY_WITHIN, world):
        why = await of_pods(ref, f"app={ref.name}", world.cluster)
        raise Invalid(
            f"{ref} is not ready after {READY_WITHIN.total_seconds():.0f} s: {why or 'nobody says why'}"
        )


async def _until_it_answers(world: World) -> None:
    """Traffic is sent from here, so here it must be answered. Raises Invalid."""
    where = await service_address(parse_target(SAMPLE, ""), world.cluster)

    async def answers() -> bool:
        with suppress(NoData):
            status, _ = await world.http.request("GET", f"http://{where.host}:{where.port}{HEALTH}")
            return status == OK
        return False

    if not await _until(answers, ANSWERS_WITHIN, world):
        raise Invalid(
            f"{where.host}:{where.port}, the address of the Service {MODELS}/sample-model, does not answer: "
            "run the demonstration where the addresses of Services are reached, on a node or in a pod"
        )


async def _watched(world: World) -> bool:
    with suppress(Gone):
        return is_alive(await world.cluster.get(lease(MODELS)), world.clock.now())
    return False


async def _leave(mark: str, world: World, say: Say) -> None:
    """Remove the namespace if it is ours, and wait until all that was in it is gone."""
    say(f"removing the namespace {MODELS}, and all that was in it")

    async def gone() -> bool:
        try:
            seen = await world.cluster.get(SPACE)
            if look(seen, LABEL) != mark:
                return True
            if not look(seen, "/metadata/deletionTimestamp"):
                await world.cluster.delete(SPACE, text_at(seen, "/metadata/uid"))
        except Gone:
            return True
        return False

    if not await _until(gone, GONE_WITHIN, world):
        say(f"the namespace {MODELS} is not gone yet; see to it with: {BY_HAND}")


async def _until(done: Callable[[], Awaitable[bool]], within: timedelta, world: World) -> bool:
    """Whether it came to be in time; a cluster that does not answer is asked again."""
    end = world.clock.now() + within
    while world.clock.now() < end:
        with suppress(Lost, Conflict):
            if await done():
                return True
        await world.clock.sleep_until(world.clock.now() + LOOK_AGAIN)
    return False


def _ref(body: Json) -> Ref:
    return Ref(
        api_version=text_at(body, "/apiVersion"),
        kind=text_at(body, "/kind"),
        namespace=str(look(body, "/metadata/namespace") or ""),
        name=text_at(body, "/metadata/name"),
    )
