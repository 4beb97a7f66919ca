"""Why: hours of a schedule are tried in an instant, with the API server as slow and as bad as one likes."""

import asyncio
from collections import Counter
from types import SimpleNamespace

from controller.objects import drill, playbook

from chaosctl.catalog import installed
from chaosctl.catalog.crds import definitions
from chaosctl.changes import copy_json, look
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.controller import names
from chaosctl.controller.drills import Drills
from chaosctl.controller.metrics import Metrics
from chaosctl.controller.office import Office
from chaosctl.controller.orders import Rules
from chaosctl.controller.voice import Voice
from chaosctl.errors import Lost
from chaosctl.operations.perform import World
from chaosctl.sandbox.api.resources import Resource
from chaosctl.sandbox.api.structural import check
from chaosctl.testing import FakeClock, FakeCluster, FakeHttp, deployment, in_virtual_time, namespace

KEY = b"k" * 32
MINUTE = 60.0
ON_THE_WAY = 0.05  # seconds; so that two controllers meet
DRILLS = Resource("chaosctl.dev/v1", "drills", "Drill", namespaced=True)


class Cluster(FakeCluster):
    """It takes its time, takes only statuses that our definition has, and loses what is in `loses`.

    `asked` counts the requests.
    """

    def __init__(self, *bodies):
        super().__init__(namespace(), deployment("ranker"), playbook(), *bodies)
        self.loses = set()
        self.asked = Counter()

    async def get(self, ref):
        await self._sent(f"get {ref.kind}")
        return await super().get(ref)

    async def find(self, like, selector="", fields=""):
        await self._sent(f"find {like.kind}")
        return await super().find(like, selector, fields)

    async def create(self, ref, body, **options):
        await self._sent(f"create {ref.kind}")
        return await super().create(ref, body, **options)

    async def delete(self, ref, uid, *, grace_seconds=None):
        await self._sent(f"delete {ref.kind}")
        await super().delete(ref, uid, grace_seconds=grace_seconds)

    async def patch(self, ref, ops, *, subresource="", **options):
        await self._sent(f"patch {ref.kind}")
        seen = await super().patch(ref, ops, **options)
        if subresource == "status":
            shown = {"spec": drill()["spec"], "status": copy_json(seen["status"])}
            assert check(DRILLS, shown, definitions()["drills"]) == []
        return seen

    async def _sent(self, what):
        self.asked[what] += 1
        await asyncio.sleep(ON_THE_WAY)
        if what in self.loses:
            raise Lost(f"{what}: no answer")


class Scene:
    """Drills, and one controller or more that serve them, from midnight on.

    `made` are the Runs that were fired; they end at once where there is a `verdict`, and the store knows them
    where there are `journals`. `known` are all that it knows.
    """

    def __init__(self, *bodies):
        self.cluster = Cluster(*bodies)
        self.made, self.verdict, self.journals = [], "", False
        self.known, self.holder, self.leads = set(), "", True
        self.metrics = Metrics()
        self._planned = []

    def is_known(self, journal):
        """As a store answers."""
        return journal in {names.journal(f"models/{run}", 0) for run in self.known}

    def hold(self, run=""):
        """Have a Run on the target, or none."""
        self.holder = run

    def at(self, minute, happening):
        """Have something happen, so many minutes after midnight."""
        self._planned.append((minute, happening))

    def play(self, minutes, controllers=1):
        in_virtual_time(self._play(minutes, controllers))
        return self

    async def _play(self, minutes, controllers):
        loop = asyncio.get_running_loop()
        for minute, happening in self._planned:
            loop.call_at(minute * MINUTE, happening)
        tasks = [asyncio.ensure_future(one) for _ in range(controllers) for one in self._controller()]
        ended, _ = await asyncio.wait(tasks, timeout=minutes * MINUTE)
        for task in tasks:
            task.cancel()
        assert [task.exception() for task in ended] == [], "it went on, whatever happened"

    def _controller(self):
        """What one does, for ever."""
        ledgers = Ledgers(self.cluster, FakeClock(), KEY)
        world = World(installed(), self.cluster, FakeClock(), FakeHttp(), ledgers, None)
        voice = Voice(self.cluster, FakeClock(), "controller")
        rules = Rules(installed())
        store = SimpleNamespace(known=self.is_known)
        office = Office(world, self.cluster, store, rules, voice, self.metrics, lambda: self.leads)
        drills = Drills(office, ("models",), lambda _: self.holder, self._created)
        return drills.work(), voice.speak()

    def _created(self, body):
        self.made.append(look(body, "/metadata/name"))
        self.known |= {self.made[-1]} if self.journals else set()
        if self.verdict:
            self.end(self.made[-1], self.verdict)

    def end(self, run, verdict="passed"):
        """A Run is over."""
        body = self.cluster.objects[names.ref("Run", "models", run)]
        over = {"type": "Finished", "status": "True"}
        self.cluster.put({**body, "status": {"verdict": verdict, "conditions": [over]}})

    def edit(self, **spec):
        """Somebody edits the Drill; its status stays, and when it was is noted, as in a cluster."""
        ref = names.ref("Drill", "models", "weekly")
        body = self.cluster.objects[ref]
        self.cluster.put({**body, "spec": {**body["spec"], **spec}})
        (entry,) = self.cluster.objects[ref]["metadata"]["managedFields"]
        entry["time"] = FakeClock().now().isoformat()

    def remove(self, run):
        """Somebody deletes a Run."""
        del self.cluster.objects[names.ref("Run", "models", run)]

    def runs(self):
        return sorted(ref.name for ref in self.cluster.objects if ref.kind == "Run")

    def run(self, name):
        return self.cluster.objects[names.ref("Run", "models", name)]

    def status(self, drill="weekly"):
        return self.cluster.objects[names.ref("Drill", "models", drill)].get("status", {})

    def accepted(self, drill="weekly"):
        """Whether a Drill is, and what it is told."""
        (condition,) = self.status(drill)["conditions"]
        return condition["status"], condition.get("message", "")

    def events(self):
        """What people are told, in order: type, reason and message."""
        bodies = [body for ref, body in self.cluster.objects.items() if ref.kind == "Event"]
        told = sorted(bodies, key=lambda one: one["eventTime"])
        return [(body["type"], body["reason"], body["message"]) for body in told]
