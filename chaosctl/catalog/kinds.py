"""Why: playbooks and journals hold the bodies of kinds as JSON; somebody must give them their code back."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import TypeVar, cast

from pydantic import ValidationError

from chaosctl import faults, probes
from chaosctl.errors import Invalid
from chaosctl.model import Json
from chaosctl.spec import Fault, Probe, Spec
from chaosctl.spec.problems import did_you_mean

Kind = TypeVar("Kind", bound=Spec)


@dataclass(frozen=True)
class Catalog:
    """Every kind of fault and probe that we know, by name. Built once, never changed."""

    faults: Mapping[str, type[Fault]]
    probes: Mapping[str, type[Probe]]

    def fault(self, body: Json) -> Fault:
        """The fault that a body describes. Raises Invalid."""
        return _read(self.fault_kind(str(body.get("kind"))), body)

    def probe(self, body: Json) -> Probe:
        """The probe that a body describes. Raises Invalid."""
        return _read(self.probe_kind(str(body.get("kind"))), body)

    def fault_kind(self, name: str) -> type[Fault]:
        """The class of a kind of fault. Raises Invalid."""
        return _known(self.faults, name, "fault")

    def probe_kind(self, name: str) -> type[Probe]:
        """The class of a kind of probe. Raises Invalid."""
        return _known(self.probes, name, "probe")


def catalog_of(faults: Iterable[type[Fault]], probes: Iterable[type[Probe]]) -> Catalog:
    """A catalog of exactly these kinds. Raises Invalid where two share a name."""
    return Catalog(_by_name(faults), _by_name(probes))


@cache
def installed() -> Catalog:
    """The built-in kinds, and those of installed plug-ins. Raises Invalid for a broken one."""
    # An abstract base is what we want here: only its subclasses are looked for.
    return catalog_of(
        [*_built_in(faults, Fault), *plugged_in("chaosctl.faults", Fault)],  # type: ignore[type-abstract]
        [*_built_in(probes, Probe), *plugged_in("chaosctl.probes", Probe)],  # type: ignore[type-abstract]
    )


def plugged_in(group: str, base: type[Kind]) -> Iterable[type[Kind]]:
    """The kinds that other packages offer under an entry point group. Raises Invalid naming a broken one."""
    for point in entry_points(group=group):
        about = f'the plug-in "{point.name}" ({point.value})'
        yield _checked(point.load, base, about)


def _checked(load: Callable[[], object], base: type[Kind], about: str) -> type[Kind]:
    try:
        found = load()
    except Exception as error:
        raise Invalid(f"{about} cannot be loaded: {error!r}; update or uninstall its package") from error
    if not (isinstance(found, type) and issubclass(found, base)):
        raise Invalid(f"{about} is no {base.__name__}; update or uninstall its package")
    if not isinstance(found.model_fields["kind"].default, str):
        raise Invalid(
            f'{about} has no default for "kind", so it has no name; update or uninstall its package'
        )
    return found


def _built_in(module: object, base: type[Kind]) -> Iterable[type[Kind]]:
    names = cast("Iterable[str]", vars(module)["__all__"])
    for name in names:
        value = vars(module)[name]
        if isinstance(value, type) and issubclass(value, base):
            yield value


def _by_name(kinds: Iterable[type[Kind]]) -> Mapping[str, type[Kind]]:
    named: dict[str, type[Kind]] = {}
    for kind in kinds:
        name = str(kind.model_fields["kind"].default)
        if name in named:
            raise Invalid(f'"{name}" is both {_place(named[name])} and {_place(kind)}; uninstall one of them')
        named[name] = kind
    return MappingProxyType(named)


def _place(kind: type[Spec]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _known(known: Mapping[str, type[Kind]], name: str, what: str) -> type[Kind]:
    if name not in known:
        raise Invalid(f'unknown {what} "{name}"; {did_you_mean(name, known)}')
    return known[name]


def _read(kind: type[Kind], body: Json) -> Kind:
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        details = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in details["loc"])
        raise Invalid(f"{body['kind']}: {field}: {details['msg']}") from None
