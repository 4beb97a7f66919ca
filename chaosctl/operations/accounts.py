"""Why: guardian and watchdog are ordinary Deployments, with the rights that they need and no others.

The sandbox's stand for all namespaces, in one of their own; a guest's watchdog stands for the one it lies in.
"""

from collections.abc import Iterator, Sequence

from chaosctl.catalog import installed
from chaosctl.cluster.lease import SYSTEM
from chaosctl.image import HARMLESS, image
from chaosctl.model import Json
from chaosctl.operations import roles
from chaosctl.operations.roles import Rights

STATE = "/var/lib/chaosctl"
RBAC = "rbac.authorization.k8s.io"


def keepers(*, watchdog: bool) -> Sequence[Json]:
    """Guardian and watchdog of a whole cluster."""
    rights = {"guardian": roles.guardian(installed())} | ({"watchdog": roles.watchdog()} if watchdog else {})
    space: Json = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM}}
    return (space, *(body for role, each in rights.items() for body in _everywhere(role, each)))


def watchdog(namespace: str) -> Sequence[Json]:
    """A watchdog of one namespace, in it."""
    name, rights = _name("watchdog"), roles.watchdog()
    granted = roles.rules((*rights.targets, *rights.home))
    return (
        _account(name, namespace),
        *_granted(name, namespace, name, namespace, granted),
        _deployment("watchdog", namespace, f"--namespace={namespace}"),
    )


def _everywhere(role: str, rights: Rights) -> Iterator[Json]:
    name = _name(role)
    yield _account(name, SYSTEM)
    yield from _granted(name, "", name, SYSTEM, roles.rules((*rights.targets, *rights.cluster)))
    yield from _granted(name, SYSTEM, name, SYSTEM, roles.rules(rights.home))
    yield _deployment(role, SYSTEM)


def _name(role: str) -> str:
    return f"chaosctl-{role}"


def _account(name: str, namespace: str) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": namespace},
    }


def _granted(name: str, where: str, account: str, namespace: str, granted: Json) -> Sequence[Json]:
    """A role in a namespace ("" is everywhere) and its binding to an account."""
    kind = "Role" if where else "ClusterRole"
    metadata: Json = {"name": name, **({"namespace": where} if where else {})}
    head: Json = {"apiVersion": f"{RBAC}/v1", "metadata": metadata}
    subject: Json = {"kind": "ServiceAccount", "name": account, "namespace": namespace}
    role: Json = {"apiGroup": RBAC, "kind": kind, "name": name}
    return (
        {**head, "kind": kind, **granted},
        {**head, "kind": f"{kind}Binding", "roleRef": role, "subjects": [subject]},
    )


def _deployment(role: str, namespace: str, *options: str) -> Json:
    name = _name(role)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "serviceAccountName": name,
                    "terminationGracePeriodSeconds": 5,
                    "containers": [_container(role, options)],
                    "volumes": [{"name": "state", "emptyDir": {}}],
                },
            },
        },
    }


def _container(role: str, options: Sequence[str]) -> Json:
    return {
        "name": role,
        "image": image(),
        "args": [role, *options],
        "env": [{"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}],
        "resources": {"requests": {"cpu": "50m", "memory": "96Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": HARMLESS,
        "volumeMounts": [{"name": "state", "mountPath": STATE}],
    }
