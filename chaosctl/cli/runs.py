"""Why: what happened can be looked at, handed on and checked: runs list, show, watch, export, verify."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from chaosctl.cli.options import Output, OutputOption, RunArgument

app = typer.Typer(help="History: list, show, watch, export, verify.", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def default(context: typer.Context) -> None:
    """History: list, show, watch, export, verify."""
    if context.invoked_subcommand is None:
        list_runs()


@app.command("list")
def list_runs(output: OutputOption = Output.TEXT) -> None:
    """All runs, newest first."""
    from chaosctl.operations.history import list_all

    typer.echo(list_all(as_json=output is Output.JSON))


@app.command()
def show(run: RunArgument, output: OutputOption = Output.TEXT) -> None:
    """One run: verdict, clocks, entries, checks, post-mortem."""
    from chaosctl.operations.history import show as one

    typer.echo(one(run, as_json=output is Output.JSON))


@app.command()
def watch(run: RunArgument) -> None:
    """Follow a run until it ends."""
    from chaosctl.cli.live import view
    from chaosctl.operations.history import watch as follow

    asyncio.run(follow(run, view(quiet=False)))


@app.command()
def export(run: RunArgument, out: Annotated[Path, typer.Option(help="The file to write.")]) -> None:
    """Write a run's evidence into one file that anybody can verify."""
    from chaosctl.operations.history import export as write

    typer.echo(f"written: {write(run, out)}")


@app.command()
def verify(path: Annotated[str, typer.Argument(help="An exported file, or a run.")]) -> None:
    """Recompute the chain of hashes. Exit code 1 when anything was changed."""
    from chaosctl.operations.history import verify as check

    intact, text = check(path)
    typer.echo(text, err=not intact)
    raise typer.Exit(0 if intact else 1)
