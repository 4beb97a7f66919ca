"""Why: what all pods of a sandbox share, in one value that reaches down to every container."""

import os
from pathlib import Path
from typing import NamedTuple

from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.store import Store
from chaosctl.sandbox.controllers.backoff import BackOff
from chaosctl.sandbox.controllers.events import Recorder
from chaosctl.sandbox.node.account import Credentials
from chaosctl.sandbox.node.addresses import Addresses
from chaosctl.sandbox.node.images import Images
from chaosctl.sandbox.node.process import Keeper


class Host(NamedTuple):
    """The machine, as the sandbox's nodes see it."""

    store: Store
    recorder: Recorder
    images: Images
    addresses: Addresses
    keeper: Keeper
    back_off: BackOff
    folder: Path
    credentials: Credentials

    def find(self, namespace: str, plural: str, name: str) -> Json | None:
        return self.store.find(self.store.resource("v1", plural), namespace, name)

    def pod_folder(self, pod: Json) -> Path:
        """Where a pod's logs and volumes lie. The uid keeps pods of the same name apart."""
        meta = pod["metadata"]
        return self.folder / "pods" / f"{meta['namespace']}_{meta['name']}_{meta['uid']}"

    def base_environment(self, pod: Json, address: str, folder: Path) -> dict[str, str]:
        """What every container starts with. Nothing else of the sandbox's own environment gets in."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "HOSTNAME": pod["metadata"]["name"],
            "POD_IP": address,
            "HOST": address,
            **self._services(pod["metadata"]["namespace"]),
            **self.keeper.environment,
        }

    def _services(self, namespace: str) -> dict[str, str]:
        """The addresses of the namespace's Services: there is no DNS here, only the environment."""
        found = {}
        for service in self.store.list(self.store.resource("v1", "services"), namespace):
            address = service["spec"].get("clusterIP")
            if address and address != "None":
                name = service["metadata"]["name"].upper().replace("-", "_")
                found[f"{name}_SERVICE_HOST"] = address
                found[f"{name}_SERVICE_PORT"] = str(service["spec"]["ports"][0]["port"])
        return found
