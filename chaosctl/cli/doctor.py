"""Why: whoever starts wants to know in one go what is missing, on this machine and in the cluster."""

import asyncio
import json
from typing import Annotated

import typer

from chaosctl.cli.options import ContextOption, KubeconfigOption, Output, OutputOption, SandboxUpOption

ControllerOption = Annotated[str, typer.Option(help="The controller's URL: it must be ready, too.")]


def add_to(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(
    sandbox: SandboxUpOption = False,
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = None,
    controller: ControllerOption = "",
    output: OutputOption = Output.TEXT,
) -> None:
    """Say what is missing on this machine and in the cluster. Exit code 1 if nothing can run."""
    from chaosctl.operations.doctor import examine
    from chaosctl.operations.order import Access

    found = asyncio.run(examine(Access(sandbox, context, str(kubeconfig or "")), controller))
    typer.echo(json.dumps(found.as_json(), indent=2) if output is Output.JSON else found.as_text())
    raise typer.Exit(0 if found.well else 1)
