"""Why: what a person asks for on the command line is checked as a whole before anything is started."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from chaosctl.catalog import (
    DrillFile,
    PlaybookFile,
    find_playbook,
    installed,
    load,
    resolve,
    scripts_of,
)
from chaosctl.engine.guards import Guarding
from chaosctl.errors import Invalid
from chaosctl.spec import Script, Target
from chaosctl.spec.drill import parse_target

SEEDS = 2**31
SAMPLE = "models/Deployment/sample-model"
ReportKind = Literal["junit", "json"]


@dataclass(frozen=True)
class Access:
    """How to reach the cluster."""

    sandbox: bool = False
    context: str = ""
    kubeconfig: str = ""


@dataclass(frozen=True)
class Order:
    """What somebody wants: these scripts, one after the other, on that cluster."""

    access: Access
    scripts: tuple[Script, ...]
    guarding: Guarding
    drill: str = ""


def order(  # noqa: PLR0913, PLR0917 - the options of the command line
    name: str, target: str, parameters: Sequence[str], access: Access, guardian: str, seed: int | None
) -> Order:
    """Read the file, and resolve it into scripts. Raises Invalid."""
    catalog = installed()
    file = load(find_playbook(name), catalog)
    given = _given(parameters)
    chosen = secrets.randbelow(SEEDS) if seed is None else seed
    if isinstance(file, DrillFile):
        if target or given:
            raise Invalid("--target and --set are for playbooks; a drill names its own")
        scripts = scripts_of(file, catalog, chosen)
        context = access.context or scripts[0].target.context
        return Order(replace(access, context=context), scripts, Guarding(guardian), file.name)
    meant = _target(file, target, access)
    return Order(access, (resolve(file, meant, given, catalog, chosen),), Guarding(guardian))


def reports(wanted: Sequence[str]) -> list[tuple[ReportKind, Path]]:
    """What `--report junit=F` asks for. Raises Invalid."""
    found: list[tuple[ReportKind, Path]] = []
    for text in wanted:
        kind, _, path = text.partition("=")
        if kind not in ("junit", "json") or not path:
            raise Invalid(f'--report "{text}": write junit=FILE or json=FILE')
        if not Path(path).absolute().parent.is_dir():
            raise Invalid(f'--report "{text}": the folder {Path(path).absolute().parent} does not exist')
        found.append(("junit" if kind == "junit" else "json", Path(path)))
    return found


def _given(parameters: Sequence[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for text in parameters:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise Invalid(f'--set "{text}": write NAME=VALUE')
        given[name] = value
    return given


def _target(file: PlaybookFile, target: str, access: Access) -> Target:
    if not target and not access.sandbox:
        raise Invalid(
            f"{file.name} is a playbook and knows no cluster: name what to break with "
            "--target NAMESPACE/KIND/NAME, or try it on the sandbox with --sandbox"
        )
    return parse_target(target or SAMPLE, access.context)
