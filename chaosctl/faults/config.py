"""Why: a wrong setting breaks a model as surely as a wrong image, and no image tag shows it."""

from typing import ClassVar, Literal, Self

from pydantic import Field, JsonValue, model_validator

from chaosctl.changes import look, patch, same
from chaosctl.errors import CannotPlan
from chaosctl.faults.parts import CLEAR_REVISIONS, PATCH_WORKLOAD, existing, felt
from chaosctl.model import Patch, Plan, Ref
from chaosctl.ports import Reader
from chaosctl.probes import NewPods, ObjectValue
from chaosctl.probes.sources import ObjectName
from chaosctl.spec import Aim, Check, Fault, Rule, TargetView
from chaosctl.targets.fields import pointer

RESTARTED = pointer("spec", "template", "metadata", "annotations", "chaosctl.dev/config")


class Config(Fault):
    """Change or remove one key of a ConfigMap, and restart the pods so that they read it."""

    needs: ClassVar[tuple[Rule, ...]] = (
        Rule("", "configmaps", ("get", "patch")),
        PATCH_WORKLOAD,
        CLEAR_REVISIONS,
    )
    touches: ClassVar[str] = "config"
    kind: Literal["config"] = "config"
    config_map: str
    key: str = Field(min_length=1)
    value: str | None = None
    remove: bool = False
    restart: bool = True

    @model_validator(mode="after")
    def _either_a_value_or_none(self) -> Self:
        if self.remove == (self.value is not None):
            raise ValueError('give the new "value", or say "remove: true"')
        return self

    async def plan(self, target: TargetView, see: Reader, aim: Aim) -> Plan:
        ref = Ref(kind="ConfigMap", namespace=target.ref.namespace, name=self.config_map)
        seen = await existing(ref, see)
        if look(seen, "/immutable") is True:
            raise CannotPlan(f"{ref} is immutable: roll out a release that uses another one instead")
        if same(look(seen, self._path), self.value):
            raise CannotPlan(f'{ref} is like that already: see its key "{self.key}"')
        change = patch(ref, seen, {self._path: self.value})
        # The last is undone first: so no pod can start with our value after the restart that undoes it.
        return (self._restart(target, aim), change) if self.restart else (change,)

    def effect(self, plan: Plan, target: TargetView) -> Check:  # noqa: ARG002 - the fault's fields say it
        if self.restart:
            return felt("restarted", NewPods(besides=target.revision), least=1)
        config_map = ObjectName(kind="ConfigMap", name=self.config_map)
        return felt("configured", ObjectValue(object=config_map, path=self._path, value=self.value), least=1)

    @property
    def _path(self) -> str:
        return pointer("data", self.key)

    def _restart(self, target: TargetView, aim: Aim) -> Patch:
        stamp: JsonValue = f"{aim.run}-{aim.entry}"
        return patch(target.ref, target.workload, {RESTARTED: stamp})
