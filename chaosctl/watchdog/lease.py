"""Why: a drill that waits for a rollback must be able to tell that somebody lives who could do it."""

from datetime import datetime
from typing import cast

from chaosctl.changes import at_version
from chaosctl.errors import Gone
from chaosctl.model import Json, Op, Ref
from chaosctl.ports import Cluster

NAME = "chaosctl-watchdog"
SECONDS = 15


def lease(namespace: str = "chaosctl-system") -> Ref:
    """The watchdog's Lease."""
    return Ref(api_version="coordination.k8s.io/v1", kind="Lease", namespace=namespace, name=NAME)


LEASE = lease()
"""Where nobody says that it is elsewhere."""


async def renew(where: Ref, holder: str, now: datetime, cluster: Cluster) -> None:
    """Say that the watchdog lives. Raises ClusterError."""
    spec: Json = {
        "holderIdentity": holder,
        "leaseDurationSeconds": SECONDS,
        "renewTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
    try:
        seen = await cluster.get(where)
        await cluster.patch(where, (at_version(seen), Op(op="replace", path="/spec", value=spec)))
    except Gone:
        await _create(where, spec, cluster)


async def _create(where: Ref, spec: Json, cluster: Cluster) -> None:
    metadata = {"name": where.name, "namespace": where.namespace}
    body = cast(
        "Json", {"apiVersion": where.api_version, "kind": where.kind, "metadata": metadata, "spec": spec}
    )
    try:
        await cluster.create(where, body)
    except Gone:  # the namespace itself
        space = Ref(kind="Namespace", name=where.namespace)
        named = {"apiVersion": "v1", "kind": space.kind, "metadata": {"name": space.name}}
        await cluster.create(space, cast("Json", named))
        await cluster.create(where, body)
