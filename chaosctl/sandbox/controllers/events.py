"""Why: people ask `kubectl describe` what happened, so controllers and nodes say it in Events."""

import uuid
from collections import OrderedDict

from chaosctl.sandbox.api.errors import ApiError
from chaosctl.sandbox.api.objects import Json, timestamp
from chaosctl.sandbox.api.store import Store

_MISSED = (403, 404)  # its namespace is going, or it was deleted: nobody is left to read it
_KEPT = 2_000  # a cluster forgets them after an hour; so many are an hour's worth here
_Same = tuple[str, str, str, str]


class Recorder:
    """Writes Events. The same one about the same object again only counts up."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._events = store.resource("v1", "events")
        self._names: OrderedDict[_Same, tuple[str, str]] = OrderedDict()

    def normal(self, about: Json, reason: str, message: str, source: str) -> None:
        self._record(about, "Normal", reason, message, source)

    def warning(self, about: Json, reason: str, message: str, source: str) -> None:
        self._record(about, "Warning", reason, message, source)

    def _record(self, about: Json, kind: str, reason: str, message: str, source: str) -> None:
        same = (about["metadata"]["uid"], reason, message, source)
        try:
            if same in self._names:
                self._store.update(self._events, *self._names[same], _counted)
            else:
                self._create(same, about, kind)
        except ApiError as error:
            if error.code not in _MISSED:
                raise
            self._names.pop(same, None)

    def _create(self, same: _Same, about: Json, kind: str) -> None:
        _, reason, message, source = same
        meta, now = about["metadata"], timestamp()
        namespace = meta.get("namespace") or "default"
        name = f"{meta['name']}.{uuid.uuid4().hex[:16]}"
        involved = {
            key: meta[key] for key in ("name", "namespace", "uid", "resourceVersion") if meta.get(key)
        }
        body = {
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": {"apiVersion": about["apiVersion"], "kind": about["kind"], **involved},
            "type": kind,
            "reason": reason,
            "message": message,
            "source": {"component": source},
            "reportingComponent": source,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        self._store.create(self._events, namespace, body, manager=source)
        self._names[same] = (namespace, name)
        if len(self._names) > _KEPT:
            self._forget(*self._names.popitem(last=False)[1])

    def _forget(self, namespace: str, name: str) -> None:
        if self._store.find(self._events, namespace, name):
            self._store.delete(self._events, namespace, name)


def _counted(event: Json) -> Json:
    return {**event, "count": event.get("count", 1) + 1, "lastTimestamp": timestamp()}
