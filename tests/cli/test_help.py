"""Why: help is asked for more often than anything else, so it is complete and light."""

import subprocess
import sys

import pytest
import typer

from chaosctl.cli import app

HEAVY = {
    "aiohttp",
    "apscheduler",
    "holidays",
    "httpx",
    "icalendar",
    "jinja2",
    "kubernetes",
    "numpy",
    "rich",
    "sqlalchemy",
    "structlog",
    "yaml",
}
ALSO_HEAVY = {"pydantic"}  # but typer itself needs it to read the options of a command
SCRIPT = """
import sys
from chaosctl.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("loaded:", *sorted(HEAVY & set(sys.modules)))
"""


def commands(command, path=()):
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))


COMMANDS = list(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_says_what_a_command_does_and_loads_nothing_heavy(command):
    program = f"HEAVY = {HEAVY if command else HEAVY | ALSO_HEAVY!r}\n{SCRIPT}"
    done = subprocess.run(
        [sys.executable, "-c", program, *command, "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    usage, _, loaded = done.stdout.partition("loaded:")
    assert loaded.strip() == ""
    assert "Usage:" in usage
    assert [line for line in usage.splitlines() if line.startswith("  ")]


def test_the_commands_that_scripts_depend_on_have_their_names():
    names = {" ".join(path) for path in COMMANDS}
    wanted = {"lint", "plan", "run", "runs list", "runs show", "runs watch", "runs export", "runs verify"}
    wanted |= {"abort", "halt", "resume", "recover", "guardian", "postmortem render", "demo", "schema"}
    wanted |= {"sandbox up", "sandbox down", "sandbox status", "watchdog"}
    assert wanted <= names
