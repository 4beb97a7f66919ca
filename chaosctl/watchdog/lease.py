"""Why: a drill that waits for a rollback must be able to tell that somebody lives who could do it."""

from datetime import datetime
from typing import cast

from chaosctl.changes import at_version
from chaosctl.errors import Gone
from chaosctl.model import Json, Op, Ref
from chaosctl.ports import Cluster

LEASE = Ref(
    api_version="coordination.k8s.io/v1", kind="Lease", namespace="chaosctl-system", name="chaosctl-watchdog"
)
SECONDS = 15


async def renew(holder: str, now: datetime, cluster: Cluster) -> None:
    """Say that the watchdog lives. Raises ClusterError."""
    spec: Json = {
        "holderIdentity": holder,
        "leaseDurationSeconds": SECONDS,
        "renewTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
    try:
        seen = await cluster.get(LEASE)
        await cluster.patch(LEASE, (at_version(seen), Op(op="replace", path="/spec", value=spec)))
    except Gone:
        await _create(spec, cluster)


async def _create(spec: Json, cluster: Cluster) -> None:
    metadata = {"name": LEASE.name, "namespace": LEASE.namespace}
    body = cast(
        "Json", {"apiVersion": LEASE.api_version, "kind": LEASE.kind, "metadata": metadata, "spec": spec}
    )
    try:
        await cluster.create(LEASE, body)
    except Gone:  # the namespace itself
        space = Ref(kind="Namespace", name=LEASE.namespace)
        named = {"apiVersion": "v1", "kind": space.kind, "metadata": {"name": space.name}}
        await cluster.create(space, cast("Json", named))
        await cluster.create(LEASE, body)
