"""Why: a drill is timed in the same way wherever it is written, in a file or in a cluster."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chaosctl.calendars.reading import calendar_in
from chaosctl.calendars.schedule import Timed, timed
from chaosctl.calendars.windows import Calendar
from chaosctl.catalog import find_playbook, installed, load_drill, scripts_of
from chaosctl.catalog.objects import scripted, windows_of
from chaosctl.errors import Invalid
from chaosctl.operations.objects import drill_named, playbook_named
from chaosctl.ports import Reader
from chaosctl.spec import Script
from chaosctl.spec.drill import Drill
from chaosctl.spec.windows import Windows
from chaosctl.spec.zones import moment, zone


@dataclass(frozen=True)
class Subject:
    """A drill with all that says when it runs."""

    drill: Drill
    windows: Windows | None
    scripts: tuple[Script, ...]

    @property
    def name(self) -> str:
        return self.drill.metadata.name

    @property
    def namespace(self) -> str:
        return self.drill.spec.target.namespace

    @property
    def timezone(self) -> str:
        """In which people think of its times."""
        return self.windows.timezone if self.windows else self.drill.spec.timezone

    @property
    def lasts(self) -> timedelta:
        """How long its runs may take together."""
        return sum((script.lasts for script in self.scripts), timedelta())

    def timed(self, calendar: Calendar, since: datetime) -> Timed | None:
        """As its schedule sees it, from a time on; None where it has none."""
        return timed(self.drill, calendar, self.lasts, since)

    async def calendar(self, see: Reader) -> Calendar:
        """When it may run, as it stands now. Raises Invalid, ClusterError."""
        return await calendar_in(self.windows, self.namespace, see)


def in_file(name: str) -> Subject:
    """The drill in a file, or a shipped one. Raises Invalid."""
    catalog = installed()
    file = load_drill(find_playbook(name), catalog)
    return Subject(file.drill, file.windows, scripts_of(file, catalog))


async def in_namespace(name: str, namespace: str, see: Reader) -> Subject:
    """A Drill object, with its playbooks as they are there. Raises Invalid, ClusterError."""
    catalog = installed()
    drill = await drill_named(name, namespace, see)
    target, windows = drill.spec.target.resolve(), windows_of(drill)
    files = [await playbook_named(one, namespace, see, catalog) for one in drill.spec.playbooks]
    scripts = (
        scripted(file, target, one, catalog, 0, windows)
        for file, one in zip(files, drill.spec.playbooks, strict=True)
    )
    return Subject(drill, windows, tuple(scripts))


def moment_in(text: str, timezone: str, option: str) -> datetime:
    """A moment as written (ISO 8601); without an offset it is on the wall of that zone. Raises Invalid."""
    try:
        written = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f'{option} "{text}": write it like 2026-12-24 or 2026-12-24T10:00') from None
    return moment(written, zone(timezone)) if written.tzinfo is None else written.astimezone(UTC)
