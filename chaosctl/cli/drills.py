"""Why: what a drill would do can be read before it is done: plan, run."""

import asyncio
import json
from typing import Annotated

import typer

from chaosctl.cli.options import (
    ContextOption,
    GuardianMode,
    GuardianOption,
    KubeconfigOption,
    Output,
    OutputOption,
    QuietOption,
    SandboxOption,
    SandboxUpOption,
    SeedOption,
    SetOption,
    TargetOption,
)

FileArgument = Annotated[str, typer.Argument(help="A playbook or drill: a file, or a shipped one's name.")]


def add_to(app: typer.Typer) -> None:
    app.command()(plan)
    app.command()(run)


def plan(
    file: FileArgument,
    target: TargetOption = "",
    parameters: SetOption = None,
    sandbox: SandboxUpOption = False,
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = None,
    guardian: GuardianOption = GuardianMode.AUTO,
    seed: SeedOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show what a run would change, and which guards would stop it. Touches nothing."""
    from chaosctl.operations.order import Access, order
    from chaosctl.operations.plan import plan as look

    access = Access(sandbox, context, str(kubeconfig or ""))
    found = asyncio.run(look(order(file, target, parameters or [], access, guardian.value, seed)))
    typer.echo(json.dumps(found.as_json(), indent=2) if output is Output.JSON else found.as_text())
    raise typer.Exit(0 if found.would_run else 2)


def run(
    file: FileArgument,
    target: TargetOption = "",
    parameters: SetOption = None,
    sandbox: SandboxOption = False,
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = None,
    guardian: GuardianOption = GuardianMode.AUTO,
    seed: SeedOption = None,
    report: Annotated[
        list[str] | None, typer.Option("--report", help="junit=FILE or json=FILE; may be repeated.")
    ] = None,
    output: OutputOption = Output.TEXT,
    quiet: QuietOption = False,
) -> None:
    """Run a playbook, or all of a drill: break it, watch it come back, write the post-mortem."""
    from chaosctl.cli.live import view
    from chaosctl.operations.order import Access, order, reports
    from chaosctl.operations.run import run_all

    access = Access(sandbox, context, str(kubeconfig or ""))
    wanted = order(file, target, parameters or [], access, guardian.value, seed)
    files = reports(report or [])
    as_json = output is Output.JSON
    done = asyncio.run(run_all(wanted, view(quiet=quiet or as_json, verdict=not as_json)))
    for kind, path in files:
        path.write_text(done.report(kind))
    if as_json:
        typer.echo(done.report("json"))
    raise typer.Exit(done.exit_code)
