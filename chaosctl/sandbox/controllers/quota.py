"""Why: a quota is enforced by what its status says, and somebody must write that and count what is used."""

from collections.abc import Iterator

from chaosctl.sandbox.api import quota
from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.api.store import Change, Resource, Store
from chaosctl.sandbox.controllers.events import Recorder
from chaosctl.sandbox.controllers.loop import Controller
from chaosctl.sandbox.controllers.meta import Key, key_of

_SOURCE = "resourcequota-controller"


class QuotaController(Controller):
    """The status of ResourceQuotas."""

    def __init__(self, store: Store, recorder: Recorder) -> None:
        super().__init__(store, recorder)
        self._quotas = store.resource("v1", "resourcequotas")

    def keys(self, change: Change) -> Iterator[Key]:
        if change.resource == self._quotas:
            yield key_of(change.object)
        elif change.resource.namespaced and change.resource.plural != "events":
            for found in self.store.list(self._quotas, change.object["metadata"]["namespace"]):
                yield key_of(found)

    def sync(self, key: Key) -> None:
        found = self.store.find(self._quotas, *key)
        if found is None:
            return
        status = {"hard": found["spec"].get("hard") or {}, "used": quota.used(found, self._objects(key[0]))}
        self.store.update(
            self._quotas,
            *key,
            lambda body: {**body, "status": status},
            manager=_SOURCE,
            subresource="status",
        )

    def _objects(self, namespace: str) -> Iterator[tuple[Resource, Json]]:
        for resource in self.store.resources:
            if resource.namespaced and not resource.review:
                yield from ((resource, body) for body in self.store.list(resource, namespace))
