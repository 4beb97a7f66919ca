"""Why: the same option must have the same name, meaning and help in every command."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Output(StrEnum):
    """How a command prints what it has to say."""

    TEXT = "text"
    JSON = "json"


class GuardianMode(StrEnum):
    """Who reverts if we die."""

    AUTO = "auto"
    JOB = "job"
    NONE = "none"


OutputOption = Annotated[Output, typer.Option("--output", "-o", help="text for people, json for programs.")]
ContextOption = Annotated[str, typer.Option(help="The context of the kubeconfig.")]
KubeconfigOption = Annotated[
    Path | None, typer.Option(help="Default: $KUBECONFIG, ~/.kube/config, or the pod's own.")
]
OtherClusterOption = Annotated[
    Path | None, typer.Option("--kubeconfig", help="Of the cluster to use instead.")
]
SandboxOption = Annotated[
    bool, typer.Option("--sandbox", help="On the sandbox; one is started for the run where none is up.")
]
SandboxUpOption = Annotated[bool, typer.Option("--sandbox", help="On the sandbox that is up.")]
TargetOption = Annotated[str, typer.Option(help="What to break: NAMESPACE/KIND/NAME.")]
SetOption = Annotated[list[str] | None, typer.Option("--set", help="A parameter: NAME=VALUE.")]
GuardianOption = Annotated[
    GuardianMode,
    typer.Option(
        help="Who reverts if this process dies; auto: a guardian that is alive, else a Job of the run's own."
    ),
]
SeedOption = Annotated[int | None, typer.Option(help="Repeat the random choices of an earlier run.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Only the verdict.")]
RunArgument = Annotated[str, typer.Argument(help="A run, or the beginning of its name.")]
