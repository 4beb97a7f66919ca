"""Why: a fault proxy must prove that it is transparent before it hurts, and leave without being noticed.

Its admin port is described where the proxy is, in `chaosctl/traffic/proxy`.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import cast

from chaosctl.changes import look, text_at
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.errors import ClusterError, Gone, Refused, TooLate
from chaosctl.model import Json, Patch, Plan, Ref, Step, Switch
from chaosctl.ports import Clock, Cluster

TRANSPARENT_WITHIN = timedelta(seconds=10)
HANDED_BACK_WITHIN = timedelta(seconds=5)
DRAINED_WITHIN = timedelta(seconds=5)
LOOK_AGAIN = timedelta(milliseconds=100)
SLICE = Ref(api_version="discovery.k8s.io/v1", kind="EndpointSlice", name="")


async def transparent(step: Switch, ledgers: Ledgers) -> None:
    """Wait until requests pass through every proxy. Raises TooLate, and Refused where any failed."""
    until = ledgers.clock.now() + TRANSPARENT_WITHIN
    while ledgers.clock.now() < until:
        reports = await _reports(step, ledgers.cluster)
        failed = sum(_number(report, "failed") for report in reports)
        if failed:
            raise Refused(
                f"{step.proxies} is not transparent: {failed} requests failed before the fault was on"
            )
        if reports and all(_number(report, "passed") for report in reports):
            return
        await ledgers.clock.sleep_until(ledgers.clock.now() + LOOK_AGAIN)
    raise TooLate(f"{step.proxies}: no traffic passed through it; does anybody use the Service?")


async def switch_on(step: Switch, deadline: datetime, cluster: Cluster) -> None:
    """Tell every proxy the fault; each ends it by itself at the deadline."""
    fault: Json = {"fault": step.fault, "until": deadline.isoformat()}
    for pod in await _ready_pods(step.proxies, cluster):
        await cluster.tell(pod, step.port, "/fault", fault)


async def switch_off(step: Switch, cluster: Cluster) -> None:
    """Best effort: a proxy that cannot be told turns transparent at the deadline, and goes away soon."""
    with suppress(ClusterError):
        for pod in await _ready_pods(step.proxies, cluster):
            with suppress(ClusterError):
                await cluster.tell(pod, step.port, "/fault", {})


async def hand_back(undone: Step, plan: Plan, ledgers: Ledgers) -> None:
    """After the Service was swapped back: let nobody notice that the proxies go."""
    switch = next((step for step in plan if isinstance(step, Switch)), None)
    if switch is None or not isinstance(undone, Patch) or undone.ref.kind != "Service":
        return
    with suppress(Gone):  # proxies that never came to be have nothing to hand back
        pods = await ledgers.cluster.pods(switch.proxies)
        names = {text_at(pod, "/metadata/name") for pod in pods}
        await _until(lambda: _left(undone.ref, names, ledgers.cluster), HANDED_BACK_WITHIN, ledgers.clock)
        await _drain(switch, ledgers)


async def _drain(switch: Switch, ledgers: Ledgers) -> None:
    for pod in await _ready_pods(switch.proxies, ledgers.cluster):
        with suppress(ClusterError):
            await ledgers.cluster.tell(pod, switch.port, "/drain", {})
    await _until(lambda: _idle(switch, ledgers.cluster), DRAINED_WITHIN, ledgers.clock)


async def _left(service: Ref, proxies: set[str], cluster: Cluster) -> bool:
    """Whether the Service's traffic goes to its own pods again."""
    like = SLICE.model_copy(update={"namespace": service.namespace})
    slices = await cluster.find(like, selector=f"kubernetes.io/service-name={service.name}")
    endpoints = [endpoint for body in slices for endpoint in cast("list[Json]", body.get("endpoints") or [])]
    names = {look(endpoint, "/targetRef/name") for endpoint in endpoints}
    ready = any(look(endpoint, "/conditions/ready") is True for endpoint in endpoints)
    return ready and not names & proxies


async def _idle(switch: Switch, cluster: Cluster) -> bool:
    return not any(_number(report, "connections") for report in await _reports(switch, cluster))


async def _until(done: Callable[[], Awaitable[bool]], within: timedelta, clock: Clock) -> None:
    """Wait for it, but go on afterwards in any case: nobody may be kept from the undo."""
    end = clock.now() + within
    with suppress(ClusterError):
        while clock.now() < end and not await done():
            await clock.sleep_until(clock.now() + LOOK_AGAIN)


async def _reports(step: Switch, cluster: Cluster) -> Sequence[Json]:
    pods = await _ready_pods(step.proxies, cluster)
    return [await cluster.ask(pod, step.port, "/status") for pod in pods]


async def _ready_pods(owner: Ref, cluster: Cluster) -> Sequence[Ref]:
    return [
        Ref(kind="Pod", namespace=owner.namespace, name=text_at(pod, "/metadata/name"))
        for pod in await cluster.pods(owner)
        if _is_ready(pod)
    ]


def _is_ready(pod: Json) -> bool:
    conditions = cast("list[Json]", look(pod, "/status/conditions") or [])
    return any(found.get("type") == "Ready" and found.get("status") == "True" for found in conditions)


def _number(report: Json, key: str) -> int:
    found = report.get(key)
    return found if isinstance(found, int) else 0
