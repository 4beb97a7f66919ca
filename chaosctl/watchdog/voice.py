"""Why: people look at `kubectl describe`, programs at the journal. What happened is told to both, once."""

import uuid
from dataclasses import dataclass
from typing import cast

import structlog

from chaosctl.errors import ClusterError, StoreError
from chaosctl.model import Json, Ref
from chaosctl.ports import Cluster, Journal
from chaosctl.targets.fields import text
from chaosctl.watchdog.events import AnyEvent
from chaosctl.watchdog.settings import MANAGER

LONGEST = 1024  # bytes of a message; the API server takes no more
ACTION = "Rollback"
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Voice:
    """Writes the journal and Kubernetes Events. Neither keeps the watchdog from its work."""

    cluster: Cluster
    journal: Journal
    instance: str

    async def say(self, event: AnyEvent, workload: Json) -> None:
        """Write an event down; tell it to the cluster where it has a reason."""
        log.info("watchdog", event_type=event.type, workload=str(event.workload), message=event.message)
        try:
            self.journal.append(event)
        except StoreError:
            log.exception("the watchdog's journal cannot be written", event_type=event.type)
        if event.reason:
            await self._publish(event, workload)

    async def _publish(self, event: AnyEvent, workload: Json) -> None:
        name = f"{event.workload.name}.{uuid.uuid4().hex[:16]}"
        ref = Ref(kind="Event", namespace=event.workload.namespace, name=name)
        try:
            await self.cluster.create(ref, self._body(ref, event, workload))
        except ClusterError:
            log.exception("a Kubernetes Event cannot be written", reason=event.reason)

    def _body(self, ref: Ref, event: AnyEvent, workload: Json) -> Json:
        about = {
            "apiVersion": event.workload.api_version,
            "kind": event.workload.kind,
            "namespace": event.workload.namespace,
            "name": event.workload.name,
            "uid": text(workload, "/metadata/uid"),
            "resourceVersion": text(workload, "/metadata/resourceVersion"),
        }
        body = {
            "apiVersion": ref.api_version,
            "kind": ref.kind,
            "metadata": {"name": ref.name, "namespace": ref.namespace},
            "involvedObject": about,
            "type": "Warning" if event.warning else "Normal",
            "reason": event.reason,
            "message": event.message.encode()[:LONGEST].decode(errors="ignore"),
            "eventTime": event.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "reportingComponent": MANAGER,
            "reportingInstance": self.instance,
            "action": ACTION,
        }
        return cast("Json", body)
