"""Why: two controllers that undo each other for ever are an outage of their own."""

import asyncio

from watchdog.scene import WRONG, Scene

from chaosctl.testing import in_virtual_time


async def stubborn(scene, lasting):
    """Somebody, or some pipeline, who deploys the bad release again whenever it is gone."""
    scene.behaviours["model:wrong"] = WRONG
    loop = asyncio.get_running_loop()
    end = loop.time() + lasting
    while loop.time() < end:
        if scene.image() == "model:stable":
            await scene.release("model:wrong")
        await asyncio.sleep(1)


def rollbacks(scene):
    return [event.at for event in scene.events("rollback-started")]


def test_it_waits_after_each_rollback_and_stops_after_three_until_the_window_has_moved_on():
    async def story():
        async with Scene().watching() as scene:
            await scene.certified()
            await stubborn(scene, 900)
            return scene

    scene = in_virtual_time(story())

    first, second, third, fourth = rollbacks(scene)[:4]
    assert 30 <= (second - first).total_seconds() < 35
    assert 30 <= (third - second).total_seconds() < 35
    assert 600 <= (fourth - first).total_seconds() < 605
    assert "less than 30 s ago" in scene.said("RollbackRefused")[0]["message"]
    assert any(
        "already 3 times in the last 10 m" in body["message"] for body in scene.said("RollbackRefused")
    )


def test_a_refusal_is_said_once_for_each_revision_and_reason():
    async def story():
        scene = Scene()
        scene.write_rules("limits: {rollbacks: 1}")
        async with scene.watching():
            await scene.certified()
            await stubborn(scene, 300)
            return scene

    reasons = [body["reason"] for body in in_virtual_time(story()).said()]
    assert reasons == ["RollbackStarted", "RollbackRefused"]


def test_a_drill_does_not_use_up_what_an_incident_needs():
    async def story():
        scene = Scene()
        scene.write_rules("limits: {rollbacks: 1, within: 1h}")
        async with scene.watching():
            await scene.certified()
            for run in ("run-1", "run-2", ""):
                if run:
                    scene.open_ledger(run)
                else:
                    await close_ledger(scene)
                await scene.release("model:wrong", WRONG)
                await scene.until(lambda: scene.image() == "model:stable")
            return scene

    assert [event.drill for event in in_virtual_time(story()).events("rollback-started")] == [
        "run-1",
        "run-2",
        "",
    ]


def test_within_one_drill_the_limits_hold_too():
    async def story():
        scene = Scene()
        scene.write_rules("limits: {rollbacks: 2, backOff: 5s}")
        scene.open_ledger()
        async with scene.watching():
            await scene.certified()
            await stubborn(scene, 200)
            return scene

    assert len(rollbacks(in_virtual_time(story()))) == 2


async def close_ledger(scene):
    for ref, body in list(scene.cluster.objects.items()):
        if ref.name == "chaosctl-deployment-model":
            body["metadata"]["labels"]["chaosctl.dev/ledger"] = "closed"
