"""Why: `chaosctl lint` and whoever edits a file want one answer: everything that is wrong with it."""

from datetime import UTC, datetime
from pathlib import Path

from chaosctl.catalog.kinds import Catalog
from chaosctl.catalog.lint import lint
from chaosctl.catalog.lint_drill import lint_drill
from chaosctl.catalog.loading import PlaybookFile, load
from chaosctl.errors import Invalid
from chaosctl.spec.problems import Mistakes, Problem


def check_file(path: Path, catalog: Catalog, now: datetime | None = None) -> list[Problem]:
    """Errors and warnings of a playbook, or of a drill and its playbooks. Never raises Invalid.

    Windows and schedules are looked at from `now` on, which is the present where nobody says another.
    """
    try:
        found = load(path, catalog)
    except Mistakes as mistakes:
        return list(mistakes.problems)
    except Invalid as error:
        return [Problem("", str(error))]
    if isinstance(found, PlaybookFile):
        return lint(found, catalog)
    return lint_drill(found, catalog, now or datetime.now(UTC))
