"""Why: a container's probes decide together: none counts before it has started; a dead one is restarted."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable

from chaosctl.sandbox.api.objects import Json
from chaosctl.sandbox.node.probes import ProbeFailed, Subject, probe
from chaosctl.sandbox.node.state import ContainerState

_FIRST_PAUSE = 0.02  # seconds, doubled before it is used


class Prober:
    """Asks a running container, and keeps its state; `restart` is what a failed liveness probe asks for."""

    def __init__(
        self,
        spec: Json,
        subject: Subject,
        state: ContainerState,
        failed: Callable[[str], None],
        restart: Callable[[str], Awaitable[None]],
    ) -> None:
        self._spec, self._subject, self._state = spec, subject, state
        self._failed, self._restart = failed, restart

    async def run(self) -> None:
        """Ask until cancelled, or until there is nothing to ask."""
        if startup := self._spec.get("startupProbe"):
            await self._until_started(startup)
        async with asyncio.TaskGroup() as group:
            if readiness := self._spec.get("readinessProbe"):
                group.create_task(self._keep_ready(readiness))
            if liveness := self._spec.get("livenessProbe"):
                group.create_task(self._keep_alive(liveness))

    async def _until_started(self, spec: Json) -> None:
        async for passed in self._verdicts("Startup", spec):
            if passed:
                break
            await self._restart(f"Container {self._spec['name']} failed startup probe, will be restarted")
        self._state.passes(ready=not self._spec.get("readinessProbe"))

    async def _keep_ready(self, spec: Json) -> None:
        async for passed in self._verdicts("Readiness", spec, eager=True):
            self._state.passes(ready=passed)

    async def _keep_alive(self, spec: Json) -> None:
        async for passed in self._verdicts("Liveness", spec):
            if not passed:
                await self._restart(
                    f"Container {self._spec['name']} failed liveness probe, will be restarted"
                )

    async def _verdicts(self, kind: str, spec: Json, *, eager: bool = False) -> AsyncIterator[bool]:
        """Ask every period: the answer, when it came often enough in a row.

        An eager one asks more often at first, up to the first yes: a drill need not wait a period for a
        container that takes a tenth of it to start.
        """
        await asyncio.sleep(spec.get("initialDelaySeconds") or 0)
        thresholds = {True: spec.get("successThreshold") or 1, False: spec.get("failureThreshold") or 3}
        pause = _FIRST_PAUSE if eager else math.inf
        last, streak = None, 0
        while True:
            passed = await self._ask(kind, spec)
            last, streak = passed, streak + 1 if passed == last else 1
            if streak >= thresholds[passed]:
                yield passed
            pause = math.inf if passed else 2 * pause
            await asyncio.sleep(min(pause, spec.get("periodSeconds") or 10))

    async def _ask(self, kind: str, spec: Json) -> bool:
        try:
            await probe(spec, self._subject)
        except ProbeFailed as failure:
            self._failed(f"{kind} probe failed: {failure}")
            return False
        return True
