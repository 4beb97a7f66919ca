"""Why: people and pipelines need one way in. It translates arguments to operations, and errors to exit codes.

Heavy rooms are imported inside the commands, so that `chaosctl --help` answers at once.
"""

import sys
from typing import Annotated

import typer

from chaosctl.cli import (
    demo,
    doctor,
    documents,
    drills,
    keepers,
    load,
    postmortem,
    proxy,
    runs,
    sandbox,
    serve,
    times,
)
from chaosctl.cli.exits import exit_code

app = typer.Typer(
    name="chaosctl",
    help="Break a model deployment on purpose, prove that it came back, and write the post-mortem.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

for room in (documents, drills, times, keepers, load, proxy, serve):
    room.add_to(app)
app.add_typer(runs.app, name="runs")
app.add_typer(postmortem.app, name="postmortem")
app.add_typer(sandbox.app, name="sandbox")
demo.add_to(app)
doctor.add_to(app)


def _version(asked: bool) -> None:  # noqa: FBT001 - typer's callbacks are called so
    if asked:
        from importlib.metadata import version

        typer.echo(f"chaosctl {version('chaosctl')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """Options of every command."""


def main() -> None:
    """Run a command; what went wrong becomes one message and an exit code."""
    try:
        app()
    except Exception as error:  # noqa: BLE001 - the one place that turns every error into an exit code
        sys.exit(exit_code(error))
