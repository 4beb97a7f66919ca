"""Why: runs, lanes and guardians share a ledger, and none may take away what another one said."""

import asyncio
from datetime import timedelta

import pytest
from cluster.scenes import (
    CONFIG,
    IMAGE,
    KEY,
    LATER,
    REPLICAS,
    SET_UP,
    TARGET,
    WHERE,
    created,
    guardian,
    injected,
    ledgers_of,
    line_of,
    virtually,
    world,
)

from chaosctl.changes import Outcome, look
from chaosctl.cluster.ledger import LATEST, Ledger, Line, LineState
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.cluster.owner import myself
from chaosctl.cluster.restore import restore
from chaosctl.cluster.sweep import settle, tidy
from chaosctl.errors import Busy, Lost, TooLate
from chaosctl.testing import FakeClock


def empty(entry="e", **fields):
    return Line(entry=entry, plan=(), deadline=LATER, **fields)


@virtually
async def test_only_the_run_that_holds_a_target_can_let_it_go():
    _, ledgers = world()
    await ledgers.claim(WHERE, "r1", myself(), LATER)

    await ledgers.release(WHERE, "r2")

    with pytest.raises(Busy, match="r1"):
        await ledgers.claim(WHERE, "r2", myself(), LATER)


@virtually
async def test_a_target_that_is_held_is_shown_as_open_though_no_line_is():
    cluster, ledgers = world()
    await ledgers.claim(WHERE, "r1", myself(), LATER)

    assert look(cluster.objects[WHERE], "/metadata/labels/chaosctl.dev~1ledger") == "open"


@virtually
async def test_of_two_runs_that_claim_at_once_one_is_told_that_the_target_is_busy():
    cluster, ledgers = world()
    create = cluster.create

    async def overtaken(ref, body, **more):
        cluster.create = create
        await ledgers_of(cluster).claim(WHERE, "r1", myself(), LATER)
        return await create(ref, body, **more)

    cluster.create = overtaken

    with pytest.raises(Busy, match="r1"):
        await ledgers.claim(WHERE, "r2", myself(), LATER)


@virtually
async def test_a_line_that_is_being_applied_is_not_entered_again():
    _, ledgers = world()
    await ledgers.enter(WHERE, "r1", empty())
    await ledgers.move(WHERE, "e", LineState.APPLYING)

    with pytest.raises(TooLate, match="already applying"):
        await ledgers.enter(WHERE, "r1", empty())


@virtually
async def test_a_line_is_not_acknowledged_before_it_was_applying():
    _, ledgers = world()
    await ledgers.enter(WHERE, "r1", empty())

    with pytest.raises(TooLate, match="cannot become applied"):
        await ledgers.move(WHERE, "e", LineState.APPLIED)


@virtually
async def test_a_line_that_came_meanwhile_is_not_buried():
    _, ledgers = world()
    await ledgers.enter(WHERE, "r1", empty())

    await ledgers.bury(WHERE, "e")

    assert (await ledgers.read(WHERE)).line("e").is_open


@virtually
async def test_the_first_guardian_that_is_ready_is_the_one_that_is_named():
    _, ledgers = world()
    await ledgers.enter(WHERE, "r1", empty())

    for name in ("first", "second"):
        await ledgers.mark_ready(WHERE, "e", name)

    assert (await ledgers.read(WHERE)).line("e").ready.name == "first"


@virtually
async def test_a_ledger_is_as_old_as_its_last_line():
    _, ledgers = world()
    for entry in ("one", "two"):
        await ledgers.enter(WHERE, "r1", empty(entry))
        await asyncio.sleep(60)
        await restore(WHERE, entry, ledgers)

    assert (await ledgers.read(WHERE)).closed == ledgers.clock.now()


def test_only_creations_without_an_answer_are_waited_for_and_no_longer_than_a_request_takes():
    closed = {"entry": "e", "plan": (created(),), "deadline": LATER, "state": LineState.CLOSED}
    unanswered = Line(**closed, touched=True)
    answered = Line(**closed, touched=True, acknowledged=True)

    assert Ledger(run="r1", lines=(answered,)).late() == ()
    assert [late.until for late in Ledger(run="r1", lines=(unanswered,)).late()] == [LATER + LATEST]


@virtually
async def test_a_guardian_undoes_the_last_line_first():
    cluster, ledgers = world()
    soon = ledgers.clock.now() + SET_UP
    await injected(await line_of(cluster, {REPLICAS: 1}, entry="first", deadline=soon), ledgers)
    await injected(Line(entry="then", plan=(created(),), deadline=soon), ledgers)
    before = len(cluster.writes)
    await asyncio.sleep(20)

    await guardian(ledgers).sweep()

    undone = [ref for _, ref in cluster.writes[before:] if ref in (CONFIG, TARGET)]
    assert undone[0] == CONFIG
    assert TARGET in undone


@virtually
async def test_a_guardian_that_may_not_write_ledgers_promises_nothing():
    cluster, ledgers = world()
    await ledgers.enter(WHERE, "r1", await line_of(cluster, {REPLICAS: 1}))
    cluster.denied = {"patch ConfigMap"}

    await guardian(ledgers).sweep()

    assert (await ledgers.read(WHERE)).line("e").ready is None


class Hour(FakeClock):
    """A clock an hour later."""

    def now(self):
        return super().now() + timedelta(hours=1)


@virtually
async def test_a_ledger_that_closed_after_it_was_journalled_is_kept_as_long_as_any_other():
    cluster, ledgers = world()
    await ledgers.enter(WHERE, "r1", empty())
    await ledgers.journalled(WHERE, "r1")
    later = Ledgers(cluster, Hour(), KEY)
    await restore(WHERE, "e", later)

    await guardian(later).sweep()

    assert WHERE in cluster.objects


@virtually
async def test_an_undo_whose_answer_was_lost_is_still_ours():
    cluster, ledgers = world()
    await injected(await line_of(cluster, {REPLICAS: 1}), ledgers)
    write = cluster.patch

    async def lossy(ref, ops, **more):
        done = await write(ref, ops, **more)
        if ref == TARGET:
            cluster.patch = write
            raise Lost("no answer")
        return done

    cluster.patch = lossy
    with pytest.raises(Lost):
        await restore(WHERE, "e", ledgers)

    (undone,) = await restore(WHERE, "e", ledgers)
    assert (undone.outcome, undone.by) == (Outcome.UNDONE, "chaosctl")


@virtually
async def test_what_is_tidy_is_written_down_and_not_looked_for_again():
    cluster, ledgers = world()
    await injected(await line_of(cluster, {IMAGE: "model:bad"}), ledgers)
    await restore(WHERE, "e", ledgers)

    assert await settle(WHERE, ledgers, timedelta(seconds=30))
    assert (await ledgers.read(WHERE)).line("e").tidy
    cluster.objects.pop(TARGET)
    assert await tidy(WHERE, ledgers)


@virtually
async def test_tidying_goes_on_until_slow_pods_are_gone_but_not_for_ever():
    cluster, ledgers = world()
    await injected(await line_of(cluster, {IMAGE: "model:bad"}), ledgers)
    await restore(WHERE, "e", ledgers)
    bad = next(body for body in cluster.objects.values() if look(body, IMAGE) == "model:bad")
    bad["spec"]["replicas"] = 1
    begun = ledgers.clock.now()

    assert not await settle(WHERE, ledgers, timedelta(seconds=3))
    assert ledgers.clock.now() - begun >= timedelta(seconds=3)
    asyncio.get_running_loop().call_later(2, bad["spec"].update, {"replicas": 0})
    assert await settle(WHERE, ledgers, timedelta(seconds=30))


@virtually
async def test_a_target_that_is_gone_has_no_marks_to_take_away():
    cluster, ledgers = world()
    await ledgers.enter(WHERE, "r1", await line_of(cluster, {REPLICAS: 1}))
    await ledgers.move(WHERE, "e", LineState.APPLYING, touched=True)
    del cluster.objects[TARGET]
    await restore(WHERE, "e", ledgers)

    assert await tidy(WHERE, ledgers)
