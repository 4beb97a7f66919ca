"""Why: every command meets the same outside: one cluster, its time, its ledgers, and the model's address."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from shlex import quote

from chaosctl.catalog import installed
from chaosctl.cluster.adapter import KubernetesCluster, connect
from chaosctl.cluster.kubernetes import NoCluster
from chaosctl.cluster.lease import GUARDIAN, lease
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.errors import Invalid
from chaosctl.operations.home import home, system
from chaosctl.operations.http import PlainHttp
from chaosctl.operations.order import Access
from chaosctl.operations.perform import World
from chaosctl.operations.sandbox import for_one_run, status
from chaosctl.operations.stage import Player


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
