"""Why: the API server changes what it is given (cpu "0.5" becomes "500m"), and a test for the old form fails.

So a plan is tried out before it is written down, and takes its values from the answers.
"""

from chaosctl.changes import forward, look, same
from chaosctl.errors import CannotPlan
from chaosctl.model import Create, Edit, Op, Patch, Plan, Step
from chaosctl.ports import Cluster


async def admitted(plan: Plan, cluster: Cluster) -> Plan:
    """The plan as the API server would store it. Raises CannotPlan, ClusterError; nothing is written."""
    return tuple([await _admitted(step, cluster) for step in plan])


async def _admitted(step: Step, cluster: Cluster) -> Step:
    if isinstance(step, Create):
        await cluster.create(step.ref, step.body, dry_run=True)
    if not isinstance(step, Patch):
        return step
    changing = tuple(edit for edit in step.edits if not same(edit.before, edit.after))
    if not changing:
        raise CannotPlan(f"{step.ref} is already as it would be changed: {step.edits[0].path}")
    step = step.model_copy(update={"edits": changing})
    if as_it_is := _as_it_is(step):
        await cluster.patch(step.ref, as_it_is, dry_run=True)
    answer = await cluster.patch(step.ref, forward(step), dry_run=True)
    edits = (edit.model_copy(update={"after": look(answer, edit.path)}) for edit in step.edits)
    return step.model_copy(update={"edits": tuple(_effective(step, edit) for edit in edits)})


def _as_it_is(step: Patch) -> tuple[Op, ...]:
    """Write again what is there: shows whether the way back would pass."""
    return tuple(
        Op(op="replace", path=edit.path, value=edit.before) for edit in step.edits if edit.before is not None
    )


def _effective(step: Patch, edit: Edit) -> Edit:
    if same(edit.before, edit.after):
        raise CannotPlan(
            f"{step.ref}: {edit.path} stays {edit.before!r}: an admission webhook changes it back"
        )
    return edit
