"""Why: people approve what they can see: the exact changes, the guards, and what would stop the run."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from chaosctl.changes import look as value_at
from chaosctl.changes import same
from chaosctl.cluster.facts import gather
from chaosctl.engine.guards import Facts, Finding, Guarding, refusals
from chaosctl.errors import ChaosError, Gone
from chaosctl.model import Banish, Create, Delete, Evict, Json, Patch, Plan, Ref, Step, Stream, Switch
from chaosctl.operations.address import service_address
from chaosctl.operations.connect import connected
from chaosctl.operations.order import Order
from chaosctl.operations.perform import World
from chaosctl.ports import Reader
from chaosctl.report.text import clean, length
from chaosctl.report.words import arrival
from chaosctl.spec import Aim, Entry, Script, TargetView
from chaosctl.targets.fields import texts
from chaosctl.traffic.address import Address

PREVIEW = "preview"
REACH_WITHIN = 3.0  # seconds
WATCHDOG = "/metadata/labels/chaosctl.dev~1watchdog"
MODEL = "/metadata/labels/chaosctl.dev~1model"


@dataclass(frozen=True)
class Look:
    """A script against a cluster, before anything is touched."""

    script: Script
    facts: Facts
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...] = ()

    @property
    def refusals(self) -> tuple[str, ...]:
        return tuple(f"{one.guard}: {one.refusal}" for one in self.findings if one.refusal is not None)

    @property
    def guardian(self) -> str:
        """Who undoes the run if its process dies."""
        if not self.facts.guarded:
            return "none"
        return "job" if self.facts.job else "one that is alive"

    def as_text(self) -> str:
        return "\n".join(_lines(self))

    def as_json(self) -> Json:
        return {
            "playbook": self.script.playbook,
            "digest": self.script.digest,
            "target": str(self.script.target),
            "entries": {
                name: [step.model_dump(mode="json") for step in plan]
                for name, plan in self.facts.plans.items()
            },
            "guardian": {"kind": self.guardian, "may": list(self.facts.job)},
            "guards": [{"guard": one.guard, "refusal": one.refusal} for one in self.findings],
            "warnings": list(self.warnings),
            "wouldRun": not self.refusals,
        }


@dataclass(frozen=True)
class Preview:
    """What an order would do."""

    looks: tuple[Look, ...]

    @property
    def would_run(self) -> bool:
        return not any(one.refusals for one in self.looks)

    def as_text(self) -> str:
        return "\n\n".join(one.as_text() for one in self.looks)

    def as_json(self) -> Json:
        return {"plans": [one.as_json() for one in self.looks], "wouldRun": self.would_run}


async def plan(order: Order) -> Preview:
    """Look at everything an order would do. Touches nothing. Raises Invalid, Lost."""
    async with connected(order.access) as world:
        looks = [await inspect(one, world, PREVIEW, order.guarding) for one in order.scripts]
    return Preview(tuple(looks))


async def inspect(script: Script, world: World, run: str, guarding: Guarding) -> Look:
    """The script as this target makes it, and what every guard says of it."""
    script = await _described(script, world.cluster)

    async def plan_of(entry: Entry, target: TargetView) -> Plan:
        aim = Aim(run, entry.id, Random(f"{script.seed} {entry.id}"))  # noqa: S311 - repeatable, not secret
        return await world.catalog.fault(entry.fault).plan(target, world.cluster, aim)

    facts = await gather(script, run, plan_of, world.ledgers, guarding, guardians=world.guardians)
    findings = refusals(facts, script, world.clock.now())
    if script.workload and facts.target is not None:
        findings += (
            Finding("model reachable", await _unreachable(script, world.cluster)),
            Finding("service leads to the target", await _astray(script, facts.target, world.cluster)),
        )
    warnings = await _doubts(script, facts.target, world) if facts.target else ()
    return Look(script, facts, findings, warnings)


async def _doubts(script: Script, target: TargetView, world: World) -> tuple[str, ...]:
    """What may keep the script's faults from being felt, by entry."""
    found: list[str] = []
    for entry in script.entries:
        try:
            doubts = await world.catalog.fault(entry.fault).doubts(target, world.cluster)
        except ChaosError as error:
            doubts = (f"nobody can tell whether it will be felt here: {error}",)
        found += [f"{entry.id}: {doubt}" for doubt in doubts]
    return tuple(found)


async def _described(script: Script, see: Reader) -> Script:
    """The script with what the target's own labels say where nobody else did."""
    try:
        workload = await see.get(script.target.workload)
    except ChaosError:
        return script  # the guards say so
    target, found = script.target, {}
    if target.rollback == "none" and value_at(workload, WATCHDOG) == "enabled":
        found["rollback"] = "watchdog"
    if not target.model:
        found["model"] = str(value_at(workload, MODEL) or target.workload.name)
    return script.model_copy(update={"target": target.model_copy(update=found)})


async def _unreachable(script: Script, see: Reader) -> str | None:
    try:
        where = await service_address(script.target, see)
    except Gone:
        return f"Service {script.target.namespace}/{script.target.service} does not exist; name the right one"
    except ChaosError as error:
        return str(error)
    return await _unconnected(where)


async def _astray(script: Script, target: TargetView, see: Reader) -> str | None:
    """Answers of other pods would say nothing of these, and would make a verdict about somebody else."""
    if script.target.url:
        return None
    try:
        service = await see.get(
            Ref(kind="Service", namespace=script.target.namespace, name=script.target.service)
        )
    except ChaosError:
        return None  # "model reachable" says so
    wanted = texts(service, "/spec/selector")
    if wanted.items() <= texts(target.workload, "/spec/template/metadata/labels").items():
        return None
    shown = ",".join(f"{key}={value}" for key, value in wanted.items())
    return (
        f"Service {script.target.namespace}/{script.target.service} sends to other pods ({shown}); "
        f"name the Service of {script.target.workload}"
    )


async def _unconnected(where: Address) -> str | None:
    try:
        async with asyncio.timeout(REACH_WITHIN):
            _, writer = await asyncio.open_connection(where.host, where.port)
    except (OSError, TimeoutError):
        return (
            f"nothing answers at {where.authority} from here; run where the cluster's network is, "
            "or give the target a url"
        )
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return None


def _lines(seen: Look) -> Iterator[str]:
    script = seen.script
    yield f"{script.playbook} on {script.target}    {script.digest}"
    for entry in script.entries:
        yield f"At {length(entry.at)}, for {length(entry.hold)}, then back: {entry.id}"
        for step in seen.facts.plans.get(entry.id, ()):
            yield from (f"  {clean(line)}" for line in _step(step))
    if seen.facts.job:
        yield "Guardian: a Job of the run's own, which may do this and no more"
        yield from (f"  {clean(right)}" for right in seen.facts.job)
    yield "Guards"
    for one in seen.findings:
        yield f"  ✓ {one.guard}" if one.refusal is None else f"  ✗ {one.guard}: {clean(one.refusal, 600)}"
    if seen.warnings:
        yield "Warnings"
        yield from (f"  ! {clean(warning, 600)}" for warning in seen.warnings)
    yield "Would run." if not seen.refusals else "Would not run."


def _step(step: Step) -> Iterator[str]:
    match step:
        case Patch():
            for edit in step.edits:
                yield f"{step.ref}   {edit.path}   {_shown(edit.before)} → {_shown(edit.after)}"
        case Create():
            yield f"{step.ref}   created"
        case Delete():
            yield f"{step.ref}   deleted (its controller makes another)"
        case Banish():
            yield f"pods of {step.owner} on {', '.join(step.nodes)}   deleted as long as it lasts"
        case Evict():
            yield f"pods of {step.owner} on {', '.join(step.nodes)}   evicted, as their budgets allow"
        case Switch():
            yield f"{step.proxies}   told: {_shown(step.fault)}"
        case Stream():
            yield f"requests on top of the workload   {arrival(step.arrival)}"


def _shown(value: object) -> str:
    return "(absent)" if same(value, None) else str(value)  # type: ignore[arg-type]
