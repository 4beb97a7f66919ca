"""Why: the guardian of one run is alone with one ledger: it must see it through, and then go."""

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
    WHERE,
    injected,
    line_of,
    two_steps,
    virtually,
    world,
)

from chaosctl.changes import look
from chaosctl.cluster.guardian import Guardian
from chaosctl.cluster.ledger import LATEST, Line, LineState, NotOurs
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.cluster.owner import myself
from chaosctl.cluster.restore import restore
from chaosctl.cluster.solo import PATIENCE, Solo
from chaosctl.errors import Forbidden, Lost, TooLate
from chaosctl.testing import EPOCH, FakeClock

MOMENT = timedelta(seconds=5)


class ByName:
    """A cluster as a Role by name leaves it: no list of ConfigMaps, no other ConfigMap, no Lease."""

    def __init__(self, cluster):
        self._cluster = cluster

    def __getattr__(self, name):
        return getattr(self._cluster, name)

    async def find(self, like, selector="", fields=""):
        if like.kind in {"ConfigMap", "Lease"}:
            raise Forbidden(f"{like.kind} cannot be listed")
        return await self._cluster.find(like, selector, fields)

    async def get(self, ref):
        if ref.kind == "Lease" or (ref.kind == "ConfigMap" and ref not in {WHERE, CONFIG}):
            raise Forbidden(f"{ref} cannot be read")
        return await self._cluster.get(ref)


def solo(cluster, run="r1"):
    key = Ledgers(cluster, FakeClock(), KEY).key_of(WHERE)
    alone = Ledgers(ByName(cluster), FakeClock(), key, only=WHERE)
    return Solo(Guardian("solo", alone), WHERE, run)


def standing(cluster, run="r1"):
    return asyncio.ensure_future(solo(cluster, run).stand())


async def ends(guarding):
    await asyncio.wait_for(guarding, 2 * MOMENT.total_seconds())
    return True


@virtually
async def test_it_undoes_after_the_deadline_with_no_more_than_its_ledger_by_name():
    cluster, ledgers = world()
    before = cluster.facts()
    await ledgers.claim(WHERE, "r1", myself(), LATER)
    guarding = standing(cluster)
    await injected(await two_steps(cluster, deadline=SOON), ledgers, guarded=True)
    ledger = await ledgers.read(WHERE)
    assert (ledger.guardian.name, ledger.line("e").ready.name) == ("solo", "solo")

    await ledgers.clock.sleep_until(SOON - MOMENT)
    assert look(cluster.objects[TARGET], IMAGE) == "model:bad"
    await ledgers.clock.sleep_until(SOON + MOMENT)

    assert before == cluster.facts()
    assert not guarding.done()
    await ledgers.clock.sleep_until(LATER)
    assert await ends(guarding)


@virtually
async def test_it_goes_when_no_ledger_appears():
    cluster, ledgers = world()
    guarding = standing(cluster)

    await ledgers.clock.sleep_until(EPOCH + PATIENCE - MOMENT)
    assert not guarding.done()
    assert await ends(guarding)
    assert cluster.writes == []


@virtually
async def test_it_says_what_kept_it_from_seeing_its_ledger():
    cluster, _ = world()

    async def forbidden(_ref):
        raise Forbidden("configmaps is forbidden")

    cluster.get = forbidden
    with pytest.raises(Forbidden, match="configmaps is forbidden"):
        await solo(cluster).stand()


@virtually
async def test_a_ledger_that_is_forged_from_the_start_is_an_error_and_not_waited_for():
    cluster, ledgers = world()
    await Ledgers(cluster, FakeClock(), b"x" * 32).claim(WHERE, "r1", myself(), LATER)

    with pytest.raises(NotOurs):
        await solo(cluster).stand()
    assert ledgers.clock.now() < EPOCH + MOMENT


@virtually
async def test_it_leaves_the_ledger_to_the_next_run():
    cluster, ledgers = world()
    await ledgers.claim(WHERE, "r2", myself(), LATER)

    assert await ends(standing(cluster, run="r1"))

    assert (await ledgers.read(WHERE)).guardian is None


@pytest.mark.parametrize("journalled", [True, False])
@virtually
async def test_a_ledger_that_is_over_goes_when_its_outcomes_are_in_the_journal(journalled):
    cluster, ledgers = world()
    await ledgers.claim(WHERE, "r1", myself(), LATER)
    guarding = standing(cluster)
    await injected(await line_of(cluster, {REPLICAS: 1}), ledgers)
    await restore(WHERE, "e", ledgers)
    if journalled:
        await ledgers.journalled(WHERE, "r1")
    await ledgers.release(WHERE, "r1")

    assert await ends(guarding)

    assert (WHERE in cluster.objects) is not journalled


@virtually
async def test_it_waits_for_what_may_still_arrive_late():
    cluster, ledgers = world()
    line = await two_steps(cluster, deadline=SOON)
    await ledgers.claim(WHERE, "r1", myself(), SOON)
    await ledgers.enter(WHERE, "r1", line)
    await ledgers.move(WHERE, "e", LineState.APPLYING, touched=True)  # and nothing was heard of it any more
    guarding = standing(cluster)

    await ledgers.clock.sleep_until(SOON + LATEST - MOMENT)
    late = {**line.plan[0].body, "metadata": {"labels": {"chaosctl.dev/run": "r1"}}}
    await cluster.create(CONFIG, late)
    await ledgers.clock.sleep_until(ledgers.clock.now() + timedelta(seconds=2))
    assert CONFIG not in cluster.objects
    assert not guarding.done()
    assert await ends(guarding)


@virtually
async def test_a_ledger_that_somebody_deletes_is_still_owed():
    cluster, ledgers = world()
    before = cluster.facts()
    await ledgers.claim(WHERE, "r1", myself(), LATER)
    guarding = standing(cluster)
    await injected(await two_steps(cluster, deadline=SOON), ledgers)
    await asyncio.sleep(2)
    await cluster.delete(WHERE, look(cluster.objects[WHERE], "/metadata/uid"))

    await ledgers.clock.sleep_until(SOON - MOMENT)
    assert before != cluster.facts()
    assert await ends(guarding)

    assert before == cluster.facts()


@virtually
async def test_an_api_server_that_fails_is_asked_again():
    cluster, ledgers = world()
    before = cluster.facts()
    await ledgers.claim(WHERE, "r1", myself(), LATER)
    guarding = standing(cluster)
    await injected(await two_steps(cluster, deadline=SOON), ledgers)
    patch, get = cluster.patch, cluster.get

    async def down(*_, **__):
        raise Lost("no answer")

    await ledgers.clock.sleep_until(SOON - MOMENT)
    cluster.patch = cluster.get = down
    await ledgers.clock.sleep_until(SOON + timedelta(minutes=5))
    assert not guarding.done()
    cluster.patch, cluster.get = patch, get
    await ledgers.clock.sleep_until(ledgers.clock.now() + MOMENT)

    assert before == cluster.facts()
    guarding.cancel()


@virtually
async def test_what_it_may_not_undo_is_told_to_whoever_waits_for_it():
    cluster, ledgers = world()
    await ledgers.claim(WHERE, "r1", myself(), LATER)
    cluster.denied = {"delete ReplicaSet"}
    guarding = standing(cluster)

    with pytest.raises(TooLate, match=r"solo may not delete ReplicaSet \* in models"):
        await injected(await two_steps(cluster), ledgers, guarded=True)
    assert CONFIG not in cluster.objects
    guarding.cancel()


@virtually
async def test_without_a_run_it_takes_the_first_that_it_sees():
    cluster, ledgers = world()
    await ledgers.claim(WHERE, "r1", myself(), SOON)
    await ledgers.enter(WHERE, "r1", Line(entry="e", plan=(), deadline=SOON))
    guarding = standing(cluster, run="")

    await asyncio.sleep(2)
    assert (await ledgers.read(WHERE)).guardian.name == "solo"
    await ledgers.clock.sleep_until(SOON)
    assert await ends(guarding)
