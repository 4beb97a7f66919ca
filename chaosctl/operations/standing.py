"""Why: who would undo a run is decided before it starts: its rights follow from the plans that people saw."""

from datetime import timedelta

from chaosctl.changes import look
from chaosctl.cluster.job_guardian import JobGuardian
from chaosctl.cluster.job_manifests import Wanted, nodes_of
from chaosctl.cluster.ledger import ledger_of
from chaosctl.model import Json
from chaosctl.operations.perform import World
from chaosctl.operations.plan import Look
from chaosctl.spec import Script

MARGIN = timedelta(minutes=1)


def guardian_for(seen: Look, run: str, world: World) -> JobGuardian | None:
    """A Job that guards this run alone, where the guards found that it needs one."""
    if not seen.facts.job or seen.facts.target is None:
        return None
    plans = tuple(seen.facts.plans.values())
    where = ledger_of(seen.script.target.workload)
    private = _pull_secrets(seen.facts.target.workload)
    wanted = Wanted(run, where, longest(seen.script), nodes_of(plans), private)
    return JobGuardian(wanted, plans, world.ledgers)


def longest(script: Script) -> timedelta:
    """No run of this script holds its target for longer."""
    ends = [entry.at + script.set_up + entry.hold for entry in script.entries]
    return script.steady_within + max(ends) + script.recover_within + MARGIN


def _pull_secrets(workload: Json) -> tuple[str, ...]:
    """Where the target's images are private, ours may be as well."""
    found = look(workload, "/spec/template/spec/imagePullSecrets")
    return tuple(str(look(one, "/name")) for one in found) if isinstance(found, list) else ()
