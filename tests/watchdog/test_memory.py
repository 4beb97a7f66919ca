"""Why: the process that watches dies too; its trust must not die with it, and must not be misplaced."""

import asyncio

from watchdog.scene import MODEL, WRONG, Scene, watched

from chaosctl.changes import look
from chaosctl.testing import in_virtual_time
from chaosctl.watchdog import parse_event


async def certified_before():
    async with Scene().watching() as scene:
        await scene.certified()
    return scene


def test_a_new_process_with_the_old_journal_rolls_back_to_what_the_old_one_certified():
    async def story():
        before = await certified_before()
        await before.release("model:wrong", WRONG)
        scene = Scene(before.cluster, behaviours=before.behaviours, past=before.events())
        async with scene.watching():
            await scene.until(lambda: scene.image() == "model:stable", within=10)
            await scene.until(lambda: scene.said("RollbackFinished"))
        return scene

    assert in_virtual_time(story()).types()[:3] == ["failing", "rollback-started", "rollback-finished"]


def test_a_new_process_without_a_journal_trusts_nothing():
    async def story():
        before = await certified_before()
        await before.release("model:wrong", WRONG)
        scene = Scene(before.cluster, behaviours=before.behaviours)
        async with scene.watching():
            await asyncio.sleep(60)
        return scene

    scene = in_virtual_time(story())
    assert scene.types() == ["failing", "helpless"]
    assert scene.image() == "model:wrong"


def test_a_rollback_is_finished_by_the_next_process():
    async def story():
        before = Scene()
        async with before.watching():
            await before.certified()
            await before.release("model:wrong", WRONG)
            await before.until(lambda: before.said("RollbackStarted"))
        scene = Scene(before.cluster, past=before.events())
        async with scene.watching():
            await scene.until(lambda: scene.said("RollbackFinished"))
        return scene

    assert in_virtual_time(story()).types() == ["rollback-finished"]


def test_the_limits_outlive_the_process():
    async def story():
        before = Scene()
        async with before.watching():
            await before.certified()
            await before.release("model:wrong", WRONG)
            await before.until(lambda: before.said("RollbackFinished"))
        await before.release("model:wrong")
        scene = Scene(before.cluster, behaviours=before.behaviours, past=before.events())
        scene.write_rules("limits: {rollbacks: 1}")
        async with scene.watching():
            await scene.until(lambda: scene.said("RollbackRefused"))
        return scene

    assert in_virtual_time(story()).image() == "model:wrong"


def test_a_deployment_that_was_made_anew_has_to_earn_its_trust_anew():
    async def story():
        async with Scene().watching() as scene:
            await scene.certified()
            await scene.cluster.delete(MODEL, look(await scene.cluster.get(MODEL), "/metadata/uid"))
            await asyncio.sleep(3)
            scene.behaviours["model:wrong"] = WRONG
            scene.cluster.put(watched(image="model:wrong"))
            await scene.until(lambda: scene.said("WatchdogHelpless"))
            return scene

    assert in_virtual_time(story()).types() == ["certified", "failing", "helpless"]


def test_every_event_comes_back_from_its_line_in_the_journal():
    async def story():
        scene = Scene()
        async with scene.watching():
            await scene.certified()
            await scene.release("model:wrong", WRONG)
            await scene.until(lambda: scene.said("RollbackFinished"))
        return scene

    for line in in_virtual_time(story()).journal.lines:
        assert parse_event(line).model_dump_json() == line
