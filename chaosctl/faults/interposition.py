"""Why: what stands between a Service and its pods must be plain to see and safe to run."""

from collections.abc import Mapping
from typing import NamedTuple, Self

from pydantic import JsonValue

from chaosctl.changes import look
from chaosctl.image import HARMLESS, image
from chaosctl.model import Json, Ref
from chaosctl.spec import Aim
from chaosctl.targets.fields import items, number

LISTEN_PORT = 8080
ADMIN_PORT = 9901
REPLICAS = 2
PROXY = "chaosctl.dev/proxy"


class Names(NamedTuple):
    """What an entry creates, and the labels that only its proxies have."""

    shadow: Ref
    proxies: Ref
    labels: Mapping[str, str]

    @classmethod
    def of(cls, aim: Aim, namespace: str) -> Self:
        shadow = Ref(kind="Service", namespace=namespace, name=aim.name("shadow"))
        name = aim.name("proxy")
        owner = Ref(api_version="apps/v1", kind="Deployment", namespace=namespace, name=name)
        return cls(shadow, owner, {PROXY: name})

    @property
    def shadow_host(self) -> str:
        """The variable in which pods of the namespace find the shadow's address."""
        return self.shadow.name.upper().replace("-", "_") + "_SERVICE_HOST"


def shadow(service: Json, names: Names) -> Json:
    """A Service that leads where the original leads now."""
    kept = ("name", "port", "targetPort", "protocol", "appProtocol")
    ports: list[JsonValue] = [
        {key: port[key] for key in kept if key in port} for port in items(service, "/spec/ports")
    ]
    spec: Json = {"selector": look(service, "/spec/selector"), "ports": ports}
    return {**_head(names.shadow, {}), "spec": spec}


def proxies(service: Json, names: Names, protocol: str) -> Json:
    """A Deployment of proxies that pass everything on to the shadow; `protocol` is "http" or "tcp"."""
    labels: Json = {**names.labels}
    pod: Json = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 10,
        "containers": [_container(number(service, "/spec/ports/0/port"), names, protocol)],
    }
    template: Json = {"metadata": {"labels": labels}, "spec": pod}
    spec: Json = {"replicas": REPLICAS, "selector": {"matchLabels": labels}, "template": template}
    return {**_head(names.proxies, names.labels), "spec": spec}


def _container(port: int, names: Names, protocol: str) -> Json:
    upstream = f"$({names.shadow_host}):{port}"
    args: list[JsonValue] = [
        "proxy",
        f"--listen=:{LISTEN_PORT}",
        f"--admin=:{ADMIN_PORT}",
        f"--upstream={upstream}",
        f"--protocol={protocol}",
    ]
    return {
        "name": "proxy",
        "image": image(),
        "args": args,
        "env": [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        "ports": [
            {"name": "traffic", "containerPort": LISTEN_PORT},
            {"name": "admin", "containerPort": ADMIN_PORT},
        ],
        "readinessProbe": {
            "httpGet": {"path": "/healthz", "port": ADMIN_PORT},
            "periodSeconds": 1,
        },
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
        "securityContext": HARMLESS,
    }


def _head(ref: Ref, labels: Mapping[str, str]) -> Json:
    metadata: Json = {"name": ref.name, "namespace": ref.namespace, "labels": {**labels}}
    return {"apiVersion": ref.api_version, "kind": ref.kind, "metadata": metadata}
