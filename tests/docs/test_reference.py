"""Why: a reference is trusted only as long as it says what the program does."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from chaosctl.catalog import installed
from chaosctl.engine import tables
from chaosctl.engine.guards import GUARDS
from chaosctl.engine.verdict import BUG, EXIT, REVERT_INCOMPLETE
from chaosctl.watchdog import events as watchdog_events

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
SOURCES = sorted((ROOT / "chaosctl").rglob("*.py"))


def headings(page):
    text = (REFERENCE / page).read_text(encoding="utf-8")
    return {line.lstrip("# ") for line in text.splitlines() if line.startswith("##")}


def test_the_committed_reference_is_what_the_code_makes(tmp_path):
    subprocess.run([sys.executable, ROOT / "docs" / "generate.py", tmp_path], check=True)
    made = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    there = {path.name: path.read_text(encoding="utf-8") for path in REFERENCE.iterdir()}
    stale = sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))
    assert stale == [], "out of date; run: make docs"


def test_every_fault_and_every_probe_is_documented():
    assert installed().faults.keys() <= headings("faults.md")
    assert installed().probes.keys() <= headings("probes.md")


def test_every_event_that_a_journal_can_hold_is_documented():
    kinds = {kind for table in (tables.RUN, tables.ENTRY) for moves in table.values() for kind in moves}
    names = {kind.model_fields["type"].default for kind in kinds}
    decided = {kind for kind in vars(watchdog_events).values() if _is_event(kind)}
    assert names | {kind.model_fields["type"].default for kind in decided} <= headings("events.md")


def _is_event(kind):
    return (
        isinstance(kind, type)
        and issubclass(kind, watchdog_events.Event)
        and kind is not watchdog_events.Event
    )


def test_every_guard_is_documented_with_what_it_says():
    rows = (REFERENCE / "guards.md").read_text(encoding="utf-8")
    for guard in GUARDS:
        assert re.search(rf"\| {guard.name} \| “.+” \|", rows), guard.name


@pytest.mark.parametrize("code", sorted({*EXIT.values(), REVERT_INCOMPLETE, BUG}))
def test_every_exit_code_has_a_meaning(code):
    assert re.search(
        rf"^\| {code} \| \S", (REFERENCE / "exit-codes.md").read_text(encoding="utf-8"), re.MULTILINE
    )


def test_every_variable_that_is_read_from_the_environment_is_documented():
    found = {
        name
        for path in SOURCES
        if "sandbox" not in path.parts
        for name in re.findall(r'environ(?:\.get\(|\[)\s*"([A-Z_]+)"', path.read_text(encoding="utf-8"))
    }
    text = (REFERENCE / "environment.md").read_text(encoding="utf-8")
    assert found
    assert {name for name in found if f"`{name}`" not in text} == set()


def test_every_command_is_documented_with_its_options():
    from typer.main import get_command

    from chaosctl.cli import app

    text = (REFERENCE / "commands.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## ([^\n]+)\n\n```text\n(.*?)```", text, re.MULTILINE | re.DOTALL))
    for name, command in commands("chaosctl", get_command(app)):
        for option in (option for parameter in command.params for option in parameter.opts):
            if option.startswith("--"):
                assert option in sections[name], f"{name} {option}"


def commands(name, command):
    yield name, command
    for inner, found in getattr(command, "commands", {}).items():
        yield from commands(f"{name} {inner}", found)
