"""Why: a run whose process died still owes its target an undo, and its team a post-mortem."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from chaosctl.cluster.job_guardian import orphans, remove_job
from chaosctl.cluster.ledger import NotOurs
from chaosctl.cluster.owner import Owner, lives
from chaosctl.cluster.recover import Recovered
from chaosctl.cluster.recover import recover as undo
from chaosctl.cluster.sweep import remove_finished
from chaosctl.engine.verdict import REVERT_INCOMPLETE
from chaosctl.errors import Forbidden, Unreadable
from chaosctl.model import Json, Ref
from chaosctl.operations.conduct import Part, replayed, resume
from chaosctl.operations.connect import connected
from chaosctl.operations.home import home
from chaosctl.operations.order import Access
from chaosctl.operations.perform import World
from chaosctl.operations.run import written
from chaosctl.operations.viewing import Outcome, Silent
from chaosctl.store import DONE, Store
from chaosctl.store.summary import RunSummary


@dataclass(frozen=True)
class Recovery:
    """What was reverted, which journals were finished, and which guardians' Jobs had nothing left to do.

    `unread` are the journals that only another version can finish, and why.
    """

    reverted: Sequence[Recovered]
    finished: Sequence[Outcome]
    jobs: Sequence[Ref]
    dry_run: bool
    unread: Mapping[str, str] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        left = any(one.error for one in self.reverted)
        incomplete = any(outcome.verdict.exit_code == REVERT_INCOMPLETE for outcome in self.finished)
        return REVERT_INCOMPLETE if left or incomplete else 0

    def as_text(self) -> str:
        lines = [_line(one, dry_run=self.dry_run) for one in self.reverted]
        lines += [f"run {done.run}: finished, {done.verdict.result}" for done in self.finished]
        lines += [f"run {run}: not finished: {why}" for run, why in self.unread.items()]
        lines += [
            f"{job}: {'would be ' if self.dry_run else ''}removed (nothing left to guard)"
            for job in self.jobs
        ]
        return "\n".join(lines) or "nothing to recover"

    def as_json(self) -> str:
        found: Json = {
            "reverted": [one.model_dump(mode="json") for one in self.reverted],
            "finished": [{"run": done.run, "verdict": str(done.verdict.result)} for done in self.finished],
            "unread": [{"run": run, "why": why} for run, why in self.unread.items()],
            "jobs": [str(job) for job in self.jobs],
        }
        return json.dumps(found, indent=2)


async def recover(
    sandbox: bool,  # noqa: FBT001
    context: str,
    kubeconfig: str,
    namespace: str = "",
    *,
    dry_run: bool,
) -> Recovery:
    """Revert what is past its deadline or without a living owner; finish the journals of dead runs."""
    async with connected(Access(sandbox=sandbox, context=context, kubeconfig=kubeconfig)) as world:
        reverted = await undo(world.ledgers, (namespace,), dry_run=dry_run, options=world.options)
        finished, unread = ((), {}) if dry_run else await _finish(world)
        jobs = await _clear(world, namespace, dry_run=dry_run)
    return Recovery(reverted, finished, jobs, dry_run, unread)


async def _clear(world: World, namespace: str, *, dry_run: bool) -> Sequence[Ref]:
    """Remove ledgers that nobody needs any more, and Jobs that guard nothing; the Jobs."""
    if not dry_run:
        for where, body in await world.ledgers.all(namespace):
            with suppress(NotOurs):
                await remove_finished(where, world.ledgers.parse(where, body).run, world.ledgers)
    try:
        jobs = await orphans(world.ledgers, namespace)
    except Forbidden:  # whoever may not see Jobs has made none
        return ()
    for job in () if dry_run else jobs:
        await remove_job(job, world.cluster)
    return jobs


async def _finish(world: World) -> tuple[tuple[Outcome, ...], Mapping[str, str]]:
    """The dead runs that are finished now, and those that cannot be read here."""
    finished: list[Outcome] = []
    unread: dict[str, str] = {}
    with Store(home().store) as store:
        for run in [run for run in store.runs() if run.phase != DONE and _is_dead(run, store)]:
            try:
                finished.append(await _finished(run.id, world, store))
            except Unreadable as error:
                unread[run.id] = str(error)
    return tuple(finished), unread


async def _finished(run: str, world: World, store: Store) -> Outcome:
    """A person waits for this, and only for the end."""
    part = Part(run, replayed(run, store).plot, world, guarded=False)
    return written(await resume(part, store, Silent(), "its process had died"), store, home())


def _is_dead(run: RunSummary, store: Store) -> bool:
    """Whether the process that wrote the journal has gone; without an event there is nothing to finish."""
    writers = [str(event.get("process")) for event in store.events(run.id) if event.get("process")]
    return bool(writers) and not lives(Owner.model_validate_json(writers[-1]))


def _line(one: Recovered, *, dry_run: bool) -> str:
    where = f"{one.where.namespace}/{one.where.name}"
    if one.error:
        return f"{where} {one.entry}: {one.error}\n{one.repair}".rstrip()
    if dry_run:
        return f"{where} {one.entry} of run {one.run}: would be reverted ({one.why})"
    outcomes = ", ".join(str(undone.outcome) for undone in one.outcomes)
    return f"{where} {one.entry} of run {one.run}: {outcomes} ({one.why})"
