"""Why: a guardian in a Job has a small pod and seconds to start. So it loads no more than it needs."""

import asyncio
import os
import signal
import socket

from chaosctl.cluster.adapter import connect
from chaosctl.cluster.guardian import Guardian
from chaosctl.cluster.job_manifests import KEY
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.cluster.solo import Solo
from chaosctl.errors import Invalid
from chaosctl.model import Ref
from chaosctl.operations.home import home


async def guard(ledger: str, run: str, context: str, kubeconfig: str) -> None:
    """Keep watch over one ledger until it is over, or until SIGTERM. Raises Invalid, ClusterError."""
    where = _named(ledger)
    async with connect(context, kubeconfig) as cluster:
        key = _key()
        ledgers = Ledgers(cluster, cluster.clock, key or home().key(), where if key else None)
        standing = asyncio.ensure_future(Solo(Guardian(socket.gethostname(), ledgers), where, run).stand())
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, standing.cancel)
        try:
            await standing
        except asyncio.CancelledError:
            return


def _named(ledger: str) -> Ref:
    namespace, slash, name = ledger.partition("/")
    if not (namespace and slash and name):
        raise Invalid(f'--ledger "{ledger}": write NAMESPACE/NAME')
    return Ref(kind="ConfigMap", namespace=namespace, name=name)


def _key() -> bytes:
    """The key of this ledger alone, as the Job's Secret holds it; empty where none was given."""
    text = os.environ.get(KEY, "")
    try:
        return bytes.fromhex(text.strip())
    except ValueError:
        raise Invalid(f"${KEY} is not a key in hexadecimal") from None
