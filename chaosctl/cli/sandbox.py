"""Why: a drill can be tried where no cluster is: sandbox up, down, status."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="A small Kubernetes on this machine, with a model to break.", rich_markup_mode=None)


@app.callback()
def group() -> None:
    """A small Kubernetes on this machine, with a model to break."""


@app.command()
def up(
    empty: Annotated[bool, typer.Option("--empty", help="Without the sample model.")] = False,
    kubeconfig: Annotated[Path | None, typer.Option(help="Write a kubeconfig there too.")] = None,
    config: Annotated[Path | None, typer.Option(help="Images and nodes of your own (YAML).")] = None,
    watchdog: Annotated[bool, typer.Option(help="Roll bad releases back automatically.")] = True,
) -> None:
    """Start it; returns when the model is ready."""
    from chaosctl.operations.sandbox import up as start

    state = start(empty=empty, kubeconfig=kubeconfig, config=config, watchdog=watchdog)
    typer.echo(state.as_text())


@app.command()
def down() -> None:
    """Stop it, and everything in it."""
    from chaosctl.operations.sandbox import down as stop

    typer.echo(stop())


@app.command()
def status() -> None:
    """Whether it is up, and how to reach it. Exit code 1 if it is not."""
    from chaosctl.operations.sandbox import status as look

    state = look()
    typer.echo(state.as_text())
    raise typer.Exit(0 if state.is_up else 1)
