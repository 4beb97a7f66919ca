"""Why: every command meets the same outside: one cluster, its time, its ledgers, and the model's address."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from shlex import quote

from chaosctl.catalog import installed
from chaosctl.catalog.traces import recorded
from chaosctl.changes import look
from chaosctl.cluster.adapter import KubernetesCluster, connect
from chaosctl.cluster.kubernetes import NoCluster
from chaosctl.cluster.lease import GUARDIAN, lease
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.errors import Invalid
from chaosctl.model import Json, Ref
from chaosctl.operations.home import home, system
from chaosctl.operations.http import PlainHttp
from chaosctl.operations.order import Access
from chaosctl.operations.perform import World
from chaosctl.operations.sandbox import for_one_run, status
from chaosctl.ports import Answers, Clock, Reader
from chaosctl.spec import Script, Target, Workload
from chaosctl.spec.arrivals import written
from chaosctl.streams.arrivals import arrivals
from chaosctl.streams.codecs import codec
from chaosctl.streams.corpus import Corpus, golden, parse, shuffled
from chaosctl.streams.samples import Window
from chaosctl.traffic.address import Address, address
from chaosctl.traffic.workload import Traffic
from chaosctl.traffic.workload import Workload as Sender

KEPT = 200_000  # answers; checks look at the latest seconds, and a run has 128 MiB


@asynccontextmanager
async def connected(
    access: Access,
    progress: Callable[[str], None] | None = None,
    manager: str = "chaosctl",
    *,
    patient: bool = True,
) -> AsyncIterator[World]:
    """The cluster that was asked for. With `progress`, a missing sandbox is started for as long.

    `patient` is as a KubernetesCluster has it. Raises Invalid, Lost.
    """
    sandbox = for_one_run(progress) if access.sandbox and progress else nullcontext(None)
    with sandbox as started:
        kubeconfig = access.kubeconfig
        if access.sandbox:
            found = started or status()
            if not found.is_up:
                raise Invalid("no sandbox is up; chaosctl sandbox up starts one")
            kubeconfig = str(found.kubeconfig)
        async with _reached(access.context, kubeconfig, manager, patient=patient) as cluster:
            ledgers = Ledgers(cluster, cluster.clock, home().key())
            async with PlainHttp() as http:
                player = Player(cluster, cluster.clock)
                options, guardians = _options(access.context, kubeconfig), lease(GUARDIAN, system())
                yield World(installed(), cluster, cluster.clock, http, ledgers, player, options, guardians)


@asynccontextmanager
async def _reached(
    context: str, kubeconfig: str, manager: str, *, patient: bool
) -> AsyncIterator[KubernetesCluster]:
    """The cluster; where there is none, the advice to start our own."""
    try:
        async with connect(context, kubeconfig, manager, patient=patient) as cluster:
            yield cluster
    except NoCluster as error:
        raise Invalid(f"{error}; or start the embedded one with `chaosctl sandbox up`") from error


def _options(context: str, kubeconfig: str) -> str:
    """The same for kubectl as for chaosctl."""
    given = {"--kubeconfig": kubeconfig and str(Path(kubeconfig).absolute()), "--context": context}
    return " ".join(f"{name} {quote(value)}" for name, value in given.items() if value)


class Player:
    """Plays a script's workload against its target."""

    def __init__(self, see: Reader, clock: Clock) -> None:
        self._see = see
        self._clock = clock

    @asynccontextmanager
    async def __call__(self, script: Script, target: Target) -> AsyncIterator[Answers]:
        """What the workload sees, while it is being sent. Raises Invalid, ClusterError."""
        if script.workload is None:
            raise Invalid("the script has no workload")
        where = await service_address(target, self._see)
        window = Window(script.workload.answer_within.total_seconds(), KEPT)
        traffic = _traffic(script.workload, target, script.seed)
        sender = Sender(where, traffic, window, clock=lambda: self._clock.now().timestamp())
        async with asyncio.TaskGroup() as group:  # a sender that fails ends whoever reads its answers
            sending = group.create_task(sender.run())
            yield window
            sending.cancel()


async def service_address(target: Target, see: Reader) -> Address:
    """Where the target answers: its URL, else its Service's own address and port. Raises Invalid."""
    if target.url:
        return address(target.url)
    service = await see.get(Ref(kind="Service", namespace=target.namespace, name=target.service))
    host = look(service, "/spec/clusterIP")
    if not host or host == "None":
        raise Invalid(
            f"Service {target.namespace}/{target.service} has no address of its own; give the target a url"
        )
    return Address(str(host), target.port or _port(service, target))


def _port(service: Json, target: Target) -> int:
    ports = look(service, "/spec/ports")
    if not isinstance(ports, list) or len(ports) != 1:
        raise Invalid(f"Service {target.namespace}/{target.service} has several ports; give the target one")
    return int(str(look(ports[0], "/port")))


def _traffic(workload: Workload, target: Target, seed: int) -> Traffic:
    rows = shuffled(_corpus(workload), seed)
    process = written(workload.arrival)
    due = arrivals(process, seed, recorded(process))
    return Traffic(due, rows, codec(target.protocol, target.model))


def _corpus(workload: Workload) -> Corpus:
    file = workload.requests.get("file")
    return parse(Path(str(file)).read_text(encoding="utf-8"), str(file)) if file else golden()
