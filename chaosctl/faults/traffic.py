"""Why: latency, errors and lost connections are made in the same way, by proxies in a Service's way.

A shadow Service takes over the original's selector and becomes the proxies' upstream; then the original is
pointed to the proxies; then these are told the fault. Undone in reverse, every step leaves the traffic whole.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, JsonValue, model_validator

from chaosctl.changes import look, patch
from chaosctl.errors import CannotPlan
from chaosctl.faults.interposition import ADMIN_PORT, LISTEN_PORT, Names, proxies, shadow
from chaosctl.faults.parts import SEE_PODS, existing, felt
from chaosctl.faults.services import check_service, must_select_nothing_of
from chaosctl.model import Create, Json, Model, Patch, Plan, Ref, Switch
from chaosctl.ports import Reader
from chaosctl.probes import Touched
from chaosctl.spec import Aim, Check, Fault, Rule, TargetView
from chaosctl.spec.amounts import Share
from chaosctl.targets.fields import items, text


class Requests(Model):
    """What requests must be like to be hurt: patterns with `*` and `?`, all of which must match."""

    method: str | None = None
    path: str | None = None
    headers: Mapping[str, str] = {}

    def told(self) -> Json:
        """As the proxies read it."""
        return self.model_dump(mode="json", exclude_defaults=True)


class TrafficFault(Fault):
    """What our proxies do to a share of the traffic of the target's Service.

    With http the share is one of requests, or of those that `when` names; with tcp, one of connections.
    """

    needs: ClassVar[tuple[Rule, ...]] = (
        *SEE_PODS,
        Rule("", "services", ("get", "list", "create", "patch", "delete")),
        Rule("apps", "deployments", ("get", "create", "delete")),
        Rule("", "pods/proxy", ("get", "create")),
        Rule("discovery.k8s.io", "endpointslices", ("list",)),
    )
    touches: ClassVar[str] = "traffic"
    share: Annotated[Share, Field(gt=0)] = 1.0

    @abstractmethod
    def harm(self) -> Json:
        """What the proxies are told, as their documentation has it."""

    @property
    @abstractmethod
    def speaks(self) -> Literal["http", "tcp"]:
        """What the proxies take the traffic for."""

    def part(self, **fields: JsonValue) -> Json:
        """One part of the harm, with its share."""
        return {**fields, "share": self.share}

    async def plan(self, target: TargetView, see: Reader, aim: Aim) -> Plan:
        service = await _service(target, see)
        names = Names.of(aim, target.ref.namespace)
        check_service(service, target, await see.pods(target.ref))
        must_select_nothing_of(names.labels, await see.find(names.shadow))
        fault: Json = {**self.harm(), "seed": aim.random.randrange(2**31)}
        return (
            Create(ref=names.shadow, body=shadow(service, names)),
            Create(ref=names.proxies, body=proxies(service, names, self.speaks), wait=True),
            _detour(service, names),
            Switch(proxies=names.proxies, port=ADMIN_PORT, fault=fault),
        )

    def effect(self, plan: Plan, target: TargetView) -> Check:  # noqa: ARG002 - the plan names the proxies
        switch = next(step for step in plan if isinstance(step, Switch))
        touched = "requests touched" if self.speaks == "http" else "connections touched"
        return felt(touched, Touched(proxies=switch.proxies.name, port=switch.port), least=1)


class RequestFault(TrafficFault):
    """What our proxies do to requests, and to the answers to them."""

    when: Requests | None = None

    @property
    def speaks(self) -> Literal["http", "tcp"]:
        return "http"

    def part(self, **fields: JsonValue) -> Json:
        chosen: Json = {"when": self.when.told()} if self.when else {}
        return {**super().part(**fields), **chosen}


class EitherFault(RequestFault):
    """What our proxies can do to requests and, where the traffic is no HTTP/1.1, to connections."""

    protocol: Literal["http", "tcp"] = "http"

    @model_validator(mode="after")
    def _requests_are_those_of_http(self) -> Self:
        if self.when and self.protocol == "tcp":
            raise ValueError('"when" chooses requests: leave it out, or say "protocol: http"')
        return self

    @property
    def speaks(self) -> Literal["http", "tcp"]:
        return self.protocol


async def _service(target: TargetView, see: Reader) -> Json:
    if not target.target.service:
        raise CannotPlan('name the target\'s Service ("service"): traffic can be hurt on its way only')
    ref = Ref(kind="Service", namespace=target.ref.namespace, name=target.target.service)
    return await existing(ref, see)


def _detour(service: Json, names: Names) -> Patch:
    """Point the Service to the proxies; the pins hold its port in its place."""
    ref = names.shadow.model_copy(update={"name": text(service, "/metadata/name")})
    path = "/spec/ports/0"
    pins = [f"{path}/port", *(f"{path}/name" for port in items(service, "/spec/ports") if "name" in port)]
    wanted: Json = {"/spec/selector": {**names.labels}}
    if look(service, f"{path}/targetPort") != LISTEN_PORT:
        wanted[f"{path}/targetPort"] = LISTEN_PORT
    return patch(ref, service, wanted, pins)
