"""Why: `kubectl logs` is where people look first when a container crashes, so its output is kept."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from io import BufferedReader
from time import time

from chaosctl.sandbox.api.errors import ApiError, bad_request
from chaosctl.sandbox.api.objects import dig
from chaosctl.sandbox.api.store import Store
from chaosctl.sandbox.node.kubelet import Kubelet

_CHUNK = 64 * 1024
_POLL = 0.1  # seconds


class Logs:
    """The output of containers, from the files that their processes write. Lines carry no times."""

    def __init__(self, store: Store, kubelet: Kubelet) -> None:
        self._store, self._kubelet = store, kubelet

    async def logs(  # noqa: PLR0913  # the options of `kubectl logs`
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        tail: int | None,
        follow: bool,
        previous: bool,
        since: timedelta | None,
    ) -> AsyncIterator[bytes]:
        """A container's output; with `since`, all or, if it is older, nothing. Raises ApiError 400, 404."""
        body = self._store.get(self._store.resource("v1", "pods"), namespace, pod)
        found = self._kubelet.container(body, container)
        file = found.log(previous=previous) if found else None
        if found is None or file is None or not file.exists():
            raise _missing(pod, container, _waiting(body, container), previous=previous)
        with file.open("rb") as stream:
            _seek_tail(stream, 0 if since is not None and _age(stream) > since else tail)
            while True:
                ended = (
                    not follow or not found.running or found.log() != file
                )  # looked at before the last read
                while chunk := stream.read(_CHUNK):
                    yield chunk
                if ended:
                    return
                await asyncio.sleep(_POLL)


def _age(stream: BufferedReader) -> timedelta:
    return timedelta(seconds=time() - os.fstat(stream.fileno()).st_mtime)


def _seek_tail(stream: BufferedReader, lines: int | None) -> None:
    """Move to where the last lines start."""
    if lines is None:
        return
    end = position = stream.seek(0, os.SEEK_END)
    found = b""
    while position > 0 and found.count(b"\n") <= lines:
        position = max(0, position - _CHUNK)
        stream.seek(position)
        found = stream.read(end - position)
    kept = b"".join(found.splitlines(keepends=True)[-lines:]) if lines else b""
    stream.seek(end - len(kept))


def _waiting(pod: dict[str, object], container: str) -> str:
    statuses = dig(pod, "status.containerStatuses") or ()
    reasons = (dig(each, "state.waiting.reason") for each in statuses if each["name"] == container)
    return next(filter(None, reasons), "ContainerCreating")


def _missing(pod: str, container: str, reason: str, *, previous: bool) -> ApiError:
    if previous:
        return bad_request(f'previous terminated container "{container}" in pod "{pod}" not found')
    return bad_request(f'container "{container}" in pod "{pod}" is waiting to start: {reason}')
