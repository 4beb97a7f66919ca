"""Why: that a drill can never run is found out when somebody waits for it, unless lint says so before."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from chaosctl.calendars.reading import calendar_here
from chaosctl.calendars.schedule import next_open, timed
from chaosctl.calendars.windows import HORIZON, Calendar
from chaosctl.catalog.kinds import Catalog
from chaosctl.catalog.lint import lint
from chaosctl.catalog.loading import DrillFile
from chaosctl.catalog.resolve import scripts_of
from chaosctl.errors import Invalid
from chaosctl.spec import ClockName
from chaosctl.spec.amounts import show_duration
from chaosctl.spec.problems import Path, Problem, Severity
from chaosctl.spec.windows import Windows

WINDOWS: Path = ("spec", "windows")


class Draft(NamedTuple):
    """A drill as the rules see it, at one time. `lasts` is how long its runs may take together."""

    file: DrillFile
    now: datetime
    lasts: timedelta

    @property
    def windows(self) -> Windows:
        """What can be known of them without a cluster."""
        windows = self.file.windows or Windows()
        place = windows.blackout
        return windows.model_copy(update={"blackout": place if place and place.file else None})

    def calendar(self) -> Calendar | None:
        """None where it cannot be read; another rule says so."""
        try:
            calendar = calendar_here(self.windows)
            calendar.refusal(self.now)
        except Invalid:
            return None
        return calendar

    def error(self, place: Path, message: str, hint: str = "") -> Problem:
        return self.file.source.problem(place, message, hint)

    def warning(self, place: Path, message: str, hint: str = "") -> Problem:
        return self.file.source.problem(place, message, hint, severity=Severity.WARNING)


Rule = Callable[[Draft], Iterator[Problem]]


def lint_drill(file: DrillFile, catalog: Catalog, now: datetime) -> list[Problem]:
    """What is wrong with a drill that can be read, and with each of its playbooks."""
    draft = Draft(file, now, lasting(file, catalog))
    found = [problem for rule in RULES for problem in rule(draft)]
    playbooks = {bound.playbook.path: bound.playbook for bound in file.playbooks}
    for playbook in playbooks.values():
        found += lint(playbook, catalog)
    return found


def lasting(file: DrillFile, catalog: Catalog) -> timedelta:
    """How long a drill's runs may take together; 0 where they cannot be resolved."""
    try:
        scripts = scripts_of(file, catalog)
    except Invalid:
        return timedelta()
    return sum((script.lasts for script in scripts), timedelta())


def drills_name_who_reacts(draft: Draft) -> Iterator[Problem]:
    """A rollback is expected where the target has nobody who rolls back."""
    if draft.file.drill.spec.target.rollback != "none":
        return
    for index, bound in enumerate(draft.file.playbooks):
        checks = bound.playbook.playbook.spec.expect
        if any(check.clock is ClockName.ROLLBACK and check.within for check in checks):
            message = f"{bound.playbook.name} expects a rollback, but the target says that nobody does it"
            hint = "say who in the target, like rollback: watchdog"
            yield draft.warning(("spec", "playbooks", index), message, hint)


def holidays_are_known(draft: Draft) -> Iterator[Problem]:
    """The holidays of a place that nobody knows would be no holidays."""
    try:
        calendar_here(Windows(holidays=draft.windows.holidays)).refusal(draft.now)
    except Invalid as error:
        yield draft.error((*WINDOWS, "holidays"), str(error))


def blackouts_can_be_read(draft: Draft) -> Iterator[Problem]:
    """A freeze that cannot be read refuses every run. One in a ConfigMap is read in the cluster only."""
    try:
        calendar_here(Windows(blackout=draft.windows.blackout))
    except Invalid as error:
        yield draft.error((*WINDOWS, "blackout"), str(error))


def windows_open(draft: Draft) -> Iterator[Problem]:
    """A drill whose windows never open, or never for long enough, never runs."""
    calendar = draft.calendar()
    if calendar is None or calendar.opening(draft.now, draft.lasts) is not None:
        return
    if calendar.opening(draft.now) is None:
        yield draft.error(WINDOWS, f"they do not open within {HORIZON.days} days", "let some time be open")
        return
    message = f"they are never open for {show_duration(draft.lasts)}, and so long the drill may take"
    yield draft.error(WINDOWS, message, "open them for longer, or give the drill fewer playbooks")


def schedules_fall_into_windows(draft: Draft) -> Iterator[Problem]:
    """A schedule of Sundays and windows of working days are two wishes that contradict each other."""
    calendar = draft.calendar()
    if calendar is None or calendar.opening(draft.now, draft.lasts) is None:
        return  # other rules say so
    drill = timed(draft.file.drill, calendar, draft.lasts, draft.now)
    if drill is not None and next_open(drill, draft.now) is None:
        message = f"none of its times in the coming {HORIZON.days} days is inside the windows"
        hint = "chaosctl schedule says which times those are, and why not"
        yield draft.error(("spec", "schedule", "cron"), message, hint)


RULES: tuple[Rule, ...] = (
    drills_name_who_reacts,
    holidays_are_known,
    blackouts_can_be_read,
    windows_open,
    schedules_fall_into_windows,
)
