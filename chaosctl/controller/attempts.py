"""Why: a part of a Run may have to be taken up again: after a death, a lost store, a target that was held.

Every attempt begins with what the part's journal says. So it does not matter who wrote it, or how often
somebody had to begin again.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from chaosctl.controller.office import Office
from chaosctl.engine.guards import Guarding
from chaosctl.engine.tables import Phase
from chaosctl.engine.verdict import verdict
from chaosctl.errors import Busy, ClusterError, Fenced, Lost, StoreError
from chaosctl.operations.conduct import Origin, Part, concluded, conduct, replayed, resume
from chaosctl.operations.plan import inspect
from chaosctl.operations.viewing import Outcome, Viewer
from chaosctl.spec import Script

AGAIN = 2.0  # seconds until something that must wait is tried again
UNHEARD = 60  # looks at a target in vain, until what could not be seen forbids the run


@dataclass
class Stop:
    """Why somebody wants a Run to end; "" as long as nobody does."""

    why: str = ""
    _asked: asyncio.Event = field(default_factory=asyncio.Event)

    def ask(self, why: str) -> bool:
        """Whether this is the first to ask."""
        first, self.why = not self.why, self.why or why
        self._asked.set()
        return first

    async def pause(self) -> None:
        """Wait a little; who asks is heard at once, and need not ask twice."""
        if self._asked.is_set():
            await asyncio.sleep(AGAIN)
            return
        try:
            await asyncio.wait_for(self._asked.wait(), AGAIN)
        except TimeoutError:
            return


@dataclass
class Attempts:
    """Brings parts of one Run to their verdicts. `note` says what it waits for."""

    office: Office
    namespace: str
    origin: Origin
    stop: Stop
    note: Callable[[str], None]
    going: Part | None = None
    _unheard: int = 0

    def tell(self, why: str) -> None:
        """Stop what is going on."""
        if self.going:
            self.going.stop(why)

    async def through(self, name: str, script: Script, viewer: Viewer) -> Outcome | None:
        """One part to its verdict, however often it must be taken up again; None where it never began.

        Raises Fenced where somebody else goes on with it.
        """
        while True:
            try:
                outcome = await self._attempt(name, script, viewer)
            except Fenced:
                raise
            except (Busy, ClusterError, StoreError) as error:
                self.note(str(error))
            else:
                if outcome is None or outcome.state.phase is Phase.DONE:
                    return outcome
                self.note(outcome.note)
            finally:
                self.going = None
            await self.stop.pause()

    async def _attempt(self, name: str, script: Script, viewer: Viewer) -> Outcome | None:
        store = self.office.store
        if store.known(name):
            state = replayed(name, store)
            if state.phase is Phase.DONE:
                return concluded(Outcome(name, state, verdict(state)), store)
            return await resume(self._begun(name, state.plot), store, viewer, self.stop.why)
        if self.stop.why:
            return None
        seen = await inspect(script, self.office.world_of(self.namespace), name, Guarding.ALIVE)
        if seen.facts.unheard and self._unheard < UNHEARD:
            self._unheard += 1
            raise Lost(f"waiting for the API server: {seen.facts.unheard}")
        if seen.facts.holder:
            raise Busy(f"waiting for run {seen.facts.holder}, which holds {script.target.workload}")
        if self.stop.why:
            return None
        part = self._begun(name, seen.script, seen.warnings)
        return await conduct(part, seen.refusals, store, viewer)

    def _begun(self, name: str, script: Script, warnings: tuple[str, ...] = ()) -> Part:
        world = self.office.world_of(self.namespace)
        self.going = Part(name, script, world, origin=self.origin, tended=True, warnings=warnings)
        self.note("")
        return self.going
