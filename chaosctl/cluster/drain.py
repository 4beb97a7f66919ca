"""Why: a node is emptied with its tenants' consent: pods are asked to leave, and budgets may say not yet."""

from contextlib import suppress

import structlog

from chaosctl.cluster.banish import pods_on
from chaosctl.errors import Conflict, Gone, Held
from chaosctl.model import Evict
from chaosctl.ports import Cluster

log = structlog.get_logger(__name__)


async def once(step: Evict, cluster: Cluster) -> int:
    """Ask the owner's pods that are on these nodes now to leave; says how many a budget holds back."""
    held = 0
    for pod, uid in await pods_on(step.owner, step.nodes, cluster):
        try:
            with suppress(Gone, Conflict):  # it is on its way already, and that is all that we want
                await cluster.evict(pod, uid)
        except Held as error:
            held += 1
            log.info("a disruption budget holds a pod back", why=str(error))
    return held
