"""Why: all Runs of a leader share one cluster, one store, one queue and one voice. Here they are, once."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from chaosctl.cluster.adapter import KubernetesCluster
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.controller.metrics import Metrics
from chaosctl.controller.orders import Rules
from chaosctl.controller.reach import Reach
from chaosctl.controller.turns import Turns
from chaosctl.controller.voice import Voice
from chaosctl.operations.perform import World
from chaosctl.operations.stage import Player
from chaosctl.ports import Reader
from chaosctl.store import Store


@dataclass(frozen=True)
class Office:
    """What the Runs of one leader share. `objects` is the way to the objects that people write."""

    world: World
    objects: KubernetesCluster
    store: Store
    rules: Rules
    voice: Voice
    metrics: Metrics
    leads: Callable[[], bool]
    turns: Turns = field(default_factory=Turns)
    in_order: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def see(self) -> Reader:
        """Where the objects that people write are looked up."""
        return self.objects

    def world_of(self, namespace: str) -> World:
        """The outside as a run in this namespace may reach it, for as long as we lead."""
        also = frozenset({self.world.guardians})
        reach = Reach(self.world.cluster, self.leads, namespace, also)
        ledgers = Ledgers(reach, self.world.clock, self.world.ledgers.key)
        play = Player(reach, self.world.clock)
        return replace(self.world, cluster=reach, ledgers=ledgers, play=play)
