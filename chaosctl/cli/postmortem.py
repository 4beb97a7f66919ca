"""Why: a document can be made again from its journal at any time: postmortem render."""

from pathlib import Path
from typing import Annotated

import typer

from chaosctl.cli.options import RunArgument

app = typer.Typer(help="The post-mortem of a run.", rich_markup_mode=None)


@app.callback()
def group() -> None:
    """The post-mortem of a run."""


@app.command()
def render(
    run: RunArgument,
    formats: Annotated[str, typer.Option("--format", help="md, html, or both: md,html.")] = "md,html",
    out: Annotated[Path | None, typer.Option(help="The folder; default: the run's own.")] = None,
) -> None:
    """Write the post-mortem anew, from the journal alone."""
    from chaosctl.operations.history import render as write

    for path in write(run, formats.split(","), out):
        typer.echo(path)
