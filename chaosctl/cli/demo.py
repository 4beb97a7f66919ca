"""Why: one command shows everything once: demo."""

import asyncio

import typer

from chaosctl.cli.options import ContextOption, OtherClusterOption


def add_to(app: typer.Typer) -> None:
    app.command()(demo)


def demo(context: ContextOption = "", kubeconfig: OtherClusterOption = None) -> None:
    """Break a model four ways, write the post-mortems, and leave nothing behind.

    On a sandbox of its own; or, where a context or a kubeconfig is named, on that cluster: in the namespace
    models, which must not be there, and is gone afterwards.
    """
    from chaosctl.cli.live import view
    from chaosctl.operations.demo import demo as show
    from chaosctl.operations.order import Access

    named = Access(context=context, kubeconfig=str(kubeconfig or ""))
    access = named if context or kubeconfig else Access(sandbox=True)
    raise typer.Exit(asyncio.run(show(access, view(quiet=False), typer.echo)))
