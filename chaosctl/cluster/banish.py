"""Why: a zone is only out while nothing comes back to it. So pods are deleted there again and again."""

from collections.abc import Sequence
from contextlib import suppress

from chaosctl.changes import look, text_at
from chaosctl.errors import Conflict, Gone
from chaosctl.model import Banish, Json, Ref
from chaosctl.ports import Cluster


async def once(step: Banish, cluster: Cluster) -> int:
    """Delete the owner's pods that are on these nodes now; says how many."""
    victims = await pods_on(step.owner, step.nodes, cluster)
    for pod, uid in victims:
        with suppress(Gone, Conflict):  # somebody was faster, and that is all that we want
            await cluster.delete(pod, uid, grace_seconds=0)
    return len(victims)


async def pods_on(owner: Ref, nodes: Sequence[str], cluster: Cluster) -> list[tuple[Ref, str]]:
    """The owner's pods on these nodes, with their UIDs; without those that leave already."""
    return [
        (
            Ref(kind="Pod", namespace=owner.namespace, name=text_at(pod, "/metadata/name")),
            text_at(pod, "/metadata/uid"),
        )
        for pod in await cluster.pods(owner)
        if _is_there(pod, nodes)
    ]


def _is_there(pod: Json, nodes: Sequence[str]) -> bool:
    return look(pod, "/spec/nodeName") in nodes and look(pod, "/metadata/deletionTimestamp") is None
