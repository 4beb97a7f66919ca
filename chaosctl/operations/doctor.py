"""Why: what is missing should be known before a drill, and in words that say what to do about it."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from chaosctl.catalog.crds import GROUP, KINDS, VERSION
from chaosctl.changes import look, text_at
from chaosctl.cluster.lease import is_alive
from chaosctl.engine.guards import ALLOWED, OPT_IN
from chaosctl.errors import ChaosError, ClusterError, Gone, NoData
from chaosctl.model import Json, Ref
from chaosctl.operations.connect import connected
from chaosctl.operations.home import home
from chaosctl.operations.http import PlainHttp
from chaosctl.operations.order import Access
from chaosctl.operations.perform import World
from chaosctl.report.text import clean

OK = 200
State = Literal["well", "missing", "broken"]
SIGNS: Mapping[State, str] = {"well": "✓", "missing": "-", "broken": "✗"}


class Finding(NamedTuple):
    """What was looked at. What is missing can be done without; what is broken cannot."""

    what: str
    state: State
    said: str


class Diagnosis(NamedTuple):
    """Everything that was looked at."""

    findings: tuple[Finding, ...]

    @property
    def well(self) -> bool:
        return all(one.state != "broken" for one in self.findings)

    def as_text(self) -> str:
        return "\n".join(f"{SIGNS[one.state]} {one.what}: {one.said}" for one in self.findings)

    def as_json(self) -> Json:
        return {"well": self.well, "findings": [one._asdict() for one in self.findings]}


async def examine(access: Access, controller: str) -> Diagnosis:
    """Look at this machine, the cluster, and the controller that answers at a URL, where one is named."""
    found = [_machine()]
    try:
        async with connected(access) as world:
            found += [await _reached(world), await _resources(world, needed=bool(controller))]
            found += [await _guardian(world), await _opted_in(world)]
    except ChaosError as error:
        found.append(Finding("cluster", "broken", str(error)))
    if controller:
        found.append(await _controller(controller))
    return Diagnosis(tuple(found))


def _machine() -> Finding:
    try:
        home().key()
    except ChaosError as error:
        return Finding("state folder", "broken", str(error))
    return Finding("state folder", "well", str(home().path))


async def _reached(world: World) -> Finding:
    return Finding("cluster", "well", f"answers, and says it is {world.clock.now():%H:%M:%S} UTC")


async def _resources(world: World, *, needed: bool) -> Finding:
    what = "custom resources"
    try:
        for kind in KINDS:
            await world.cluster.allowed("get", Ref(api_version=f"{GROUP}/{VERSION}", kind=kind.name, name=""))
    except Gone:
        return Finding(what, "broken" if needed else "missing", "not there; the Helm chart brings them")
    except ClusterError as error:
        return Finding(what, "broken" if needed else "missing", str(error))
    return Finding(what, "well", ", ".join(kind.plural for kind in KINDS))


async def _guardian(world: World) -> Finding:
    what = "guardian"
    try:
        lease = await world.cluster.get(world.guardians)
    except Gone:
        return Finding(what, "missing", "none is alive; `chaosctl guardian` is one, and so is the controller")
    except ClusterError as error:
        return Finding(what, "missing", str(error))
    holder = str(look(lease, "/spec/holderIdentity"))
    alive = is_alive(lease, world.clock.now())
    return Finding(
        what, "well" if alive else "missing", holder if alive else f"{holder} has not been heard of lately"
    )


async def _opted_in(world: World) -> Finding:
    what, label = "namespaces with drills", f"{OPT_IN}={ALLOWED}"
    try:
        found = await world.cluster.find(Ref(kind="Namespace", name=""), selector=label)
    except ClusterError as error:
        return Finding(what, "missing", str(error))
    names = ", ".join(text_at(body, "/metadata/name") for body in found)
    return Finding(
        what, "well" if names else "missing", names or f"none; `kubectl label namespace NAME {label}`"
    )


async def _controller(url: str) -> Finding:
    where = f"{url.rstrip('/')}/readyz"
    try:
        async with PlainHttp() as http:
            status, body = await http.request("GET", where)
    except NoData as error:
        return Finding("controller", "broken", f"does not answer ({error})")
    if status == OK:
        return Finding("controller", "well", f"ready at {url}")
    return Finding(
        "controller", "broken", f"{where} answers {status}: {clean(body.decode(errors='replace'), 200)}"
    )
