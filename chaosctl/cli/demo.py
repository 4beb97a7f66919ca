"""Why: one command shows everything once: demo."""

import asyncio

import typer


def add_to(app: typer.Typer) -> None:
    app.command()(demo)


def demo() -> None:
    """Start a sandbox, break its model four ways, write the post-mortems, and leave nothing behind."""
    from chaosctl.cli.live import view
    from chaosctl.operations.demo import demo as show

    raise typer.Exit(asyncio.run(show(view(quiet=False), typer.echo)))
