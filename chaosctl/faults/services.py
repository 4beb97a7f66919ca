"""Why: not every Service can be led through a proxy unnoticed; those are refused, with what to do instead."""

from collections.abc import Iterator, Mapping, Sequence

from chaosctl.errors import CannotPlan
from chaosctl.model import Json
from chaosctl.spec import TargetView
from chaosctl.targets.fields import items, text, texts

MESH_CONTAINERS = {"istio-proxy": "Istio", "linkerd-proxy": "Linkerd"}
MESH_ANNOTATIONS = {"sidecar.istio.io/status": "Istio", "linkerd.io/proxy-version": "Linkerd"}
ROLLOUTS = "argo-rollouts.argoproj.io/managed-by-rollouts"


def check_service(service: Json, target: TargetView, pods: Sequence[Json]) -> None:
    """Whether proxies may stand in the Service's way. Raises CannotPlan with the remedy."""
    name = text(service, "/metadata/name")
    for reason in (*_unfit(service), *_elsewhere(service, target), *_managed(service), *_meshed(pods)):
        raise CannotPlan(f"Service {name} {reason}")


def must_select_nothing_of(labels: Mapping[str, str], services: Sequence[Json]) -> None:
    """No Service may lead to the proxies by accident. Raises CannotPlan."""
    for service in services:
        selector = texts(service, "/spec/selector")
        if selector and selector.items() <= labels.items():
            raise CannotPlan(
                f"Service {text(service, '/metadata/name')} selects the labels of chaosctl's proxies: "
                "let it select labels of its own pods"
            )


def _unfit(service: Json) -> Iterator[str]:
    ports = items(service, "/spec/ports")
    if text(service, "/spec/type") == "ExternalName":
        yield "is only a name for a host outside: drill the Service that it leads to"
    if text(service, "/spec/clusterIP") == "None":
        yield "is headless, so its clients pick pods themselves: give them one with an address"
    if not texts(service, "/spec/selector"):
        yield "has no selector, so nothing says which pods are behind it: give it one"
    if any(text(port, "/protocol") not in ("", "TCP") for port in ports):
        yield "has a port that is not TCP: give the model's port a Service of its own"
    if len(ports) != 1:
        yield f"has {len(ports)} ports, and a proxy passes on one: give the model's port a Service of its own"


def _elsewhere(service: Json, target: TargetView) -> Iterator[str]:
    labels = texts(target.workload, "/spec/template/metadata/labels")
    if not texts(service, "/spec/selector").items() <= labels.items():
        yield f"does not lead to the pods of {target.ref}: name the one that does"


def _managed(service: Json) -> Iterator[str]:
    if ROLLOUTS in texts(service, "/metadata/annotations"):
        yield "is managed by Argo Rollouts, which would undo the fault: use its traffic routing instead"
    for owner in items(service, "/metadata/ownerReferences"):
        if owner.get("controller"):
            yield f"is managed by {text(owner, '/kind')} {text(owner, '/name')}, which would undo the fault"


def _meshed(pods: Sequence[Json]) -> Iterator[str]:
    for pod in pods:
        names = {text(container, "/name") for container in _containers(pod)}
        names |= texts(pod, "/metadata/annotations").keys()
        for sign, mesh in {**MESH_CONTAINERS, **MESH_ANNOTATIONS}.items():
            if sign in names:
                yield f"is in a mesh: inject the fault with {mesh} itself, which carries its traffic"


def _containers(pod: Json) -> list[Json]:
    return [*items(pod, "/spec/containers"), *items(pod, "/spec/initContainers")]
