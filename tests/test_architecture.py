"""Why: import-linter keeps the layers; what else a newcomer could break without noticing is kept here."""

import ast
import sys
from pathlib import Path

import pytest

import chaosctl

ROOT = Path(chaosctl.__file__).parent

# Each outside library with an API of its own to hide, and who may know it.
HIDDEN = {
    "apscheduler": {"calendars/cron.py"},
    "holidays": {"calendars/holidays.py"},
    "icalendar": {"calendars/ics.py"},
    "httpx": {"operations/http.py", "operations/seed.py"},
    "jinja2": {"report/render.py"},
    "jsonpatch": {"sandbox/api/patches.py"},
    "kubernetes": {"cluster/kubernetes.py", "sandbox/api/schemas.py"},
    "markupsafe": {"report/render.py"},
    "numpy": {"sandbox/model/train.py"},
    "psycopg": {"store/postgres.py"},
    "sqlalchemy": {
        "store/backend.py",
        "store/database.py",
        "store/postgres.py",
        "store/schema.py",
        "store/sqlite.py",
        "store/statements.py",
    },
}
# What needs nothing but the standard library and the closed types that everything speaks.
PURE = ("engine", "runner.py", "faults", "stats", "streams", "targets", "changes.py")
PURE_MAY = {"pydantic"}
PLAIN = ("engine", "runner.py", "faults", "probes", "cluster")


def modules(*rooms):
    """The path in the package and the syntax tree of every module in these rooms."""
    for room in rooms or (".",):
        place = ROOT / room
        for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
            yield str(path.relative_to(ROOT)), path.read_text()


def imported(text):
    """The full names of the modules that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            yield node.module


def outside(text):
    names = {name.partition(".")[0] for name in imported(text)}
    return names - sys.stdlib_module_names - {"chaosctl"}


@pytest.mark.parametrize("library", sorted(HIDDEN))
def test_a_library_with_an_api_of_its_own_is_known_only_where_it_is_hidden(library):
    assert {path for path, text in modules() if library in outside(text)} == HIDDEN[library]


def test_the_core_needs_no_outside_library():
    found = {path: outside(text) - PURE_MAY for path, text in modules(*PURE)}

    assert {path: names for path, names in found.items() if names} == {}


def test_the_engine_and_the_runner_know_no_fault_probe_or_target():
    concrete = ("chaosctl.faults", "chaosctl.probes", "chaosctl.targets", "chaosctl.streams")
    known = {(path, name) for path, text in modules("engine", "runner.py") for name in imported(text)}

    assert {(path, name) for path, name in known if name.startswith(concrete)} == set()


def test_what_runs_drills_does_not_know_the_sandbox():
    lines = [(path, line.strip()) for path, text in modules(*PLAIN) for line in text.splitlines()]

    assert [(path, line) for path, line in lines if "sandbox" in line.lower()] == []


def test_every_module_says_why_it_exists():
    opening = {path: ast.get_docstring(ast.parse(text)) for path, text in modules() if text}
    opening.pop("__init__.py")  # says what the whole is

    assert [path for path, first in opening.items() if not (first or "").startswith("Why: ")] == []


def test_the_watchdog_judges_without_the_eyes_of_a_run():
    run = ("chaosctl.engine", "chaosctl.runner", "chaosctl.operations", "chaosctl.cluster", "chaosctl.faults")
    known = {(path, name) for path, text in modules("watchdog") for name in imported(text)}

    assert {(path, name) for path, name in known if name.startswith(run)} == set()
