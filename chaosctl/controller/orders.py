"""Why: what a Run asks for is read as strictly as a file, and must not reach beyond its own namespace.

Whoever may create a Run here could otherwise act elsewhere with the controller's rights: on another
namespace, with the controller's own environment, or at an address that only the controller can reach.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from chaosctl.catalog import Catalog, PlaybookFile
from chaosctl.catalog.objects import NO_FILES, drill_of, playbook_of, scripted, shipped
from chaosctl.controller.names import ref
from chaosctl.errors import Gone, Invalid
from chaosctl.model import Json
from chaosctl.ports import Reader
from chaosctl.spec import Script
from chaosctl.spec.drill import PlaybookRef, TargetText
from chaosctl.spec.run import Run


@dataclass(frozen=True)
class Rules:
    """What every Run is held to. `hosts` are those outside of its namespace that it may ask."""

    catalog: Catalog
    hosts: frozenset[str] = frozenset()


async def scripts(run: Run, namespace: str, seed: int, see: Reader, rules: Rules) -> tuple[Script, ...]:
    """What a Run asks for, in order. Raises Invalid, and ClusterError where it cannot be looked up."""
    target, wanted = await _wanted(run, namespace, see)
    _at_home(target, namespace, rules)
    chosen = seed if run.spec.seed is None else run.spec.seed
    return tuple([await _script(one, target, namespace, chosen, see, rules) for one in wanted])


async def _wanted(run: Run, namespace: str, see: Reader) -> tuple[TargetText, tuple[PlaybookRef, ...]]:
    if run.spec.playbook is not None and run.spec.target is not None:
        return run.spec.target, (run.spec.playbook,)
    name = str(run.spec.drill)
    try:
        drill = drill_of(await see.get(ref("Drill", namespace, name)))
    except Gone:
        raise Invalid(
            f'spec.drill: there is no Drill "{name}" in namespace {namespace}; '
            f"kubectl get drills -n {namespace} lists those that are"
        ) from None
    return drill.spec.target, drill.spec.playbooks


async def _script(  # noqa: PLR0913, PLR0917 - what, whose, and three worlds
    wanted: PlaybookRef, target: TargetText, namespace: str, seed: int, see: Reader, rules: Rules
) -> Script:
    file = await _playbook(wanted, namespace, see, rules.catalog)
    script = scripted(file, target.resolve(), wanted, rules.catalog, seed)
    for body in _probes(script):
        _harmless(body, file.name, namespace, rules)
    return script


async def _playbook(wanted: PlaybookRef, namespace: str, see: Reader, catalog: Catalog) -> PlaybookFile:
    if wanted.name is None:
        raise Invalid(f'"file: {wanted.file}": {NO_FILES}; apply the Playbook and name it with "name"')
    try:
        return playbook_of(await see.get(ref("Playbook", namespace, wanted.name)), catalog)
    except Gone:
        return shipped(wanted.name, catalog)


def _at_home(target: TargetText, namespace: str, rules: Rules) -> None:
    if target.namespace != namespace:
        raise Invalid(
            f"target.namespace: {target.namespace} is not {namespace}: a Run reaches only targets of its own "
            f"namespace; create it in {target.namespace}"
        )
    if target.context:
        raise Invalid(f'target.context: "{target.context}": a Run is for its own cluster; leave it out')
    if target.url:
        _near(target.url, "target.url", namespace, rules)


def _probes(script: Script) -> Iterator[Json]:
    """The bodies of everything that measures."""
    checks = (*script.checks, *(entry.effect for entry in script.entries if entry.effect))
    return (check.probe for check in checks if check.probe)


def _harmless(body: Json, playbook: str, namespace: str, rules: Rules) -> None:
    where = f"{playbook}: probe {body.get('kind')}"
    headers = body.get("headers")
    for name, value in headers.items() if isinstance(headers, dict) else ():
        if isinstance(value, dict) and "env" in value:
            raise Invalid(
                f"{where}: headers.{name}: the environment is the controller's own; "
                "keep the value in a Secret and name it with secretRef"
            )
    if isinstance(url := body.get("url"), str):
        _near(url, f"{where}: url", namespace, rules)


def _near(url: str, where: str, namespace: str, rules: Rules) -> None:
    """Whether a URL leads to a Service of the namespace, or to a host that the operator allows."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    _, _, rest = host.partition(".")
    if rest not in (f"{namespace}.svc", f"{namespace}.svc.cluster.local") and host not in rules.hosts:
        raise Invalid(
            f"{where}: {host} is no Service of namespace {namespace} (NAME.{namespace}.svc); "
            f"whoever runs the controller can allow it with --allow-host {host}"
        )
