"""Why: what a Run asks for is read as strictly as a file, and must not reach beyond its own namespace.

Whoever may create a Run here could otherwise act elsewhere with the controller's rights: on another
namespace, with the controller's own environment, or at an address that only the controller can reach.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from chaosctl.catalog import Catalog
from chaosctl.catalog.objects import scripted, windows_of
from chaosctl.errors import Invalid
from chaosctl.model import Json
from chaosctl.operations.objects import drill_named, playbook_named
from chaosctl.ports import Reader
from chaosctl.spec import Script
from chaosctl.spec.drill import PlaybookRef, TargetText
from chaosctl.spec.run import Run
from chaosctl.spec.windows import Windows


@dataclass(frozen=True)
class Rules:
    """What every Run is held to. `hosts` are those outside of its namespace that it may ask."""

    catalog: Catalog
    hosts: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Wanted:
    """What a Run asks for, itself or by its drill."""

    target: TargetText
    playbooks: tuple[PlaybookRef, ...]
    windows: Windows | None = None


async def scripts(run: Run, namespace: str, seed: int, see: Reader, rules: Rules) -> tuple[Script, ...]:
    """What a Run asks for, in order. Raises Invalid, and ClusterError where it cannot be looked up."""
    wanted = await _wanted(run, namespace, see)
    _at_home(wanted.target, namespace, rules)
    chosen = seed if run.spec.seed is None else run.spec.seed
    return tuple([await _script(one, wanted, namespace, chosen, see, rules) for one in wanted.playbooks])


async def _wanted(run: Run, namespace: str, see: Reader) -> _Wanted:
    if run.spec.playbook is not None and run.spec.target is not None:
        return _Wanted(run.spec.target, (run.spec.playbook,))
    try:
        drill = await drill_named(str(run.spec.drill), namespace, see)
    except Invalid as error:
        raise Invalid(f"spec.drill: {error}") from None
    return _Wanted(drill.spec.target, drill.spec.playbooks, windows_of(drill))


async def _script(  # noqa: PLR0913, PLR0917 - what, of what, whose, and three worlds
    one: PlaybookRef, wanted: _Wanted, namespace: str, seed: int, see: Reader, rules: Rules
) -> Script:
    file = await playbook_named(one, namespace, see, rules.catalog)
    script = scripted(file, wanted.target.resolve(), one, rules.catalog, seed, wanted.windows)
    for body in _probes(script):
        _harmless(body, file.name, namespace, rules)
    return script


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
