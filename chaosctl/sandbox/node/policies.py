"""Why: a partition is a NetworkPolicy; somebody must keep from a pod what its policies do not let in.

Only ingress, and only on the way through a Service. Clients are known by their addresses: that of a pod is
the pod, any other one lies outside of the cluster. Connections from pods' processes mostly come from
127.0.0.1, so they count as from outside, and what pods send cannot be told apart at all.
"""

from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from chaosctl.sandbox.api.objects import Json, dig
from chaosctl.sandbox.api.store import Store
from chaosctl.sandbox.controllers.meta import labels_of, matches
from chaosctl.sandbox.node.balancer import Endpoint


class _Guarded(NamedTuple):
    """A pod that some policy isolates, and all that its policies let in; they add up."""

    pod: Json
    rules: list[Json]
    namespaces: list[str]
    """The namespace of each rule: its selectors mean pods there."""


class Policies:
    """Which connections the store's NetworkPolicies let in."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._policies = store.resource("networking.k8s.io/v1", "networkpolicies")
        self._pods, self._namespaces = store.resource("v1", "pods"), store.resource("v1", "namespaces")
        self.concerned = frozenset({self._policies, self._pods, self._namespaces})
        self._guarded: dict[str, _Guarded] | None = None

    def forget(self) -> None:
        """Something that they depend on has changed."""
        self._guarded = None

    def admit(self, endpoint: Endpoint, client: str) -> bool:
        """Whether a client, by its address, gets through to an endpoint."""
        if self._guarded is None:
            self._guarded = {str(dig(each.pod, "status.podIP")): each for each in self._isolated()}
        found = self._guarded.get(endpoint[0])
        return found is None or any(
            _names_port(rule, found.pod, endpoint[1]) and self._names_peer(rule, namespace, client)
            for rule, namespace in zip(found.rules, found.namespaces, strict=True)
        )

    def _isolated(self) -> Iterable[_Guarded]:
        policies = [each for each in self._store.list(self._policies) if _is_for_ingress(each["spec"])]
        for pod in self._store.list(self._pods) if policies else ():
            own = [each for each in policies if _chooses(each, pod)]
            if own:
                rules = [(rule, each) for each in own for rule in each["spec"].get("ingress") or ()]
                spaces = [each["metadata"]["namespace"] for _, each in rules]
                yield _Guarded(pod, [rule for rule, _ in rules], spaces)

    def _names_peer(self, rule: Json, namespace: str, client: str) -> bool:
        peers = rule.get("from")
        return not peers or any(self._is(peer, namespace, client) for peer in peers)

    def _is(self, peer: Json, namespace: str, client: str) -> bool:
        if block := peer.get("ipBlock"):
            return _within(block["cidr"], client) and not any(
                _within(each, client) for each in block.get("except") or ()
            )
        pod = next(
            (each for each in self._store.list(self._pods) if dig(each, "status.podIP") == client), None
        )
        if pod is None:
            return False
        space = pod["metadata"]["namespace"]
        if (chosen := peer.get("namespaceSelector")) is not None:
            labels = labels_of(self._store.get(self._namespaces, None, space))
            in_space = matches(chosen, labels)
        else:
            in_space = space == namespace
        return in_space and matches(peer.get("podSelector") or {}, labels_of(pod))


def _is_for_ingress(spec: Json) -> bool:
    return "Ingress" in (spec.get("policyTypes") or ["Ingress"])


def _chooses(policy: Json, pod: Json) -> bool:
    same_space = policy["metadata"]["namespace"] == pod["metadata"]["namespace"]
    return same_space and matches(policy["spec"].get("podSelector") or {}, labels_of(pod))


def _names_port(rule: Json, pod: Json, port: int) -> bool:
    ports = rule.get("ports")
    return not ports or any(_covers(each, pod, port) for each in ports)


def _covers(wanted: Json, pod: Json, port: int) -> bool:
    if (wanted.get("protocol") or "TCP") != "TCP":
        return False
    first = wanted.get("port")
    if isinstance(first, str):
        named = [each for one in pod["spec"]["containers"] for each in one.get("ports") or ()]
        return any(each.get("name") == first and each["containerPort"] == port for each in named)
    return first is None or first <= port <= (wanted.get("endPort") or first)


def _within(cidr: str, address: str) -> bool:
    return ip_address(address) in ip_network(cidr, strict=False)
