"""Why: a closed node hurts nobody by itself; that it is closed is all there is to see of it."""

from typing import ClassVar, Literal

from chaosctl.changes import look
from chaosctl.model import Level, Reading, Ref
from chaosctl.probes.sources import fetch
from chaosctl.spec import Probe, View


class ClosedNodes(Probe):
    """How many of these nodes take no new pods."""

    unit: ClassVar[str] = "nodes"
    kind: Literal["closed-nodes"] = "closed-nodes"
    nodes: tuple[str, ...]

    async def read(self, view: View) -> Reading:
        found = [await fetch(view, Ref(kind="Node", name=node)) for node in self.nodes]
        closed = [node for node in found if look(node, "/spec/unschedulable") is True]
        return Level(value=len(closed), start=view.start, end=view.end)
