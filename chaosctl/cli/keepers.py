"""Why: whoever breaks things must be able to repair them: abort, halt, recover, guardian, watchdog."""

import asyncio
from typing import Annotated

import typer

from chaosctl.cli.options import ContextOption, KubeconfigOption, Output, OutputOption, SandboxUpOption

NamespaceOption = Annotated[str, typer.Option("--namespace", "-n", help="Only there; default: everywhere.")]


def add_to(app: typer.Typer) -> None:
    for command in (abort, halt, resume, recover, guardian, watchdog):
        app.command()(command)


def abort(
    run: Annotated[str, typer.Argument(help="A run, or the beginning of its name.")] = "",
    all_runs: Annotated[bool, typer.Option("--all", help="Every run that is going on.")] = False,
) -> None:
    """Stop a run of this machine safely: everything is reverted, then it ends."""
    from chaosctl.operations.stopping import abort as stop

    for name in stop(run, all_runs=all_runs):
        typer.echo(f"{name} was asked to stop; chaosctl runs watch {name} shows how it ends")


def halt(
    sandbox: SandboxUpOption = False,
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = None,
    namespace: NamespaceOption = "",
) -> None:
    """The stop for everything: running drills revert and end, and no new one starts."""
    _label(sandbox, context, str(kubeconfig or ""), namespace, halted=True)


def resume(
    sandbox: SandboxUpOption = False,
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = None,
    namespace: NamespaceOption = "",
) -> None:
    """Allow drills again after a halt."""
    _label(sandbox, context, str(kubeconfig or ""), namespace, halted=False)


def _label(sandbox: bool, context: str, kubeconfig: str, namespace: str, *, halted: bool) -> None:  # noqa: FBT001
    from chaosctl.operations.stopping import halt as everything

    names = asyncio.run(everything(sandbox, context, kubeconfig, namespace, halted=halted))
    state = "halted" if halted else "allowed"
    typer.echo("\n".join(f"namespace {name}: drills {state}" for name in names) or "no namespace has drills")


def recover(
    sandbox: SandboxUpOption = False,
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = None,
    namespace: NamespaceOption = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be reverted.")] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Revert what dead runs left behind, and finish their journals. Exit code 5 if something is left."""
    from chaosctl.operations.recovery import recover as repair

    found = asyncio.run(repair(sandbox, context, str(kubeconfig or ""), namespace, dry_run=dry_run))
    typer.echo(found.as_json() if output is Output.JSON else found.as_text())
    raise typer.Exit(found.exit_code)


def guardian(
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = None,
    ledger: Annotated[
        str, typer.Option(help="Only this one, NAMESPACE/NAME, and only until it is over.")
    ] = "",
    run: Annotated[str, typer.Option(help="With --ledger: the run that it is for.")] = "",
) -> None:
    """Keep watch over all ledgers: revert what is past its deadline, whoever injected it."""
    if ledger:
        from chaosctl.operations.solo import guard

        asyncio.run(guard(ledger, run, context, str(kubeconfig or "")))
        return
    from chaosctl.operations.keepers import guardian as stand

    asyncio.run(stand(context, str(kubeconfig or "")))


def watchdog(
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = None,
    namespace: Annotated[
        list[str] | None,
        typer.Option("--namespace", "-n", help="Only there; several may be named. Default: everywhere."),
    ] = None,
) -> None:
    """Roll plain Deployments back by itself when a new revision fails its objectives."""
    from chaosctl.operations.keepers import watchdog as watch

    asyncio.run(watch(context, str(kubeconfig or ""), tuple(namespace or [""])))
