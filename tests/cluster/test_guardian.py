"""Why: the guardian is alone when it matters."""

import asyncio
from datetime import timedelta

import pytest
from cluster.scenes import (
    CONFIG,
    IMAGE,
    KEY,
    LATER,
    REPLICAS,
    SOON,
    TARGET,
    TEAM,
    WHERE,
    created,
    guardian,
    injected,
    line_of,
    two_steps,
    virtually,
    world,
)

from chaosctl.changes import look
from chaosctl.cluster.lease import LEASE, is_alive
from chaosctl.cluster.ledger import Ledger, Line, LineState, NotOurs, body_of
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.cluster.owner import myself
from chaosctl.cluster.recover import recover
from chaosctl.cluster.restore import restore
from chaosctl.errors import Lost, TooLate
from chaosctl.model import Op
from chaosctl.testing import EPOCH, FakeClock, config_map


class At(FakeClock):
    """A clock that shows a time of its own."""

    def __init__(self, when):
        self.when = when

    def now(self):
        return self.when


def at(when, cluster):
    return Ledgers(cluster, At(when), KEY)


@virtually
async def test_it_waits_for_the_deadline_and_no_longer():
    cluster, ledgers = world()
    await injected(await two_steps(cluster), ledgers)

    await guardian(at(LATER - timedelta(seconds=1), cluster)).sweep()
    assert CONFIG in cluster.objects
    await guardian(at(LATER, cluster)).sweep()
    assert CONFIG not in cluster.objects


@virtually
async def test_nothing_changes_before_a_guardian_has_checked_its_rights():
    cluster, ledgers = world()
    cluster.denied = {"delete ReplicaSet"}
    standing = asyncio.ensure_future(guardian(ledgers).stand())

    with pytest.raises(TooLate, match="no guardian"):
        await injected(await two_steps(cluster), ledgers, guarded=True)
    assert CONFIG not in cluster.objects
    cluster.denied = set()
    await injected(await two_steps(cluster, entry="later"), ledgers, guarded=True)

    standing.cancel()
    line = (await ledgers.read(WHERE)).line("later")
    assert (line.state, line.ready.name) == (LineState.APPLIED, "guardian")


@virtually
async def test_a_target_that_cannot_be_restored_keeps_nobody_waiting():
    cluster, ledgers = world()
    await injected(await line_of(cluster, {REPLICAS: 1}, deadline=SOON), ledgers)
    other = WHERE.model_copy(update={"name": "chaosctl-other"})
    await ledgers.enter(other, "r2", Line(entry="x", plan=(created(),), deadline=SOON))
    write = cluster.patch

    async def broken(ref, ops, **more):
        if ref == TARGET and ledgers.clock.now() < SOON + timedelta(minutes=1):
            raise Lost("no answer")
        return await write(ref, ops, **more)

    cluster.patch = broken
    standing = asyncio.ensure_future(guardian(ledgers).stand())
    await ledgers.clock.sleep_until(SOON + timedelta(seconds=5))

    assert not (await ledgers.read(other)).is_open
    assert (await ledgers.read(WHERE)).is_open
    await ledgers.clock.sleep_until(SOON + timedelta(minutes=1, seconds=10))
    standing.cancel()
    assert look(cluster.objects[TARGET], REPLICAS) == 3


@virtually
async def test_a_ledger_of_another_version_is_named_and_keeps_nobody_from_undoing_others():
    cluster, ledgers = world()
    await injected(await line_of(cluster, {REPLICAS: 1}), ledgers)
    other = WHERE.model_copy(update={"name": "chaosctl-deployment-other"})
    newer = type("Newer", (Ledger,), {"__annotations__": {"mood": str}, "mood": "well"})
    await cluster.create(other, body_of(other, newer(run="r9"), ledgers.key_of(other)))

    with pytest.raises(NotOurs, match="another version of chaosctl wrote it"):
        await ledgers.read(other)
    await guardian(at(LATER, cluster)).sweep()
    assert look(cluster.objects[TARGET], REPLICAS) == 3


@virtually
async def test_a_forged_ledger_is_left_alone():
    cluster, ledgers = world()
    forger = Ledgers(cluster, FakeClock(), b"forged" * 6)
    await injected(await line_of(cluster, {TEAM: "x"}, deadline=SOON), forger)
    writes = list(cluster.writes)

    await guardian(at(LATER, cluster)).sweep()

    assert writes == cluster.writes
    assert (await recover(ledgers))[0].error.startswith(str(WHERE))


@virtually
async def test_closed_ledgers_are_swept_and_then_go():
    cluster, ledgers = world()
    await ledgers.enter(WHERE, "r1", Line(entry="e", plan=(created(),), deadline=SOON))
    await ledgers.move(WHERE, "e", LineState.APPLYING, touched=True)
    await restore(WHERE, "e", ledgers)
    await ledgers.journalled(WHERE, "r1")
    late = config_map("made-by-us")
    late["metadata"]["labels"] = {"chaosctl.dev/run": "r1"}
    await cluster.create(CONFIG, late)

    await guardian(ledgers).sweep()
    assert CONFIG not in cluster.objects
    assert WHERE in cluster.objects
    await guardian(at(EPOCH + timedelta(minutes=11), cluster)).sweep()
    assert WHERE not in cluster.objects


@virtually
async def test_a_ledger_whose_outcomes_nobody_has_read_is_kept_for_a_day():
    cluster, ledgers = world()
    await injected(await line_of(cluster, {TEAM: "x"}), ledgers)
    await restore(WHERE, "e", ledgers)

    await guardian(at(EPOCH + timedelta(hours=23), cluster)).sweep()
    assert WHERE in cluster.objects
    await guardian(at(EPOCH + timedelta(hours=25), cluster)).sweep()
    assert WHERE not in cluster.objects


@virtually
async def test_a_hold_that_is_over_is_let_go():
    cluster, ledgers = world()
    await ledgers.claim(WHERE, "r1", myself(), SOON)

    await guardian(at(SOON, cluster)).sweep()

    assert not (await ledgers.read(WHERE)).is_open


@virtually
async def test_it_holds_a_lease_that_others_can_see_and_take_over_when_it_is_gone():
    cluster, ledgers = world()
    first = asyncio.ensure_future(guardian(ledgers).stand())
    await asyncio.sleep(5)
    assert is_alive(await cluster.get(LEASE), ledgers.clock.now())
    first.cancel()
    await asyncio.sleep(20)
    assert not is_alive(await cluster.get(LEASE), ledgers.clock.now())

    second = guardian(ledgers)
    second.name = "second"
    standing = asyncio.ensure_future(second.stand())
    await asyncio.sleep(2)
    standing.cancel()

    assert look(await cluster.get(LEASE), "/spec/holderIdentity") == "second"


@virtually
async def test_recover_undoes_what_a_dead_run_left_and_lists_it_first():
    cluster, ledgers = world()
    before = cluster.facts()
    dead = myself().model_copy(update={"born": "1"})
    await ledgers.claim(WHERE, "r1", dead, LATER)
    await injected(await two_steps(cluster), ledgers)
    broken = cluster.facts()

    (listed,) = await recover(ledgers, dry_run=True)
    assert (listed.run, listed.entry, listed.why) == ("r1", "e", "its run is dead")
    assert broken == cluster.facts()
    (done,) = await recover(ledgers)

    assert {undone.outcome for undone in done.outcomes} == {"undone"}
    assert before == cluster.facts()
    assert not (await ledgers.read(WHERE)).is_open


@virtually
async def test_recover_leaves_a_living_run_alone_until_its_deadline():
    cluster, ledgers = world()
    await ledgers.claim(WHERE, "r1", myself(), LATER)
    await injected(await two_steps(cluster), ledgers)

    assert await recover(ledgers) == ()
    assert len(await recover(at(LATER, cluster))) == 1


@virtually
async def test_recover_says_how_to_repair_by_hand_what_it_could_not_undo():
    cluster, ledgers = world()
    await injected(await line_of(cluster, {REPLICAS: 1}, deadline=SOON), ledgers)

    async def refuse(*_, **__):
        raise Lost("no answer")

    cluster.patch = refuse
    (found,) = await recover(at(LATER, cluster))

    assert found.error == "no answer"
    assert found.repair.startswith("kubectl -n models patch deployment.apps ranker")


@virtually
async def test_recover_says_which_ledger_it_could_not_finish():
    cluster, ledgers = world()
    await injected(await line_of(cluster, {IMAGE: "model:bad"}, deadline=SOON), ledgers)

    async def refuse(*_, **__):
        raise Lost("no answer")

    cluster.delete = refuse
    undone, unfinished = await recover(at(LATER, cluster))

    assert undone.error == ""
    assert (unfinished.where, unfinished.entry, unfinished.error) == (WHERE, "", "no answer")


@virtually
async def test_two_guardians_do_no_harm():
    cluster, ledgers = world()
    before = cluster.facts()
    await injected(await two_steps(cluster, deadline=SOON), ledgers)
    guards = [asyncio.ensure_future(guardian(ledgers).stand()) for _ in range(2)]

    await ledgers.clock.sleep_until(SOON + timedelta(seconds=30))

    for guard in guards:
        guard.cancel()
    cluster.objects.pop(LEASE, None)
    assert before == cluster.facts()
    await cluster.patch(TARGET, [Op(op="test", path=REPLICAS, value=3)])
