"""Why: an API server stores a NetworkPolicy whether or not anybody enforces it, and says nothing of that."""

from collections.abc import Iterator

from chaosctl.model import Json, Ref
from chaosctl.ports import Reader
from chaosctl.targets.fields import items, text

PLUG_INS = (
    "anetd", "antrea-agent", "azure-npm", "calico", "canal", "cilium", "kindnet", "kube-network-policies",
    "kube-router", "nsx-node-agent", "ovnkube", "romana", "weave-net",
)  # fmt: skip
"""Parts of the names of DaemonSets whose pods enforce policies."""
SWITCHED_ON = "--enable-network-policy=true"  # Amazon's plug-in can, where it is told to
BUILT_IN = ("+k3s", "+rke2", "+embedded")
"""In a kubelet's version: of distributions that enforce policies without a DaemonSet."""


async def enforced(see: Reader) -> bool:
    """Whether anybody is known here who enforces NetworkPolicies. Raises ClusterError."""
    agents = await see.find(Ref(api_version="apps/v1", kind="DaemonSet", name=""))
    if any(_enforces(agent) for agent in agents):
        return True
    nodes = await see.find(Ref(kind="Node", name=""))
    versions = [text(node, "/status/nodeInfo/kubeletVersion") for node in nodes]
    return any(mark in version for version in versions for mark in BUILT_IN)


def _enforces(agent: Json) -> bool:
    name = text(agent, "/metadata/name")
    return any(part in name for part in PLUG_INS) or SWITCHED_ON in _arguments(agent)


def _arguments(agent: Json) -> Iterator[object]:
    for container in items(agent, "/spec/template/spec/containers"):
        arguments = container.get("args")
        yield from arguments if isinstance(arguments, list) else ()
