"""Why: the watchdog is tried on a whole scene: a cluster, releases that behave well or badly, and time."""

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import NamedTuple

from chaosctl.changes import look
from chaosctl.errors import NoData
from chaosctl.model import Op
from chaosctl.testing import (
    FakeAnswers,
    FakeClock,
    FakeCluster,
    MemoryJournal,
    Sample,
    deployment,
    deployment_ref,
)
from chaosctl.watchdog import Settings, Watchdog, parse_event

MODEL = deployment_ref("model")
KEPT = 400  # samples; the watchdog reads each once
WATCHED = {"chaosctl.dev/watchdog": "enabled"}


class Behaviour(NamedTuple):
    """How the answers of an image are: shares of errors and of wrong ones; its share of the traffic."""

    errors: float = 0.0
    wrong: float = 0.0
    share: float = 1.0


GOOD = Behaviour()
WRONG = Behaviour(wrong=0.38)


def watched(name="model", image="model:stable", **labels):
    body = deployment(name, image=image)
    body["metadata"]["labels"] = WATCHED | labels
    return body


@dataclass
class Heard(FakeAnswers):
    """Answers that can hang."""

    scene: "Scene | None" = None

    async def settled(self, end):  # noqa: ARG002 - they hang or they do not
        if self.scene.hanging:
            await asyncio.Event().wait()


class Scene:
    """A cluster with one watched Deployment, and a watchdog."""

    def __init__(self, cluster=None, *, behaviours=None, past=(), seed=1, via=None, journal=None, **settings):
        self.cluster = cluster or FakeCluster(watched())
        self.behaviours = {"model:stable": GOOD} | (behaviours or {})
        self.random = Random(seed)
        self.journal = journal or MemoryJournal()
        self.streams = []
        self.open_streams = 0
        self.closed = 0  # times that no stream can be opened
        self.hanging = False
        self.watchdog = Watchdog(
            via or self.cluster, FakeClock(), self.answers, self.journal, Settings(**settings), past
        )

    # --- the world

    @asynccontextmanager
    async def answers(self, target):
        """Twenty requests a second, answered as the images behave that are deployed."""
        if self.closed:
            self.closed -= 1
            raise NoData(f"{target}: nobody listens")
        self.streams.append(target)
        self.open_streams += 1
        heard = Heard([], self)
        sending = asyncio.create_task(self.send(target, heard))
        try:
            yield heard
        finally:
            self.open_streams -= 1
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending

    async def send(self, target, heard):
        old = self.image(target.workload)
        while True:
            await asyncio.sleep(0.05)
            heard.samples.append(self.sample(self.image(target.workload), old))
            del heard.samples[:-KEPT]

    def sample(self, image, old):
        if image is None:
            return Sample(FakeClock().now(), ok=False)
        behaviour = self.behaviours[image]
        if self.random.random() >= behaviour.share:
            image, behaviour = old, self.behaviours[old]
        ok, agrees = self.random.random() >= behaviour.errors, self.random.random() >= behaviour.wrong
        return Sample(FakeClock().now(), ok=ok, agrees=agrees, version=image.partition(":")[2])

    def image(self, ref=MODEL):
        body = self.cluster.objects.get(ref)
        return body and look(body, "/spec/template/spec/containers/0/image")

    async def release(self, image, behaviour=None, ref=MODEL):
        if behaviour:
            self.behaviours[image] = behaviour
        path = "/spec/template/spec/containers/0/image"
        await self.cluster.patch(ref, (Op(op="replace", path=path, value=image),), manager="kubectl")

    async def set(self, path, value, ref=MODEL):
        await self.cluster.patch(ref, (Op(op="add", path=path, value=value),), manager="kubectl")

    # --- the watchdog

    @asynccontextmanager
    async def watching(self):
        """The watchdog runs, until the end of the block. Its crash is the test's failure."""
        running = asyncio.create_task(self.watchdog.run())
        try:
            yield self
            assert not running.done(), running.exception()
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    async def until(self, what: Callable[[], bool], within=60.0):
        """Wait until something is so; how many seconds that took."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        while not what():
            assert loop.time() - begin < within, (self.types(), self.said())
            await asyncio.sleep(0.1)
        return loop.time() - begin

    async def certified(self, image="stable"):
        return await self.until(lambda: self.trusts(image))

    def trusts(self, image):
        return any(event.type == "certified" and image in event.revision.versions for event in self.events())

    def events(self, kind=None):
        events = [parse_event(line) for line in self.journal.lines]
        return [event for event in events if kind in (None, event.type)]

    def types(self):
        return [event.type for event in self.events()]

    def said(self, reason=None):
        """The Kubernetes Events of a reason."""
        events = [body for ref, body in self.cluster.objects.items() if ref.kind == "Event"]
        return [body for body in events if reason in (None, body["reason"])]

    def open_ledger(self, run="run-1"):
        labels = {"chaosctl.dev/ledger": "open", "chaosctl.dev/run": run}
        metadata = {"name": "chaosctl-deployment-model", "namespace": "models", "labels": labels}
        self.cluster.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {}})

    def write_rules(self, text, name="model"):
        metadata = {"name": "chaosctl-watchdog", "namespace": "models"}
        self.cluster.put(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {name: text}}
        )

    def written_deployments(self):
        return [ref for verb, ref in self.cluster.writes if verb == "patch" and ref.kind == "Deployment"]


class Troubled(FakeCluster):
    """A cluster that says of an image's pods and rollouts what a test wants it to say."""

    def __init__(self, *bodies):
        super().__init__(*bodies)
        self.waiting = {}
        self.restarts = {}
        self.stuck = set()
        self.leftovers = []
        self.unseen = False  # the latest change, by the controller that writes the status

    async def pods(self, owner):
        return [*self.leftovers, *(self._ailing(pod) for pod in await super().pods(owner))]

    async def get(self, ref):
        body = await super().get(ref)
        if ref.kind == "Deployment" and _image(body, "/spec/template/spec") in self.stuck:
            reason = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
            body["status"]["conditions"][1] = reason
        if ref.kind == "Deployment" and self.unseen:
            body["status"]["observedGeneration"] -= 1
        return body

    def _ailing(self, pod):
        image, container = _image(pod, "/spec"), pod["status"]["containerStatuses"][0]
        container["restartCount"] = self.restarts.get(image, 0)
        if image in self.waiting:
            container["state"] = {"waiting": {"reason": self.waiting[image]}}
        return pod


def _image(body, path):
    return look(body, f"{path}/containers/0/image")


def seconds(number):
    return timedelta(seconds=number)
