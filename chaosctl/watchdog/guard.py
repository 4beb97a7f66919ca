"""Why: a Deployment stays watched whatever happens to it, to its rules, or to the way to the cluster."""

import structlog

from chaosctl.errors import ChaosError, ClusterError, Invalid
from chaosctl.model import Ref
from chaosctl.ports import Answers
from chaosctl.watchdog.events import Misconfigured
from chaosctl.watchdog.memory import Memory
from chaosctl.watchdog.rules import Rules, rules_of
from chaosctl.watchdog.watch import Watch
from chaosctl.watchdog.world import World

log = structlog.get_logger(__name__)


class Guard:
    """Watches one Deployment until it is cancelled."""

    def __init__(self, ref: Ref, memory: Memory, world: World) -> None:
        self.ref = ref
        self.memory = memory
        self.world = world
        self._complaint = ""

    async def run(self) -> None:
        """Look again and again; what fails is tried again at the next look."""
        while True:
            try:
                await self._watch_by_rules()
            except Invalid as error:
                await self._complain(str(error))
            except ChaosError as error:
                log.warning("cannot watch", workload=str(self.ref), error=str(error))
            await self.world.pause()

    async def _watch_by_rules(self) -> None:
        """Return when the rules have changed. Raises Invalid for bad ones, ClusterError."""
        cluster = self.world.cluster
        rules = await rules_of(self.ref, cluster)
        target = rules.target(await cluster.get(self.ref), self.ref)
        watch = Watch(target, rules, self.memory, self.world)
        async with self.world.answers(target) as answers:
            self._complaint = ""
            while await self._still_hold(rules):
                await self._look(watch, answers)
                await self.world.pause()

    async def _still_hold(self, rules: Rules) -> bool:
        try:
            return await rules_of(self.ref, self.world.cluster) == rules
        except ClusterError as error:
            log.warning("cannot read the rules; the last ones hold", workload=str(self.ref), error=str(error))
            return True

    async def _look(self, watch: Watch, answers: Answers) -> None:
        try:
            await watch.look(answers)
        except ClusterError as error:
            log.warning("cannot look", workload=str(self.ref), error=str(error))

    async def _complain(self, why: str) -> None:
        """Say once what is wrong with the rules."""
        if why == self._complaint:
            return
        try:
            workload = await self.world.cluster.get(self.ref)
        except ClusterError as error:
            log.warning("cannot look", workload=str(self.ref), error=str(error))
            return
        self._complaint = why
        event = Misconfigured(at=self.world.clock.now(), workload=self.ref, why=why)
        await self.world.voice.say(event, workload)
