"""Why: names and options of the command line are promises; here they are as the program itself tells them."""

from collections.abc import Iterator

import typer
from typer.testing import CliRunner

from chaosctl.cli import app
from generator import markdown

ABOUT = """
Everything that prints for programs takes `--output json`; JSON goes to stdout alone, messages go to stderr.
`NO_COLOR` is honoured, and colours are for terminals only. What a command's exit code means is in
[exit codes](exit-codes.md).
"""


def page() -> str:
    return markdown.page("Commands", ABOUT, *(_section(path) for path in paths()))


def paths() -> Iterator[tuple[str, ...]]:
    """Every command and group, the whole program first."""
    yield ()
    top = typer.main.get_command(app)
    for name, command in sorted(top.commands.items()):  # type: ignore[attr-defined]  # typer's group is untyped
        yield (name,)
        yield from ((name, inner) for inner in sorted(getattr(command, "commands", {})))


def _section(path: tuple[str, ...]) -> str:
    name = " ".join(("chaosctl", *path))
    answer = CliRunner().invoke(app, [*path, "--help"], prog_name="chaosctl", env={"COLUMNS": "80"})
    return f"## {name}\n\n{markdown.code(answer.output, 'text')}"
