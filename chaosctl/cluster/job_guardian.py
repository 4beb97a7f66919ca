"""Why: a laptop sleeps, or is closed. So a run from there leaves somebody in the cluster who undoes it.

The Job is made suspended, then what it needs, owned by it, and only then may it start. A run that dies in
between leaves a Job that does nothing, until `chaosctl recover` or the next cleaning takes it away.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import structlog

from chaosctl.changes import text_at
from chaosctl.cluster import job_manifests, rights, roles, sweep, trouble
from chaosctl.cluster.job_manifests import JOB, OWNED, Wanted
from chaosctl.cluster.ledger import NotOurs
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.cluster.rights import Right
from chaosctl.errors import ChaosError, ClusterError, Conflict, Forbidden, Gone, Lost
from chaosctl.image import NAMED, image
from chaosctl.model import Json, Op, Plan, Ref
from chaosctl.ports import Cluster

WITHIN = timedelta(minutes=2)  # for a node to pull the image, and for the guardian to read its ledger
PATIENCE = timedelta(seconds=10)  # with a pod that is in trouble
LOOK_AGAIN = timedelta(milliseconds=300)
TRIES = 4
PAUSE = 0.5  # seconds, longer with every try
T = TypeVar("T")
log = structlog.get_logger(__name__)


class Unguarded(ClusterError):
    """Nobody stands who would undo the run, so nothing was changed."""


@dataclass(frozen=True)
class JobGuardian:
    """A guardian of one run, as a Job beside the target, that may do this run's undo and nothing else."""

    wanted: Wanted
    plans: Sequence[Plan]
    ledgers: Ledgers

    @property
    def _cluster(self) -> Cluster:
        return self.ledgers.cluster

    def needs(self) -> tuple[Right, ...]:
        """What it must be allowed."""
        undo = [right for plan in self.plans for right in rights.to_undo(plan)]
        return tuple(dict.fromkeys((*undo, *rights.to_tend(self.wanted.where))))

    async def hindered(self) -> tuple[str, ...]:
        """Why it cannot be made, by us, in this cluster. Writes nothing. Raises ClusterError."""
        outside = [right for right in self.needs() if right.ref.namespace != self.wanted.where.namespace]
        if outside:
            what = "; ".join(map(str, outside))
            return (f"a Job of the run's own cannot undo what lies outside of its namespace ({what})",)
        needed = (*rights.to_tend(self.wanted.where), *_to_make(self.wanted))
        lacking = await rights.missing(needed, self._cluster)
        if lacking:
            return (f"a Job of the run's own needs what you may not: {'; '.join(map(str, lacking))}",)
        try:
            granted = await roles.rules(self.needs(), self._cluster)
            await self._cluster.create(*job_manifests.role(self.wanted, granted), dry_run=True)
        except Forbidden as error:
            return (f"you may not grant the Role that a Job of the run's own needs ({error})",)
        return ()

    async def stand_up(self, interrupted: Callable[[], bool]) -> None:
        """Return when it stands, or when we are interrupted. Raises Unguarded; then call `dismiss`."""
        try:
            await self._make()
            await self._until_it_stands(interrupted)
        except Unguarded:
            raise
        except ChaosError as error:
            raise Unguarded(
                f"no guardian could be made for this run: {error}; nothing was changed"
            ) from error

    async def dismiss(self) -> None:
        """At the run's end: take it and the ledger away. Where something may come late, it stays for that."""
        try:
            if await _persistently(
                lambda: sweep.remove_finished(self.wanted.where, self.wanted.run, self.ledgers)
            ):
                await remove_job(self.wanted.job, self._cluster)
        except ClusterError as error:
            log.warning("the run's guardian ends by itself", job=str(self.wanted.job), error=str(error))

    async def _make(self) -> None:
        granted = await roles.rules(self.needs(), self._cluster)
        made = await self._there(self.wanted.job, job_manifests.job(self.wanted))
        key = self.ledgers.key_of(self.wanted.where)
        for ref, body in job_manifests.owned(self.wanted, text_at(made, "/metadata/uid"), granted, key):
            await self._there(ref, body)
        go = Op(op="replace", path="/spec/suspend", value=False)
        await _persistently(lambda: self._cluster.patch(self.wanted.job, (go,)))

    async def _there(self, ref: Ref, body: Json) -> Json:
        """Create an object, once, however often the answer is lost."""

        async def created() -> Json:
            try:
                return await self._cluster.create(ref, body)
            except Conflict:
                return await self._cluster.get(ref)

        return await _persistently(created)

    async def _until_it_stands(self, interrupted: Callable[[], bool]) -> None:
        clock = self.ledgers.clock
        end = troubled = clock.now() + WITHIN
        while not interrupted():
            ledger = await self.ledgers.read(self.wanted.where)
            if ledger and ledger.guardian:
                return
            why = await trouble.of_job(self.wanted.job, self._cluster)
            troubled = min(troubled, clock.now() + PATIENCE) if why else end
            if clock.now() >= min(end, troubled):
                raise Unguarded(self._did_not_stand(why))
            await clock.sleep_until(clock.now() + LOOK_AGAIN)

    def _did_not_stand(self, why: str) -> str:
        said = why or f"no report within {WITHIN.total_seconds():.0f} s, and the cluster does not say why"
        return (
            f"the guardian of this run, {self.wanted.job}, does not start from {image()} "
            f"(${NAMED} names another image): {said}; nothing was changed"
        )


async def orphans(ledgers: Ledgers, namespace: str = "") -> Sequence[Ref]:
    """The Jobs of guardians that have nothing left to undo. Raises ClusterError."""
    like = JOB.model_copy(update={"namespace": namespace})
    found = await ledgers.cluster.find(like, selector=job_manifests.SELECTOR)
    return [_named(body) for body in found if await _is_orphan(body, ledgers)]


async def remove_job(job: Ref, cluster: Cluster) -> None:
    """Delete a guardian's Job; what it owns goes with it. Raises ClusterError."""

    async def deleted() -> None:
        with suppress(Gone):
            seen = await cluster.get(job)
            await cluster.delete(job, text_at(seen, "/metadata/uid"))

    await _persistently(deleted)


async def _is_orphan(body: Json, ledgers: Ledgers) -> bool:
    try:
        ledger = await ledgers.read(job_manifests.ledger_of(body))
    except NotOurs:  # another installation's
        return False
    mine = ledger is not None and ledger.run == job_manifests.run_of(body)
    return ledger is None or not mine or sweep.finished(ledger, ledgers.clock.now())


def _to_make(wanted: Wanted) -> tuple[Right, ...]:
    """What whoever starts the run must be allowed for it."""
    one, any_of = wanted.job, {"namespace": wanted.where.namespace}
    job = [Right(verb, one) for verb in ("get", "patch", "delete")]
    create = [Right("create", kind.model_copy(update=any_of)) for kind in (JOB, *OWNED)]
    return (*create, *job)


def _named(body: Json) -> Ref:
    found = {"namespace": text_at(body, "/metadata/namespace"), "name": text_at(body, "/metadata/name")}
    return JOB.model_copy(update=found)


async def _persistently(doing: Callable[[], Awaitable[T]]) -> T:
    """Again, where the answer was lost or somebody was faster."""
    for attempt in range(1, TRIES):
        try:
            return await doing()
        except (Lost, Conflict):
            await asyncio.sleep(PAUSE * attempt)
    return await doing()
