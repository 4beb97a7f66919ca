"""Why: one deployment, one line and one way to inject serve all the tests of the ledger and the undo."""

from datetime import timedelta
from functools import wraps

from chaosctl.changes import patch
from chaosctl.cluster.guardian import Guardian
from chaosctl.cluster.inject import inject
from chaosctl.cluster.ledger import Line, ledger_of
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.model import Create, Ref
from chaosctl.testing import (
    EPOCH,
    FakeClock,
    FakeCluster,
    config_map,
    deployment,
    deployment_ref,
    in_virtual_time,
    namespace,
)

KEY = b"k" * 32
TARGET = deployment_ref("ranker")
WHERE = ledger_of(TARGET)
CONFIG = Ref(kind="ConfigMap", namespace="models", name="made-by-us")
IMAGE = "/spec/template/spec/containers/0/image"
NAME = "/spec/template/spec/containers/0/name"
REPLICAS = "/spec/replicas"
TEAM = "/metadata/annotations/team"
LATER = EPOCH + timedelta(hours=1)
SET_UP = timedelta(seconds=15)
SOON = EPOCH + timedelta(minutes=5)


def virtually(test):
    """Run an asynchronous test in virtual time."""

    @wraps(test)
    def run(*arguments, **named):
        return in_virtual_time(test(*arguments, **named))

    return run


def world():
    cluster = FakeCluster(namespace(), deployment("ranker"))
    return cluster, ledgers_of(cluster)


def ledgers_of(cluster):
    return Ledgers(cluster, FakeClock(), KEY)


async def change(cluster, wanted, pins=()):
    return patch(TARGET, await cluster.get(TARGET), wanted, pins)


def created():
    return Create(ref=CONFIG, body=config_map("made-by-us", mode="chaos"))


async def two_steps(cluster, entry="e", deadline=LATER):
    release = await change(cluster, {IMAGE: "model:bad"}, [NAME])
    return Line(entry=entry, plan=(created(), release), deadline=deadline)


async def line_of(cluster, wanted, entry="e", deadline=LATER):
    return Line(entry=entry, plan=(await change(cluster, wanted),), deadline=deadline)


async def injected(line, ledgers, run="r1", *, guarded=False):
    ready_by = ledgers.clock.now() + SET_UP
    await inject(WHERE, run, line, ledgers, guarded=guarded, ready_by=ready_by)


def guardian(ledgers, **settings):
    return Guardian(name="guardian", ledgers=ledgers, **settings)


def written(cluster):
    """The kinds of what was written, ledgers left out."""
    return [ref.kind for _, ref in cluster.writes if ref != WHERE and ref.kind != "Lease"]
