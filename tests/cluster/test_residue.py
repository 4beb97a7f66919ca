"""Why: a ReplicaSet that a fault left must go, also where the API server is in a bad mood."""

from cluster.scenes import IMAGE, WHERE, injected, ledgers_of, line_of, virtually

from chaosctl.cluster.restore import restore
from chaosctl.cluster.sweep import tidy
from chaosctl.errors import Conflict
from chaosctl.testing import FakeCluster, deployment, namespace


class Contested(FakeCluster):
    """The first deletion meets a conflict."""

    conflicts = 1

    async def delete(self, ref, uid, *, grace_seconds=None):
        if self.conflicts:
            self.conflicts -= 1
            raise Conflict(f"{ref}: somebody else is at it")
        await super().delete(ref, uid, grace_seconds=grace_seconds)


@virtually
async def test_a_replica_set_whose_deletion_met_a_conflict_is_deleted_at_the_next_look():
    cluster = Contested(namespace(), deployment("ranker"))
    ledgers, before = ledgers_of(cluster), cluster.facts()
    await injected(await line_of(cluster, {IMAGE: "model:bad"}), ledgers)
    await restore(WHERE, "e", ledgers)

    assert not await tidy(WHERE, ledgers)
    assert await tidy(WHERE, ledgers)
    assert before == cluster.facts()
