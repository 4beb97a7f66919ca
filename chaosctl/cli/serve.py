"""Why: in a cluster chaosctl is a process that waits for objects: serve."""

import asyncio
from typing import Annotated

import typer

from chaosctl.cli.options import ContextOption, KubeconfigOption


def add_to(app: typer.Typer) -> None:
    app.command()(serve)


def serve(
    namespaces: Annotated[
        list[str] | None,
        typer.Option("--namespace", "-n", help="Only there; may be repeated. Default: everywhere."),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of /healthz, /readyz and /metrics.")] = 8080,
    bind: Annotated[str, typer.Option(help="The address that it listens on.")] = "0.0.0.0",
    hosts: Annotated[
        list[str] | None,
        typer.Option("--allow-host", help="A host outside of a Run's namespace that Runs may ask."),
    ] = None,
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Be the controller: run what Run objects ask for, and keep watch over all ledgers."""
    from chaosctl.controller.serve import Options
    from chaosctl.controller.serve import serve as replica
    from chaosctl.operations.order import Access

    access = Access(context=context, kubeconfig=str(kubeconfig or ""))
    options = Options(access, tuple(namespaces or [""]), bind, port, tuple(hosts or []))
    raise typer.Exit(asyncio.run(replica(options)))
