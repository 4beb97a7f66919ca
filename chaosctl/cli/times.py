"""Why: when a drill runs, and why it does not, is asked more often than anything else: schedule, why-not."""

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
    SandboxUpOption,
)

DrillArgument = Annotated[str, typer.Argument(help="A drill: a file, or a shipped one's name.")]
NamespaceOption = Annotated[
    str, typer.Option("--namespace", "-n", help="The drill is a Drill object in this namespace.")
]
DrillsArgument = Annotated[list[str], typer.Argument(help="Drills: files, or names of shipped ones.")]


def add_to(app: typer.Typer) -> None:
    app.command()(schedule)
    app.command("why-not")(why_not)


def schedule(
    drills: DrillsArgument,
    count: Annotated[int, typer.Option(help="How many times of each drill.")] = 10,
    until: Annotated[
        str, typer.Option(help="All times up to this one instead: 2026-12-24, or with T10:00.")
    ] = "",
    namespace: NamespaceOption = "",
    sandbox: SandboxUpOption = False,
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show when drills will run, and which of their times windows, holidays or a freeze refuse."""
    from datetime import UTC, datetime

    from chaosctl.operations.forecast import Wanted, forecast
    from chaosctl.operations.order import Access

    access = Access(sandbox, context, str(kubeconfig or ""))
    wanted = Wanted(datetime.now(UTC), count, until)
    found = asyncio.run(forecast(drills, namespace, access, wanted))
    if output is Output.JSON:
        typer.echo(json.dumps({"drills": [one.as_json() for one in found]}, indent=2))
    else:
        typer.echo("\n\n".join(one.as_text() for one in found))


def why_not(
    drill: DrillArgument,
    at: Annotated[str, typer.Option(help="A time, past or to come: 2026-12-24T10:00. Default: now.")] = "",
    namespace: NamespaceOption = "",
    sandbox: SandboxUpOption = False,
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = None,
    guardian: GuardianOption = GuardianMode.AUTO,
    output: OutputOption = Output.TEXT,
) -> None:
    """Say everything that keeps a drill from running, and when it can. Exit code 2 where something does."""
    from chaosctl.operations.order import Access
    from chaosctl.operations.why_not import why_not as ask

    access = Access(sandbox, context, str(kubeconfig or ""))
    found = asyncio.run(ask(drill, namespace, at, access, guardian.value))
    typer.echo(json.dumps(found.as_json(), indent=2) if output is Output.JSON else found.as_text())
    raise typer.Exit(2 if found.reasons else 0)
