"""Why: guards are pure, so somebody must look. What cannot be found out is said, never guessed."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from chaosctl import targets
from chaosctl.calendars.reading import calendar_in
from chaosctl.changes import look, text_at
from chaosctl.cluster import rights
from chaosctl.cluster.admission import admitted
from chaosctl.cluster.fields import MANAGER, appliers_of
from chaosctl.cluster.job_guardian import JobGuardian
from chaosctl.cluster.job_manifests import Wanted
from chaosctl.cluster.keys import fingerprint
from chaosctl.cluster.lease import LEASE, is_alive, knows
from chaosctl.cluster.ledger import ledger_of
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.engine.guards import OPT_IN, Facts, Guarding
from chaosctl.errors import ChaosError, Forbidden, Gone, Lost
from chaosctl.model import Banish, Create, Delete, Evict, Json, Patch, Plan, Ref, Step
from chaosctl.ports import Reader
from chaosctl.spec import Entry, Script, TargetView

PlanOf = Callable[[Entry, TargetView], Awaitable[Plan]]
T = TypeVar("T")
REPLICAS = "/spec/replicas"
GITOPS = {
    "argocd.argoproj.io/instance": "Argo CD",
    "argocd.argoproj.io/tracking-id": "Argo CD",
    "kustomize.toolkit.fluxcd.io/name": "Flux",
    "helm.toolkit.fluxcd.io/name": "Flux",
}


async def gather(  # noqa: PLR0913 - all that there is to look at
    script: Script, run: str, plan_of: PlanOf, ledgers: Ledgers, guarding: Guarding, *, guardians: Ref = LEASE
) -> Facts:
    """Look at everything that the guards judge; `plan_of` plans an entry, `guardians` is their Lease.

    Writes nothing. Raises nothing that the cluster could cause: what failed is in `unknown`.
    """
    return await _Look(script, run, plan_of, ledgers, guarding, guardians).facts()


@dataclass
class _Look:
    script: Script
    run: str
    plan_of: PlanOf
    ledgers: Ledgers
    guarding: Guarding
    guardians: Ref
    unknown: dict[str, str] = field(default_factory=dict)
    unheard: str = ""

    async def facts(self) -> Facts:
        target = await self._try("target", self._target(), None)
        if target is None:
            why = self.unknown.get("target", "the target does not exist")
            self.unknown |= dict.fromkeys(("pods", "plans", "doomed", "lacking", "fought"), why)
        plans, rejected = await self._plans(target) if target else ({}, {})
        guarded = self.guarding is not Guarding.NONE
        alive = await self._try("guardian", self._guardian(), default=False) if guarded else False
        wanted = self.guarding is Guarding.JOB or (self.guarding is Guarding.AUTO and not alive)
        job = self._job(plans) if wanted else None
        return Facts(
            at=self._now(),
            target=target,
            pods=await self._try("pods", self._pods(), 0) if target else 0,
            opt_in=await self._try("opt_in", self._opt_in(), ""),
            closed=await self._try("closed", self._closed(), ""),
            plans=plans,
            rejected=rejected,
            doomed=await self._try("doomed", self._doomed(plans), {}),
            lacking=await self._try("lacking", self._lacking(plans), ()),
            fought=await self._try("fought", self._fought(plans), ()),
            guarded=guarded,
            guardian=alive,
            job=tuple(map(str, job.needs())) if job else (),
            hindered=await self._try("hindered", job.hindered(), ()) if job else (),
            holder=await self._try("holder", self._holder(), ""),
            unknown=self.unknown,
            unheard=self.unheard,
        )

    async def _try(self, name: str, looking: Awaitable[T], default: T) -> T:
        try:
            return await looking
        except ChaosError as error:
            self.unknown.setdefault(name, self._why(error))
            return default

    def _why(self, error: ChaosError) -> str:
        if isinstance(error, Lost):
            self.unheard = self.unheard or str(error)
        return str(error)

    @property
    def _see(self) -> Reader:
        return self.ledgers.cluster

    async def _target(self) -> TargetView | None:
        try:
            return await targets.look(self.script.target, self._see)
        except Gone:
            return None

    async def _pods(self) -> int:
        return len(await self._see.pods(self.script.target.workload))

    async def _opt_in(self) -> str:
        space = await self._see.get(Ref(kind="Namespace", name=self.script.target.namespace))
        return str(_labels(space).get(OPT_IN, ""))

    async def _closed(self) -> str:
        calendar = await calendar_in(self.script.windows, self.script.target.namespace, self._see)
        return calendar.refusal(self._now(), self.script.lasts) or ""

    async def _plans(self, target: TargetView) -> tuple[dict[str, Plan], dict[str, str]]:
        plans: dict[str, Plan] = {}
        rejected: dict[str, str] = {}
        for entry in self.script.entries:
            try:
                plans[entry.id] = await admitted(await self.plan_of(entry, target), self.ledgers.cluster)
            except ChaosError as error:
                rejected[entry.id] = self._why(error)
        return plans, rejected

    async def _doomed(self, plans: Mapping[str, Plan]) -> dict[str, int]:
        return {entry: await self._count(plan) for entry, plan in plans.items()}

    async def _count(self, plan: Plan) -> int:
        """How many pods of the target a plan takes away at once, from whoever needs them."""
        count = sum(isinstance(step, Delete) and step.ref.kind == "Pod" for step in plan)
        if any(_cuts_off(step) for step in plan):
            marked = sum(isinstance(step, Patch) and step.ref.kind == "Pod" for step in plan)
            count += marked or await self._pods()
        for step in plan:
            if isinstance(step, Banish | Evict):
                pods = await self._see.pods(step.owner)
                count += sum(look(pod, "/spec/nodeName") in step.nodes for pod in pods)
            elif isinstance(step, Patch) and step.ref == self.script.target.workload:
                count += sum(_fewer(edit.before, edit.after) for edit in step.edits if edit.path == REPLICAS)
        return count

    async def _lacking(self, plans: Mapping[str, Plan]) -> tuple[str, ...]:
        target = self.script.target.workload
        needed = (*rights.to_write(ledger_of(target)), *rights.to_hear(target))
        for plan in plans.values():
            needed = (*needed, *rights.to_do(plan), *rights.to_undo(plan))
        lacking = await rights.missing(dict.fromkeys(needed), self.ledgers.cluster)
        return tuple(map(str, lacking))

    async def _fought(self, plans: Mapping[str, Plan]) -> tuple[str, ...]:
        patches = [step for plan in plans.values() for step in plan if isinstance(step, Patch)]
        found = [why for step in patches for why in await self._fighters(step)]
        return tuple(dict.fromkeys(found))

    async def _fighters(self, step: Patch) -> list[str]:
        seen = await self._see.get(step.ref)
        found = _gitops(step.ref, seen) + _appliers(step, seen)
        if any(edit.path == REPLICAS for edit in step.edits):
            found += [
                f"HorizontalPodAutoscaler {name} scales {step.ref} and would undo the drill; "
                "delete it meanwhile, or choose a fault that leaves the replicas alone"
                for name in await self._autoscalers(step.ref)
            ]
        return found

    async def _autoscalers(self, ref: Ref) -> list[str]:
        like = Ref(
            api_version="autoscaling/v2", kind="HorizontalPodAutoscaler", namespace=ref.namespace, name=""
        )
        try:
            found = await self._see.find(like)
        except Gone:  # a cluster without autoscaling
            return []
        return [
            text_at(body, "/metadata/name")
            for body in found
            if (look(body, "/spec/scaleTargetRef/kind"), look(body, "/spec/scaleTargetRef/name"))
            == (ref.kind, ref.name)
        ]

    async def _guardian(self) -> bool:
        """Whether one is alive that knows our ledgers, as far as we may look."""
        try:
            lease = await self._see.get(self.guardians)
        except (Gone, Forbidden):
            return False
        return is_alive(lease, self._now()) and knows(lease, fingerprint(self.ledgers.key))

    def _job(self, plans: Mapping[str, Plan]) -> JobGuardian:
        """One that is only looked at: so its name and times do not matter."""
        wanted = Wanted(self.run, ledger_of(self.script.target.workload), timedelta())
        return JobGuardian(wanted, tuple(plans.values()), self.ledgers)

    async def _holder(self) -> str:
        ledger = await self.ledgers.read(ledger_of(self.script.target.workload))
        if ledger is None or ledger.run == self.run or not ledger.is_open:
            return ""
        held = ledger.held_until is not None and self._now() < ledger.held_until
        return ledger.run if held or ledger.open_lines else ""

    def _now(self) -> datetime:
        return self.ledgers.clock.now()


def _cuts_off(step: Step) -> bool:
    """Whether it lets nobody in any more."""
    if not isinstance(step, Create) or step.ref.kind != "NetworkPolicy":
        return False
    types, rules = look(step.body, "/spec/policyTypes"), look(step.body, "/spec/ingress")
    return isinstance(types, list) and "Ingress" in types and not rules


def _fewer(before: object, after: object) -> int:
    return max(before - after, 0) if isinstance(before, int) and isinstance(after, int) else 0


def _gitops(ref: Ref, seen: Json) -> list[str]:
    if look(seen, "/metadata/ownerReferences"):
        return []  # it carries its owner's labels, and its owner alone decides about it
    marks = {**_labels(seen), **_annotations(seen)}
    return [
        f"{tool} manages {ref} and would undo the drill; suspend it for this object meanwhile"
        for tool in dict.fromkeys(tool for mark, tool in GITOPS.items() if mark in marks)
    ]


def _appliers(step: Patch, seen: Json) -> list[str]:
    return [
        f"{manager} applies {edit.path} of {step.ref} (server-side) and would conflict; "
        "let it give the field up"
        for edit in step.edits
        for manager in appliers_of(seen, edit.path)
        if manager != MANAGER
    ]


def _labels(seen: Json) -> Json:
    found = look(seen, "/metadata/labels")
    return found if isinstance(found, dict) else {}


def _annotations(seen: Json) -> Json:
    found = look(seen, "/metadata/annotations")
    return found if isinstance(found, dict) else {}
