"""Why: who may not undo must not do. So permissions are asked for before anything is changed."""

import asyncio
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from chaosctl.cluster.residue import leaves_any
from chaosctl.model import Banish, Create, Delete, Evict, Patch, Plan, Ref, Step, Switch
from chaosctl.ports import Cluster

POD = "Pod"
AT_ONCE = 8  # questions to the API server


class Right(NamedTuple):
    """One verb on one object."""

    verb: str
    ref: Ref
    subresource: str = ""

    def __str__(self) -> str:
        what = f"{self.ref.kind}/{self.subresource}" if self.subresource else self.ref.kind
        return f"{self.verb} {what} {self.ref.name or '*'} in {self.ref.namespace or 'all namespaces'}"


def to_do(plan: Plan) -> tuple[Right, ...]:
    """What applying a plan needs."""
    return _distinct(right for step in plan for right in _doing(step))


def to_undo(plan: Plan) -> tuple[Right, ...]:
    """What undoing a plan needs, its residue included."""
    return _distinct(right for step in plan for right in _undoing(step))


def to_tend(where: Ref) -> tuple[Right, ...]:
    """What a guardian needs for a ledger."""
    return tuple(Right(verb, where) for verb in ("get", "patch", "delete"))


def to_write(where: Ref) -> tuple[Right, ...]:
    """What a run needs for its ledger."""
    return tuple(Right(verb, where) for verb in ("get", "create", "patch"))


def to_hear(target: Ref) -> tuple[Right, ...]:
    """What a run needs to learn who noticed that its target is in trouble."""
    return (Right("list", _any("Event", target)),)


async def missing(rights: Iterable[Right], cluster: Cluster) -> tuple[Right, ...]:
    """Those that we do not have. Raises ClusterError.

    Several are asked for at once: one after the other, a server that makes each wait would use up the time
    in which a guardian must be ready.
    """
    wanted, limit = tuple(rights), asyncio.Semaphore(AT_ONCE)

    async def allowed(right: Right) -> bool:
        async with limit:
            return await cluster.allowed(*right)

    answers = await asyncio.gather(*map(allowed, wanted))
    return tuple(right for right, granted in zip(wanted, answers, strict=True) if not granted)


def _doing(step: Step) -> Iterator[Right]:
    match step:
        case Patch():
            yield from (Right("get", step.ref), Right("patch", step.ref))
        case Create():
            yield from (Right("get", step.ref), Right("create", step.ref))
        case Delete():  # names of pods are made up as they come, so permissions never name them
            yield Right("delete", step.ref.model_copy(update={"name": ""}))
        case Banish():
            yield from _finding_pods(step.owner)
            yield Right("delete", _any(POD, step.owner))
        case Evict():
            yield from _finding_pods(step.owner)
            yield Right("create", _any(POD, step.owner), "eviction")
        case Switch():
            yield from _talking(step)


def _undoing(step: Step) -> Iterator[Right]:
    match step:
        case Patch():
            yield from (Right("get", step.ref), Right("patch", step.ref))
            if leaves_any((step,)):
                replica_sets = _any("ReplicaSet", step.ref, "apps/v1")
                yield from (Right("list", replica_sets), Right("delete", replica_sets))
        case Create():
            yield from (Right("get", step.ref), Right("delete", step.ref))
        case Switch():
            yield Right("list", _any("EndpointSlice", step.proxies, "discovery.k8s.io/v1"))
            yield from _talking(step)


def _talking(step: Switch) -> Iterator[Right]:
    yield from _finding_pods(step.proxies)
    pods = _any(POD, step.proxies)
    yield from (Right(verb, pods, "proxy") for verb in ("get", "create"))


def _finding_pods(owner: Ref) -> Iterator[Right]:
    """They belong to a workload through its ReplicaSets."""
    yield Right("get", owner)
    yield Right("list", _any("ReplicaSet", owner, "apps/v1"))
    yield Right("list", _any(POD, owner))


def _any(kind: str, beside: Ref, api_version: str = "v1") -> Ref:
    return Ref(api_version=api_version, kind=kind, namespace=beside.namespace, name="")


def _distinct(rights: Iterable[Right]) -> tuple[Right, ...]:
    return tuple(dict.fromkeys(rights))
