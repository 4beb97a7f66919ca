"""Why: furnishing a fresh sandbox must not cost the import of a Kubernetes client; a few requests do."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import httpx
import yaml

from chaosctl.changes import look, text_at
from chaosctl.cluster.lease import SYSTEM
from chaosctl.errors import Invalid
from chaosctl.model import Json

LOOK_AGAIN = 0.05
CREATED, THERE_ALREADY, FOUND = 201, 409, 200
PLURALS = {
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "ConfigMap": "configmaps",
    "Deployment": "deployments",
    "Namespace": "namespaces",
    "Role": "roles",
    "RoleBinding": "rolebindings",
    "Service": "services",
    "ServiceAccount": "serviceaccounts",
}


class Seeder:
    """A few requests to a cluster whose kubeconfig needs no credentials beside the URL."""

    def __init__(self, kubeconfig: Path) -> None:
        config = cast("Json", yaml.safe_load(kubeconfig.read_text()))
        self._http = httpx.Client(base_url=text_at(config, "/clusters/0/cluster/server"), timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def apply(self, bodies: Sequence[Json]) -> None:
        """Create what is not there. Raises Invalid."""
        for body in bodies:
            answer = self._http.post(_path(body), json=body)
            if answer.status_code not in (CREATED, THERE_ALREADY):
                raise Invalid(f"the sandbox refused {body.get('kind')}: {answer.text[:300]}")

    def until_ready(self, namespace: str, deployment: str, within: float) -> None:
        """Wait for all replicas of a Deployment. Raises Invalid."""
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{deployment}"

        def ready() -> bool:
            body = cast("Json", self._http.get(path).json())
            return look(body, "/status/readyReplicas") == look(body, "/spec/replicas")

        self._until(ready, within, f"{deployment} is not ready")

    def until_lease(self, name: str, within: float) -> None:
        """Wait until somebody holds a lease. Raises Invalid."""
        path = f"/apis/coordination.k8s.io/v1/namespaces/{SYSTEM}/leases/{name}"
        self._until(lambda: self._http.get(path).status_code == FOUND, within, f"nobody holds {name}")

    def _until(self, done: Callable[[], bool], within: float, otherwise: str) -> None:
        end = time.monotonic() + within
        while not done():
            if time.monotonic() > end:
                raise Invalid(f"{otherwise} after {within:.0f} s; kubectl get pods -A says more")
            time.sleep(LOOK_AGAIN)


def _path(body: Json) -> str:
    version, kind = text_at(body, "/apiVersion"), text_at(body, "/kind")
    root = "/api/v1" if version == "v1" else f"/apis/{version}"
    namespace = look(body, "/metadata/namespace")
    where = f"/namespaces/{namespace}" if namespace else ""
    return f"{root}{where}/{PLURALS[kind]}"
