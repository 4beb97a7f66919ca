"""Why: the engine only knows what the performer tells it, so a wrong word here is a wrong verdict."""

from datetime import timedelta
from functools import reduce, wraps
from typing import NamedTuple

import pytest

from chaosctl.catalog import installed
from chaosctl.changes import look, patch
from chaosctl.cluster.ledger import ledger_of
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.engine import events
from chaosctl.engine.decide import Apply, Keep, Measure, Prepare, Revert
from chaosctl.engine.evolve import evolve
from chaosctl.engine.state import State
from chaosctl.errors import Refused
from chaosctl.model import Counts, Level, Op
from chaosctl.operations.perform import Performer, World
from chaosctl.spec import Bounds, Check, Entry, Role, Script, Target
from chaosctl.testing import (
    EPOCH,
    FakeClock,
    FakeCluster,
    FakeHttp,
    deployment,
    deployment_ref,
    in_virtual_time,
    namespace,
)

TARGET = deployment_ref("ranker")
IMAGE = "/spec/template/spec/containers/0/image"
REPLICAS = "/spec/replicas"


def at(kind, when=0, **fields):
    return kind(at=EPOCH + timedelta(seconds=when), **fields)


def check(name, role, kind, **bounds):
    return Check(name=name, role=role, probe={"kind": kind}, holds=Bounds(**bounds))


def entry(name, kind, effect=None, **fields):
    fault = {"kind": kind, **fields}
    return Entry(id=name, at=timedelta(), hold=timedelta(seconds=9), fault=fault, effect=effect)


class OnStage(NamedTuple):
    """A stage on which only the workload plays."""

    answers: object

    def of(self, _name):
        return None

    async def end(self, _name):
        """Nothing was begun."""


def performer(cluster, answers=None):
    ledgers = Ledgers(cluster, FakeClock(), b"k" * 32)
    world = World(installed(), cluster, FakeClock(), FakeHttp(), ledgers, None)
    return Performer(world, guarded=False, stage=answers and OnStage(answers))


def state_of(*entries, checks=(), rollback="none", after=(), seed=1):
    target = Target(workload=TARGET, rollback=rollback)
    of = Script(playbook="p", target=target, entries=entries, checks=checks, seed=seed)
    return reduce(evolve, after, evolve(State(), at(events.Started, run="r1", script=of)))


def a_cluster(replicas=3):
    return FakeCluster(namespace(), deployment("ranker", replicas))


async def applied(cluster, wanted, reaction=False, rollback="none"):
    """A run in which one entry has made these changes, each a step of its own."""
    seen = await cluster.get(TARGET)
    plan = tuple(patch(TARGET, seen, {path: value}) for path, value in wanted.items())
    ready = [
        at(events.Opened),
        at(events.Planned, entry="e", plan=plan, reaction=reaction),
        at(events.Applying, entry="e", deadline=EPOCH + timedelta(minutes=5)),
    ]
    state = state_of(entry("e", "noop"), rollback=rollback, after=ready)
    return evolve(state, await performer(cluster)(Apply("e"), state))


async def set_to(cluster, path, value, by="kubectl"):
    await cluster.patch(TARGET, [Op(op="replace", path=path, value=value)], manager=by)


def virtually(test):
    @wraps(test)
    def run(*arguments, **named):
        return in_virtual_time(test(*arguments, **named))

    return run


@virtually
async def test_entries_of_one_run_choose_their_victims_apart():
    cluster, names = a_cluster(12), [f"kill-{number}" for number in range(6)]
    state = state_of(*(entry(name, "pod-kill") for name in names))

    plans = [(await performer(cluster)(Prepare(name), state)).plan for name in names]

    assert len({step.uid for plan in plans for step in plan}) > 1


@virtually
async def test_the_effect_that_the_playbook_names_replaces_the_faults_own():
    own = check("mine", Role.EFFECT, "ready-replicas", max=2)
    state = state_of(entry("own", "scale-down", own, replicas=1), entry("its", "scale-down", replicas=1))
    perform = performer(a_cluster())

    assert (await perform(Prepare("own"), state)).effect == own
    assert (await perform(Prepare("its"), state)).effect.name.startswith("its: ")


@virtually
async def test_a_plan_that_the_api_server_would_not_take_is_no_plan():
    cluster = a_cluster()
    cluster_patch = cluster.patch

    async def strict(ref, ops, *, dry_run=False, **more):
        if dry_run:
            raise Refused("a policy says no")
        return await cluster_patch(ref, ops, **more)

    cluster.patch = strict
    with pytest.raises(Exception, match="a policy says no"):
        await performer(cluster)(Prepare("e"), state_of(entry("e", "scale-down", replicas=1)))


@virtually
async def test_whoever_ends_a_fault_that_expects_no_reaction_made_it_end_early():
    cluster = a_cluster()
    state = await applied(cluster, {IMAGE: "model:bad"})
    await set_to(cluster, IMAGE, "model:1", by="chaosctl-watchdog")

    event = await performer(cluster)(Keep("e"), state)

    assert (event.type, event.why) == ("effect-lost", "put back early by chaosctl-watchdog")


@virtually
async def test_only_the_one_that_is_under_test_gets_the_credit_for_a_rollback():
    for by, told in (("kubectl", "effect-lost"), ("chaosctl-watchdog", "restored")):
        cluster = a_cluster()
        state = await applied(cluster, {IMAGE: "model:bad"}, reaction=True, rollback="watchdog")
        await set_to(cluster, IMAGE, "model:1", by=by)

        assert (await performer(cluster)(Keep("e"), state)).type == told


def rolled_back(when, by):
    """What a watchdog says of an act of its own."""
    stamp = (EPOCH + timedelta(seconds=when)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"ranker.{when}", "namespace": "models"},
        "involvedObject": {"kind": "Deployment", "name": "ranker"},
        "reason": "RollbackStarted",
        "reportingComponent": by,
        "eventTime": stamp,
    }


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ([rolled_back(1, "chaosctl-watchdog")], "restored"),
        ([rolled_back(-60, "chaosctl-watchdog")], "effect-lost"),
        ([rolled_back(1, "another")], "effect-lost"),
        ([], "effect-lost"),
    ],
)
@virtually
async def test_whoever_only_takes_something_away_gets_the_credit_if_they_say_so(said, told):
    cluster = a_cluster()
    added = "/spec/template/spec/initContainers"
    wanted = {added: [{"name": "check", "image": "model:1"}]}
    state = await applied(cluster, wanted, reaction=True, rollback="watchdog")
    await cluster.patch(TARGET, [Op(op="remove", path=added)], manager="chaosctl-watchdog")
    for body in said:
        cluster.put(body)

    assert (await performer(cluster)(Keep("e"), state)).type == told


@virtually
async def test_a_foreign_value_in_any_step_makes_the_undo_superseded():
    cluster = a_cluster()
    state = await applied(cluster, {IMAGE: "model:bad", REPLICAS: 2})
    await set_to(cluster, REPLICAS, 7)
    state = evolve(state, at(events.Reverting, 9, entry="e"))

    assert (await performer(cluster)(Revert("e", 0), state)).type == "superseded"
    assert look(cluster.objects[TARGET], IMAGE) == "model:1"


@virtually
async def test_a_run_whose_ledger_was_deleted_still_puts_back_what_it_changed():
    cluster = a_cluster()
    state = evolve(await applied(cluster, {REPLICAS: 1}), at(events.Reverting, 9, entry="e"))
    del cluster.objects[ledger_of(TARGET)]

    await performer(cluster)(Revert("e", 0), state)

    assert look(cluster.objects[TARGET], REPLICAS) == 3


class Asked:
    """Answers that note what they were asked, in order."""

    def __init__(self):
        self.asked = []

    async def settled(self, until):
        self.asked.append(("settled", until))

    def failures(self, start, end):
        self.asked.append((start, end))
        return Counts(bad=0, n=1, start=start, end=end)


@virtually
async def test_each_reading_begins_where_the_last_one_ended_once_all_answers_are_in():
    cluster, answers = a_cluster(), Asked()
    last = Counts(bad=0, n=1, start=EPOCH - timedelta(seconds=9), end=EPOCH - timedelta(seconds=7))
    rule = check("errors", Role.STEADY, "error-rate", max=0.01)
    state = state_of(
        entry("e", "noop"), checks=(rule,), after=[at(events.Measured, check="errors", reading=last)]
    )

    await performer(cluster, answers)(Measure("errors", 1), state)

    assert answers.asked == [("settled", EPOCH), (last.end, EPOCH)]


@virtually
async def test_what_was_seen_in_the_steady_state_is_what_later_readings_compare_with():
    cluster = a_cluster()
    before = Level(value=1.0, detail="another", start=EPOCH - timedelta(seconds=1), end=EPOCH)
    rule = check("same", Role.STEADY, "pod-revision", min=1)
    state = state_of(
        entry("e", "noop"), checks=(rule,), after=[at(events.Measured, check="same", reading=before)]
    )

    reading = (await performer(cluster)(Measure("same", 1), state)).reading

    assert (reading.detail, reading.value) == ("another", 0)


@virtually
async def test_after_a_gap_a_reading_speaks_only_of_what_was_looked_at():
    last = Level(value=3, start=EPOCH, end=EPOCH + timedelta(seconds=1))
    ready = check("ready", Role.STEADY, "ready-replicas", min=3)
    gap = [at(events.Opened), at(events.Measured, 1, check="ready", reading=last), at(events.Resumed, 20)]
    state = state_of(entry("e", "noop"), checks=(ready,), after=gap)
    await FakeClock().sleep_until(EPOCH + timedelta(seconds=21))

    found = await performer(a_cluster())(Measure("ready", 1), state)

    assert (found.reading.start, found.reading.end) == (EPOCH + timedelta(seconds=20), FakeClock().now())
