"""Why: most outages begin with a release."""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal, Self

from pydantic import JsonValue, model_validator

from chaosctl.changes import look, patch, same
from chaosctl.errors import CannotPlan
from chaosctl.faults.parts import CLEAR_REVISIONS, PATCH_WORKLOAD, felt
from chaosctl.model import Plan
from chaosctl.ports import Reader
from chaosctl.probes import NewPods
from chaosctl.spec import Aim, Check, Fault, Rule, TargetView
from chaosctl.targets.fields import container_path, items, text, texts

Quantities = Mapping[str, str]


class Release(Fault):
    """Roll out another image, other variables, arguments or resources, as a bad release would.

    Variables and resources that are not named stay as they are.
    """

    needs: ClassVar[tuple[Rule, ...]] = (PATCH_WORKLOAD, CLEAR_REVISIONS)
    reaction: ClassVar[bool] = True
    touches: ClassVar[str] = "template"
    kind: Literal["release"] = "release"
    container: str = ""
    image: str = ""
    env: Mapping[str, str] = {}
    args: tuple[str, ...] | None = None
    resources: Mapping[Literal["requests", "limits"], Quantities] = {}

    @model_validator(mode="after")
    def _something_to_release(self) -> Self:
        if not (self.image or self.env or self.args is not None or self.resources):
            raise ValueError('name what to release: "image", "env", "args" or "resources"')
        return self

    async def plan(self, target: TargetView, see: Reader, aim: Aim) -> Plan:  # noqa: ARG002 - the view says it all
        path, _ = container_path(target.workload, self.container or target.target.container)
        container = look(target.workload, path)
        wanted = {at: value for at, value in self._wanted(container) if not same(look(container, at), value)}
        if not wanted:
            raise CannotPlan(f"{target.ref} is like that already: there is nothing to release")
        changes = {f"{path}{at}": value for at, value in wanted.items()}
        return (patch(target.ref, target.workload, changes, pins=[f"{path}/name"]),)

    def effect(self, plan: Plan, target: TargetView) -> Check:  # noqa: ARG002 - any other template will do
        return felt("released", NewPods(besides=target.revision), least=1)

    def _wanted(self, container: JsonValue) -> Iterator[tuple[str, JsonValue]]:
        """What the container shall hold, by path in it."""
        if self.image:
            yield "/image", self.image
        if self.args is not None:
            yield "/args", list(self.args)
        yield from _variables(container, self.env)
        if self.resources:
            yield "/resources", _merged(container, self.resources)


def _variables(container: JsonValue, env: Mapping[str, str]) -> Iterator[tuple[str, JsonValue]]:
    """One edit a variable; of the whole list only where it must grow, since the others may be secret."""
    present = items(container, "/env")
    names = [text(variable, "/name") for variable in present]
    wanted: dict[str, JsonValue] = {name: {"name": name, "value": value} for name, value in env.items()}
    if all(name in names for name in wanted):
        yield from ((f"/env/{names.index(name)}", value) for name, value in wanted.items())
        return
    kept = [wanted.get(name, variable) for name, variable in zip(names, present, strict=True)]
    yield "/env", [*kept, *(value for name, value in wanted.items() if name not in names)]


def _merged(container: JsonValue, resources: Mapping[Literal["requests", "limits"], Quantities]) -> JsonValue:
    present = look(container, "/resources")
    merged = dict(present) if isinstance(present, dict) else {}
    for name, quantities in resources.items():
        merged[name] = {**texts(present, f"/{name}"), **quantities}
    return merged
