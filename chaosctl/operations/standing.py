"""Why: who would undo a run is decided before it starts: its rights follow from the plans that people saw."""

from chaosctl.changes import look
from chaosctl.cluster.job_guardian import JobGuardian
from chaosctl.cluster.job_manifests import Wanted, nodes_of
from chaosctl.cluster.ledger import ledger_of
from chaosctl.model import Json
from chaosctl.operations.perform import World
from chaosctl.operations.plan import Look


def guardian_for(seen: Look, run: str, world: World) -> JobGuardian | None:
    """A Job that guards this run alone, where the guards found that it needs one."""
    if not seen.facts.job or seen.facts.target is None:
        return None
    plans = tuple(seen.facts.plans.values())
    where = ledger_of(seen.script.target.workload)
    private = _pull_secrets(seen.facts.target.workload)
    wanted = Wanted(run, where, seen.script.lasts, nodes_of(plans), private)
    return JobGuardian(wanted, plans, world.ledgers)


def _pull_secrets(workload: Json) -> tuple[str, ...]:
    """Where the target's images are private, ours may be as well."""
    found = look(workload, "/spec/template/spec/imagePullSecrets")
    return tuple(str(look(one, "/name")) for one in found) if isinstance(found, list) else ()
