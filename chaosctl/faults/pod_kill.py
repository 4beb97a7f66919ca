"""Why: pods die; whoever calls the model should not notice."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import NonNegativeInt

from chaosctl.errors import CannotPlan
from chaosctl.faults.parts import SEE_PODS, Some, felt
from chaosctl.model import Delete, Json, Plan
from chaosctl.ports import Reader
from chaosctl.probes import PodsGone
from chaosctl.spec import Aim, Check, Rule, TargetView
from chaosctl.targets.fields import controller, is_leaving, pod_ref, text, uid


class PodKill(Some):
    """Delete some of the model's pods, each by its UID: a number, a share (rounded up), or all; else one."""

    needs: ClassVar[tuple[Rule, ...]] = (*SEE_PODS, Rule("", "pods", ("delete",)))
    kind: Literal["pod-kill"] = "pod-kill"
    order: Literal["random", "oldest", "newest"] = "random"
    grace_seconds: NonNegativeInt | None = None

    async def plan(self, target: TargetView, see: Reader, aim: Aim) -> Plan:
        pods = [pod for pod in await see.pods(target.ref) if not is_leaving(pod)]
        orphans = [text(pod, "/metadata/name") for pod in pods if not controller(pod)]
        if orphans:
            raise CannotPlan(f"nothing would replace {', '.join(orphans)}: no controller owns it")
        wanted = self.wanted(len(pods))
        if not pods or len(pods) < wanted:
            raise CannotPlan(f"{target.ref} has {len(pods)} pods, {wanted} are to be killed")
        return tuple(
            Delete(ref=pod_ref(pod), uid=uid(pod), grace_seconds=self.grace_seconds)
            for pod in self._ordered(pods, aim)[:wanted]
        )

    def effect(self, plan: Plan, target: TargetView) -> Check:  # noqa: ARG002 - the plan names the pods
        uids = tuple(step.uid for step in plan if isinstance(step, Delete))
        return felt("pods gone", PodsGone(uids=uids), least=len(uids))

    def _ordered(self, pods: Sequence[Json], aim: Aim) -> list[Json]:
        by_age = sorted(pods, key=lambda pod: (text(pod, "/metadata/creationTimestamp"), uid(pod)))
        if self.order == "random":
            return aim.random.sample(by_age, len(by_age))
        return by_age if self.order == "oldest" else by_age[::-1]
