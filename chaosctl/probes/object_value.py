"""Why: where a change is its own effect, the live object shows it."""

from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from chaosctl.changes import look, same
from chaosctl.model import Level, Reading
from chaosctl.probes.sources import ObjectName, fetch
from chaosctl.spec import Probe, View


class ObjectValue(Probe):
    """1 where the object holds this value at this JSON Pointer, else 0; null means that nothing is there."""

    unit: ClassVar[str] = ""
    kind: Literal["object-value"] = "object-value"
    object: ObjectName
    path: str = Field(pattern="^/")
    value: JsonValue = None

    async def read(self, view: View) -> Reading:
        found = look(await fetch(view, self.object.ref(view.target)), self.path)
        return Level(value=int(same(found, self.value)), start=view.start, end=view.end)
