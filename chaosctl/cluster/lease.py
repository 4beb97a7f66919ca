"""Why: before anything is broken one must know that somebody who can undo it is alive."""

from datetime import UTC, datetime, timedelta
from typing import cast

from chaosctl.changes import at_version, forward, look, patch
from chaosctl.errors import Conflict, Gone
from chaosctl.model import Json, Op, Ref
from chaosctl.ports import Cluster

NAMESPACE = "chaosctl-system"
LEASE = Ref(api_version="coordination.k8s.io/v1", kind="Lease", namespace=NAMESPACE, name="chaosctl-guardian")
INSTALLATION = "chaosctl.dev/installation"
LABEL = f"/metadata/labels/{INSTALLATION.replace('/', '~1')}"
ALIVE_WITHIN = timedelta(seconds=15)
_FORM = "%Y-%m-%dT%H:%M:%S.%fZ"


async def renew(holder: str, installation: str, now: datetime, cluster: Cluster) -> bool:
    """Hold the guardians' Lease, or take it over when its holder is gone. Says whether we hold it.

    `installation` is the fingerprint of the key whose ledgers the holder knows.
    """
    spec: Json = {
        "holderIdentity": holder,
        "leaseDurationSeconds": int(ALIVE_WITHIN.total_seconds()),
        "renewTime": now.strftime(_FORM),
    }
    try:
        seen = await cluster.get(LEASE)
        if look(seen, "/spec/holderIdentity") != holder and is_alive(seen, now):
            return False
        whose = patch(LEASE, seen, {LABEL: installation})
        ops = (at_version(seen), Op(op="replace", path="/spec", value=spec), *forward(whose))
        await cluster.patch(LEASE, ops)
    except Gone:
        await _create(spec, installation, cluster)
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


def knows(lease: Json, installation: str) -> bool:
    """Whether its holder acts on this installation's ledgers; one that does not say so is asked for them."""
    return look(lease, LABEL) in (None, installation)


async def _create(spec: Json, installation: str, cluster: Cluster) -> None:
    body: Json = {"apiVersion": LEASE.api_version, "kind": LEASE.kind, "spec": spec}
    body["metadata"] = {"name": LEASE.name, "namespace": NAMESPACE, "labels": {INSTALLATION: installation}}
    try:
        await cluster.create(LEASE, body)
    except Gone:  # the namespace itself
        space = Ref(kind="Namespace", name=NAMESPACE)
        await cluster.create(space, cast("Json", {"kind": space.kind, "metadata": {"name": NAMESPACE}}))
        await cluster.create(LEASE, body)
