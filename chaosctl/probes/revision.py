"""Why: a rollback is done when users get the right model again, not when a controller says so."""

from typing import ClassVar, Literal

from chaosctl.errors import NoData
from chaosctl.model import Level, Reading
from chaosctl.probes.sources import OfTraffic
from chaosctl.spec import ClockName, View


class Revision(OfTraffic):
    """The share of live answers that the expected model version gave.

    Expected is `version`, else the one of the steady state, else the most common one.
    """

    unit: ClassVar[str] = "share"
    tells: ClassVar[ClockName | None] = ClockName.ROLLBACK
    kind: Literal["revision"] = "revision"
    version: str = ""

    async def read(self, view: View) -> Reading:
        found = self.answers(view).versions(view.start, view.end)
        versions = {version: count for version, count in found.items() if version}
        total = sum(versions.values())
        if not total:
            raise NoData("no good answer told its model version")
        version = self.version or steady(view) or max(sorted(versions), key=versions.__getitem__)
        share = versions.get(version, 0) / total
        return Level(value=share, n=total, detail=version, start=view.start, end=view.end)


def steady(view: View) -> str:
    """What this check saw most in the steady state, "" before."""
    return view.before.detail if isinstance(view.before, Level) else ""
