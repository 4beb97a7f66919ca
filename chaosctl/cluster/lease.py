"""Why: before anything is broken one must know that somebody who can undo it is alive."""

from datetime import UTC, datetime, timedelta
from typing import cast

from chaosctl.changes import at_version, look
from chaosctl.errors import Conflict, Gone
from chaosctl.model import Json, Op, Ref
from chaosctl.ports import Cluster

NAMESPACE = "chaosctl-system"
LEASE = Ref(api_version="coordination.k8s.io/v1", kind="Lease", namespace=NAMESPACE, name="chaosctl-guardian")
ALIVE_WITHIN = timedelta(seconds=15)
_FORM = "%Y-%m-%dT%H:%M:%S.%fZ"


async def renew(holder: str, now: datetime, cluster: Cluster) -> bool:
    """Hold the guardians' Lease, or take it over when its holder is gone. Says whether we hold it."""
    spec: Json = {
        "holderIdentity": holder,
        "leaseDurationSeconds": int(ALIVE_WITHIN.total_seconds()),
        "renewTime": now.strftime(_FORM),
    }
    try:
        seen = await cluster.get(LEASE)
        if look(seen, "/spec/holderIdentity") != holder and is_alive(seen, now):
            return False
        await cluster.patch(LEASE, (at_version(seen), Op(op="replace", path="/spec", value=spec)))
    except Gone:
        await _create(spec, cluster)
    except Conflict:
        return False
    return True


def is_alive(lease: Json, now: datetime) -> bool:
    """Whether its holder renewed it lately."""
    text = str(look(lease, "/spec/renewTime") or "")
    try:
        renewed = datetime.strptime(text, _FORM).replace(tzinfo=UTC)
    except ValueError:
        return False
    return now - renewed < ALIVE_WITHIN


async def _create(spec: Json, cluster: Cluster) -> None:
    body: Json = {"apiVersion": LEASE.api_version, "kind": LEASE.kind, "spec": spec}
    body["metadata"] = {"name": LEASE.name, "namespace": NAMESPACE}
    try:
        await cluster.create(LEASE, body)
    except Gone:  # the namespace itself
        space = Ref(kind="Namespace", name=NAMESPACE)
        await cluster.create(space, cast("Json", {"kind": space.kind, "metadata": {"name": NAMESPACE}}))
        await cluster.create(LEASE, body)
