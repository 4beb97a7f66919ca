"""Why: the ledger is all that is left of a run that died, so nobody else may write it, or lose it."""

import asyncio
import hashlib
import os
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from cluster.scenes import (
    LATER,
    REPLICAS,
    SOON,
    TARGET,
    TEAM,
    WHERE,
    guardian,
    injected,
    line_of,
    two_steps,
    virtually,
    world,
)

from chaosctl.changes import look, patch
from chaosctl.cluster.ledger import (
    LONGEST_NAME,
    MOVES,
    Ledger,
    Line,
    LineState,
    NotOurs,
    body_of,
    ledger_of,
)
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.cluster.owner import lives, myself
from chaosctl.cluster.restore import restore
from chaosctl.errors import Busy, CannotPlan, TooLate
from chaosctl.model import Create, Op, Ref
from chaosctl.testing import EPOCH, Fate, Shaky


def labels(cluster):
    return look(cluster.objects[WHERE], "/metadata/labels")


@virtually
async def test_a_target_has_one_run_at_a_time():
    cluster, ledgers = world()
    line = await two_steps(cluster)
    await ledgers.enter(WHERE, "r1", line)
    with pytest.raises(Busy, match="r1"):
        await ledgers.enter(WHERE, "r2", line)
    await restore(WHERE, "e", ledgers)
    await ledgers.enter(WHERE, "r2", line)

    assert (await ledgers.read(WHERE)).run == "r2"


@virtually
async def test_several_lanes_may_write_it_at_once_and_none_is_lost():
    cluster, ledgers = world()
    far = replace(ledgers, cluster=Shaky(cluster, Fate(Random(1))))
    lines = [Line(entry=f"e{number}", plan=(), deadline=LATER) for number in range(5)]
    await ledgers.claim(WHERE, "r1", myself(), LATER)

    await asyncio.gather(*(far.enter(WHERE, "r1", line) for line in lines))

    assert {line.entry for line in (await ledgers.read(WHERE)).lines} == {line.entry for line in lines}


@virtually
async def test_a_run_holds_its_target_between_its_entries_until_it_lets_go():
    _, ledgers = world()
    await ledgers.claim(WHERE, "r1", myself(), LATER)

    with pytest.raises(Busy):
        await ledgers.claim(WHERE, "r2", myself(), LATER)
    await ledgers.release(WHERE, "r1")

    assert (await ledgers.claim(WHERE, "r2", myself(), LATER)).run == "r2"


@virtually
async def test_a_hold_ends_by_itself():
    _, ledgers = world()
    await ledgers.claim(WHERE, "r1", myself(), EPOCH)

    assert (await ledgers.claim(WHERE, "r2", myself(), LATER)).run == "r2"


@virtually
async def test_labels_say_whether_it_is_open_and_whose_it_is():
    cluster, ledgers = world()
    await injected(await line_of(cluster, {REPLICAS: 1}), ledgers)
    while_open = labels(cluster)
    await restore(WHERE, "e", ledgers)

    assert while_open["chaosctl.dev/ledger"] == "open"
    assert labels(cluster) == {
        "chaosctl.dev/ledger": "closed",
        "chaosctl.dev/run": "r1",
        "app.kubernetes.io/managed-by": "chaosctl",
    }


@pytest.mark.parametrize("path", ["/data/ledger", "/data/mac"])
@virtually
async def test_a_ledger_that_somebody_changed_is_not_acted_upon(path):
    cluster, ledgers = world()
    await injected(await line_of(cluster, {REPLICAS: 1}), ledgers)
    old = str(look(cluster.objects[WHERE], path))
    await cluster.patch(WHERE, [Op(op="replace", path=path, value=old.replace("3", "9") + "é")])

    with pytest.raises(NotOurs, match="installation's key"):
        await restore(WHERE, "e", ledgers)

    assert look(cluster.objects[TARGET], REPLICAS) == 1


@virtually
async def test_a_ledger_cannot_be_carried_to_another_target():
    cluster, ledgers = world()
    await injected(await line_of(cluster, {REPLICAS: 1}), ledgers)
    other = WHERE.model_copy(update={"name": "chaosctl-deployment-other"})
    await cluster.create(other, {"data": cluster.objects[WHERE]["data"]})

    with pytest.raises(NotOurs):
        await ledgers.read(other)


@virtually
async def test_a_ledger_cannot_be_carried_to_the_same_target_of_another_namespace():
    cluster, ledgers = world()
    await injected(await line_of(cluster, {REPLICAS: 1}), ledgers)
    other = WHERE.model_copy(update={"namespace": "elsewhere"})
    await cluster.create(other, {"data": cluster.objects[WHERE]["data"]})

    with pytest.raises(NotOurs):
        await ledgers.read(other)


@virtually
async def test_a_deadline_that_somebody_moved_is_not_believed():
    cluster, ledgers = world()
    await injected(await line_of(cluster, {REPLICAS: 1}, deadline=LATER), ledgers)
    text = str(look(cluster.objects[WHERE], "/data/ledger"))
    sooner = text.replace(f"{LATER:%Y-%m-%dT%H:%M:%S}", f"{EPOCH:%Y-%m-%dT%H:%M:%S}")
    assert sooner != text
    digest = hashlib.sha256(sooner.encode()).hexdigest()
    edits = {"/data/ledger": sooner, "/data/sha256": digest}
    await cluster.patch(WHERE, [Op(op="replace", path=path, value=value) for path, value in edits.items()])

    await guardian(ledgers).sweep()

    assert look(cluster.objects[TARGET], REPLICAS) == 1
    with pytest.raises(NotOurs):
        await ledgers.read(WHERE)


@virtually
async def test_an_old_ledger_that_is_played_again_undoes_nothing_that_is_not_ours():
    cluster, ledgers = world()
    await injected(await line_of(cluster, {REPLICAS: 1}, deadline=SOON), ledgers)
    old = cluster.objects[WHERE]["data"]
    await restore(WHERE, "e", ledgers)
    await cluster.patch(TARGET, [Op(op="replace", path=REPLICAS, value=5)], manager="kubectl")
    before = cluster.facts()

    await cluster.patch(WHERE, [Op(op="replace", path="/data", value=old)], manager="forger")
    assert (await ledgers.read(WHERE)).is_open
    await ledgers.clock.sleep_until(SOON)
    await guardian(ledgers).sweep()

    assert before == cluster.facts()
    assert [undone.outcome for undone in (await ledgers.read(WHERE)).line("e").outcomes] == ["superseded"]


@virtually
async def test_the_key_of_one_ledger_opens_that_ledger_alone():
    cluster, ledgers = world()
    other = WHERE.model_copy(update={"name": "chaosctl-deployment-other"})
    await ledgers.claim(WHERE, "r1", myself(), LATER)
    await ledgers.claim(other, "r2", myself(), LATER)
    alone = Ledgers(cluster, ledgers.clock, ledgers.key_of(WHERE), only=WHERE)

    assert (await alone.read(WHERE)).run == "r1"
    await alone.release(WHERE, "r1")
    assert not (await ledgers.read(WHERE)).is_open
    with pytest.raises(NotOurs):
        await alone.read(other)


@virtually
async def test_a_ledger_reaches_nothing_outside_of_its_namespace_whoever_wrote_it():
    _, ledgers = world()
    elsewhere = TARGET.model_copy(update={"namespace": "elsewhere"})
    abroad = patch(elsewhere, {"spec": {"replicas": 3}}, {REPLICAS: 0})
    role = patch(Ref(kind="ClusterRole", name="admin"), {"rules": []}, {"/rules": ["all"]})
    node = patch(Ref(kind="Node", name="node-a"), {"spec": {}}, {"/spec/unschedulable": True})
    for step in (abroad, role):
        with pytest.raises(CannotPlan, match="outside of models"):
            await ledgers.enter(WHERE, "r1", Line(entry="e", plan=(step,), deadline=LATER))
        leaked = Ledger(run="r1", lines=(Line(entry="e", plan=(step,), deadline=EPOCH),))
        body = body_of(WHERE, leaked, ledgers.key_of(WHERE))
        with pytest.raises(NotOurs, match="outside of models"):
            ledgers.parse(WHERE, body)

    await ledgers.enter(WHERE, "r1", Line(entry="e", plan=(node,), deadline=LATER))
    assert (await ledgers.read(WHERE)).run == "r1"


@virtually
async def test_more_undo_data_than_an_object_can_hold_is_refused_before_anything_is_written():
    cluster, ledgers = world()
    large = Create(ref=TARGET, body={"data": "x" * 900 * 1024})

    with pytest.raises(CannotPlan, match="bytes"):
        await ledgers.enter(WHERE, "r1", Line(entry="e", plan=(large,), deadline=LATER))

    assert cluster.writes == []


def test_the_ledger_never_goes_back():
    order = list(LineState)

    assert all(order.index(to) > order.index(state) for state in order for to in MOVES[state])
    assert all(LineState.REVERTING in MOVES[state] for state in order[:3])


@virtually
async def test_a_closed_line_is_closed_for_good():
    cluster, ledgers = world()
    await injected(await line_of(cluster, {TEAM: None}), ledgers)
    await restore(WHERE, "e", ledgers)

    with pytest.raises(TooLate):
        await ledgers.move(WHERE, "e", LineState.APPLYING)
    with pytest.raises(TooLate):
        await ledgers.enter(WHERE, "r1", await line_of(cluster, {TEAM: None}))


def test_names_fit_and_differ_however_long_the_target_is_called():
    long = "m" * 80
    names = {ledger_of(Ref(kind="Deployment", namespace="a", name=long + end)).name for end in ("a", "b")}

    assert len(names) == 2
    assert all(len(name) <= LONGEST_NAME for name in names)
    assert ledger_of(TARGET).name == "chaosctl-deployment-ranker"


def test_an_owner_lives_as_long_as_its_process_and_nobody_elses():
    me = myself()

    assert lives(me)
    assert me.pid == os.getpid()
    assert not lives(me.model_copy(update={"born": "1"}))
    assert not lives(me.model_copy(update={"boot": "another"}))
    assert not lives(me.model_copy(update={"pid": 2**22 + 1}))
    assert lives(me.model_copy(update={"host": "elsewhere", "pid": 2**22 + 1}))


@virtually
async def test_an_expired_ledger_goes_and_the_next_run_finds_room():
    cluster, ledgers = world()
    await injected(await line_of(cluster, {TEAM: None}), ledgers)
    await restore(WHERE, "e", ledgers)
    await ledgers.journalled(WHERE, "r1")

    await ledgers.remove(WHERE, await cluster.get(WHERE))

    assert WHERE not in cluster.objects
    await injected(await line_of(cluster, {TEAM: None}, deadline=SOON), ledgers, run="r2")
    assert (await ledgers.read(WHERE)).run == "r2"


@virtually
async def test_a_ledger_that_was_taken_over_meanwhile_is_not_removed():
    cluster, ledgers = world()
    await injected(await line_of(cluster, {TEAM: None}), ledgers)
    await restore(WHERE, "e", ledgers)
    seen = await cluster.get(WHERE)
    await ledgers.claim(WHERE, "r2", myself(), EPOCH + timedelta(hours=1))

    await ledgers.remove(WHERE, seen)

    assert (await ledgers.read(WHERE)).run == "r2"
