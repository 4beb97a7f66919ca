"""Why: whatever changes a pod template rolls out, can be rolled back by others, and leaves a ReplicaSet."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import ClassVar

from pydantic import JsonValue

from chaosctl.changes import look, patch, same
from chaosctl.errors import CannotPlan
from chaosctl.faults.parts import CLEAR_REVISIONS, PATCH_WORKLOAD, felt
from chaosctl.model import Json, Plan
from chaosctl.ports import Reader
from chaosctl.probes import NewPods
from chaosctl.spec import Aim, Check, Fault, Rule, TargetView
from chaosctl.targets.fields import container_path, items, text, texts

OFTEN = timedelta(milliseconds=250)  # a release that crashes may be rolled back within a second or two


class Rollout(Fault):
    """A change of the pod template that the workload rolls out."""

    needs: ClassVar[tuple[Rule, ...]] = (PATCH_WORKLOAD, CLEAR_REVISIONS)
    reaction: ClassVar[bool] = True
    touches: ClassVar[str] = "template"
    container: str = ""

    @abstractmethod
    def wanted(self, workload: Json, container: str) -> Iterator[tuple[str, JsonValue]]:
        """What the workload shall hold, by path; `container` is the path of the one that is meant."""

    async def plan(self, target: TargetView, see: Reader, aim: Aim) -> Plan:  # noqa: ARG002 - the view says it all
        workload = target.workload
        path, _ = container_path(workload, self.container or target.target.container)
        changes = {at: to for at, to in self.wanted(workload, path) if not same(look(workload, at), to)}
        if not changes:
            raise CannotPlan(f"{target.ref} is like that already: there is nothing to release")
        return (patch(target.ref, workload, changes, pins=sorted(_names(workload, changes))),)

    def effect(self, plan: Plan, target: TargetView) -> Check:  # noqa: ARG002 - any other template will do
        check = felt("released", NewPods(besides=target.revision), least=1)
        return check.model_copy(update={"every": OFTEN})


def variables(workload: Json, container: str, env: Mapping[str, str]) -> Iterator[tuple[str, JsonValue]]:
    """One edit a variable; of the whole list only where it must grow, since the others may be secret."""
    present = items(workload, f"{container}/env")
    names = [text(variable, "/name") for variable in present]
    wanted: dict[str, JsonValue] = {name: {"name": name, "value": value} for name, value in env.items()}
    if all(name in names for name in wanted):
        yield from ((f"{container}/env/{names.index(name)}", value) for name, value in wanted.items())
        return
    kept = [wanted.get(name, variable) for name, variable in zip(names, present, strict=True)]
    yield f"{container}/env", [*kept, *(value for name, value in wanted.items() if name not in names)]


def resources(
    workload: Json, container: str, wanted: Iterable[tuple[str, Mapping[str, str]]]
) -> Iterator[tuple[str, JsonValue]]:
    """The container's requests and limits; those that are not named stay."""
    present = look(workload, f"{container}/resources")
    merged = dict(present) if isinstance(present, dict) else {}
    for name, quantities in wanted:
        merged[name] = {**texts(present, f"/{name}"), **quantities}
    yield f"{container}/resources", merged


def _names(workload: Json, changes: Mapping[str, JsonValue]) -> set[str]:
    """The names of all list elements on the way to what changes: an index may mean another one later."""
    found = set()
    for path in changes:
        keys = path.split("/")
        ways = ("/".join(keys[:end]) for end, key in enumerate(keys[:-1], start=1) if key.isdecimal())
        found |= {f"{way}/name" for way in ways if text(workload, f"{way}/name")}
    return found
