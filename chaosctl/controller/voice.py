"""Why: Kubernetes Events are best effort: they must never keep a run from its work, nor fill the memory."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

import structlog

from chaosctl.changes import text_at
from chaosctl.controller.leader import NAME
from chaosctl.controller.names import API_VERSION
from chaosctl.controller.sayings import Saying
from chaosctl.errors import ClusterError, Conflict
from chaosctl.model import Json, Ref
from chaosctl.ports import Clock, Cluster

WAITING = 1000  # Events that may wait to be written; more are dropped
LONGEST = 1024  # bytes of a message; the API server takes no more
LONGEST_NAME = 200
log = structlog.get_logger(__name__)


@dataclass
class Voice:
    """Writes Kubernetes Events about Run objects, one after the other."""

    cluster: Cluster
    clock: Clock
    instance: str
    _waiting: asyncio.Queue[tuple[Ref, Json]] = field(default_factory=lambda: asyncio.Queue(WAITING))

    def say(self, about: Json, saying: Saying) -> None:
        """Have something said about an object, if there is room."""
        log.info("run", object=text_at(about, "/metadata/name"), reason=saying.reason, message=saying.message)
        ref = _ref(about, saying)
        if not self._waiting.full():
            self._waiting.put_nowait((ref, _body(ref, about, saying, self.clock.now(), self.instance)))

    async def speak(self) -> None:
        """Write what was said, for ever."""
        while True:
            ref, body = await self._waiting.get()
            try:
                await self.cluster.create(ref, body)
            except Conflict:
                continue  # said already, perhaps by who led before
            except ClusterError as error:
                log.warning(
                    "a Kubernetes Event could not be written", reason=body["reason"], error=str(error)
                )


def _ref(about: Json, saying: Saying) -> Ref:
    """The same saying about the same object has the same name, whoever says it."""
    digest = hashlib.sha256(f"{text_at(about, '/metadata/uid')} {saying.key}".encode()).hexdigest()[:16]
    name = f"{text_at(about, '/metadata/name')[:LONGEST_NAME]}.{digest}"
    return Ref(kind="Event", namespace=text_at(about, "/metadata/namespace"), name=name)


def _body(ref: Ref, about: Json, saying: Saying, now: datetime, instance: str) -> Json:
    involved = {
        "apiVersion": API_VERSION,
        "kind": str(about.get("kind") or "Run"),
        "namespace": ref.namespace,
        "name": text_at(about, "/metadata/name"),
        "uid": text_at(about, "/metadata/uid"),
    }
    body = {
        "metadata": {"name": ref.name, "namespace": ref.namespace},
        "involvedObject": involved,
        "type": "Warning" if saying.warning else "Normal",
        "reason": saying.reason,
        "message": saying.message.encode()[:LONGEST].decode(errors="ignore"),
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingComponent": NAME,
        "reportingInstance": instance[:128],
        "action": "Drill",
    }
    return cast("Json", body)
