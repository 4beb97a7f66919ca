"""Why: a node is emptied with its tenants' consent: pods are asked to leave, and budgets may say not yet."""

from contextlib import suppress

from chaosctl.cluster.banish import pods_on
from chaosctl.errors import Conflict, Gone, Held
from chaosctl.model import Evict
from chaosctl.ports import Cluster


async def once(step: Evict, cluster: Cluster) -> tuple[str, ...]:
    """Ask the owner's pods that are on these nodes now to leave; says why some are held back."""
    held = []
    for pod, uid in await pods_on(step.owner, step.nodes, cluster):
        try:
            with suppress(Gone, Conflict):  # it is on its way already, and that is all that we want
                await cluster.evict(pod, uid)
        except Held as error:
            held.append(str(error))
    return tuple(held)
