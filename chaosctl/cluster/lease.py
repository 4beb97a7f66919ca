"""Why: before anything is broken one must know that somebody who can undo it is alive; and one may lead.

Times in a Lease are the API server's, as far as its answers tell, so that they mean the same to everybody.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import cast

from chaosctl.changes import at_version, forward, look, patch
from chaosctl.errors import Conflict, Gone
from chaosctl.model import Json, Op, Ref
from chaosctl.ports import Cluster

SYSTEM = "chaosctl-system"
GUARDIAN = "chaosctl-guardian"
INSTALLATION = "chaosctl.dev/installation"
ALIVE_WITHIN = timedelta(seconds=15)
NOBODY = ""
NO_MARKS: Mapping[str, str] = {}
_FORM = "%Y-%m-%dT%H:%M:%S.%fZ"


def lease(name: str, namespace: str = SYSTEM) -> Ref:
    """A Lease of ours."""
    return Ref(api_version="coordination.k8s.io/v1", kind="Lease", namespace=namespace, name=name)


LEASE = lease(GUARDIAN)
"""The guardians', where nobody says that they are elsewhere."""


async def renew(  # noqa: PLR0913 - who, when, where, which one, for how long, and what to write on it
    holder: str,
    now: datetime,
    cluster: Cluster,
    where: Ref = LEASE,
    lasting: timedelta = ALIVE_WITHIN,
    *,
    marks: Mapping[str, str] = NO_MARKS,
    anew: bool = True,
) -> bool:
    """Hold a Lease, or (`anew`) take it over when its holder is gone. Says whether we hold it.

    `marks` are labels that say something of the holder. Raises ClusterError.
    """
    spec: Json = {
        "holderIdentity": holder,
        "leaseDurationSeconds": int(lasting.total_seconds()),
        "renewTime": now.strftime(_FORM),
    }
    try:
        seen = await cluster.get(where)
        if look(seen, "/spec/holderIdentity") != holder and (is_alive(seen, now) or not anew):
            return False
        labels = {f"/metadata/labels/{name.replace('/', '~1')}": value for name, value in marks.items()}
        ops = (Op(op="replace", path="/spec", value=spec), *forward(patch(where, seen, labels)))
        await cluster.patch(where, (at_version(seen), *ops))
    except Gone:
        if not anew:
            return False
        await _create(where, spec, marks, cluster)
    except Conflict:
        return False
    return True


async def release(holder: str, cluster: Cluster, where: Ref) -> None:
    """Let go of a Lease, so that nobody has to wait until it is over. Raises ClusterError."""
    seen = await cluster.get(where)
    if look(seen, "/spec/holderIdentity") == holder:
        await cluster.patch(
            where, (at_version(seen), Op(op="replace", path="/spec/holderIdentity", value=NOBODY))
        )


def is_alive(seen: Json, now: datetime) -> bool:
    """Whether somebody holds a Lease, and renewed it lately."""
    text = str(look(seen, "/spec/renewTime") or "")
    seconds = look(seen, "/spec/leaseDurationSeconds")
    lasting = timedelta(seconds=seconds) if isinstance(seconds, int) else ALIVE_WITHIN
    try:
        renewed = datetime.strptime(text, _FORM).replace(tzinfo=UTC)
    except ValueError:
        return False
    return bool(look(seen, "/spec/holderIdentity")) and now - renewed < lasting


def knows(seen: Json, installation: str) -> bool:
    """Whether its holder acts on this installation's ledgers; one that does not say so is asked for them."""
    return look(seen, f"/metadata/labels/{INSTALLATION.replace('/', '~1')}") in (None, installation)


async def _create(where: Ref, spec: Json, marks: Mapping[str, str], cluster: Cluster) -> None:
    metadata: Json = {"name": where.name, "namespace": where.namespace, "labels": dict(marks)}
    body: Json = {"apiVersion": where.api_version, "kind": where.kind, "metadata": metadata, "spec": spec}
    try:
        await cluster.create(where, body)
    except Gone:  # the namespace itself
        space = Ref(kind="Namespace", name=where.namespace)
        await cluster.create(space, cast("Json", {"kind": space.kind, "metadata": {"name": where.namespace}}))
        await cluster.create(where, body)
