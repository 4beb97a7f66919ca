"""Why: a watchdog that bites the wrong one, or sleeps, is worse than none."""

import asyncio
import re

import pytest
from watchdog.scene import GOOD, MODEL, WRONG, Behaviour, Scene, Troubled, seconds, watched

from chaosctl.changes import look
from chaosctl.testing import in_virtual_time


def test_a_release_that_answers_wrongly_is_rolled_back_within_seconds():
    async def story():
        async with Scene().watching() as scene:
            await scene.certified()
            await scene.release("model:wrong", WRONG)
            took = await scene.until(lambda: scene.image() == "model:stable")
            await scene.until(lambda: scene.said("RollbackFinished"))
            return scene, took

    scene, took = in_virtual_time(story())

    assert took <= 6
    assert scene.types()[:4] == ["certified", "failing", "rollback-started", "rollback-finished"]
    _, _, began, ended = scene.events()[:4]
    assert (ended.at - began.at) >= scene.cluster.startup
    [started] = scene.said("RollbackStarted")
    assert re.fullmatch(
        r"agreement [\d.]+ % < 95 % \(\d+ samples.*\): back to revision \w+ \(stable\)", started["message"]
    )


def test_a_canarys_wrong_answers_are_seen_among_the_good_ones_of_the_others():
    async def story():
        async with Scene().watching() as scene:
            await scene.certified()
            await scene.release("model:wrong", Behaviour(wrong=0.38, share=0.1))  # 3.8 % of all
            await scene.until(lambda: scene.image() == "model:stable", within=60)
            return scene

    scene = in_virtual_time(story())

    assert "samples of new versions" in scene.said("RollbackStarted")[0]["message"]


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_a_release_that_fails_requests_is_rolled_back(share):
    async def story():
        async with Scene().watching() as scene:
            await scene.certified()
            await scene.release("model:bad", Behaviour(errors=share))
            await scene.until(lambda: scene.image() == "model:stable", within=10)
            return scene

    assert in_virtual_time(story()).said("RollbackStarted")[0]["message"].startswith("errors ")


def bad_pods(cluster, how):
    cluster.broken.add("model:next")
    match how:
        case "stuck":
            cluster.stuck.add("model:next")
        case "restarts":
            cluster.restarts["model:next"] = 2
        case _:
            cluster.waiting["model:next"] = how


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("CrashLoopBackOff", "crashes (restarts: 0)"),
        ("restarts", "crashes (restarts: 2)"),
        ("ImagePullBackOff", "waits in ImagePullBackOff"),
        ("ErrImagePull", "waits in ErrImagePull"),
        ("stuck", "the progress deadline has passed"),
    ],
)
def test_a_release_whose_pods_do_not_come_up_is_rolled_back_although_all_answers_are_good(how, why):
    async def story():
        cluster = Troubled(watched())
        bad_pods(cluster, how)
        async with Scene(cluster).watching() as scene:
            await scene.certified()
            await scene.release("model:next", GOOD)
            took = await scene.until(lambda: scene.image() == "model:stable")
            return scene, took

    scene, took = in_virtual_time(story())

    assert took <= 2
    assert f"{why}: back to revision" in scene.said("RollbackStarted")[0]["message"]


@pytest.mark.parametrize("off", ["{crashLoop: false}", "{progressDeadline: false}"])
def test_what_the_rules_do_not_ask_for_is_not_looked_at(off):
    async def story():
        cluster = Troubled(watched())
        bad_pods(cluster, "CrashLoopBackOff" if "crash" in off else "stuck")
        scene = Scene(cluster)
        scene.write_rules(f"objectives: {off}")
        async with scene.watching():
            await scene.certified()
            await scene.release("model:next", GOOD)
            await asyncio.sleep(60)
            return scene

    assert in_virtual_time(story()).image() == "model:next"


def test_a_healthy_release_is_left_alone_and_becomes_the_certified_one():
    async def story():
        async with Scene().watching() as scene:
            await scene.certified()
            await scene.release("model:better", Behaviour(errors=0.01, wrong=0.01))
            await scene.certified("better")
            await asyncio.sleep(300)
            assert scene.image() == "model:better"
            await scene.release("model:wrong", WRONG)
            await scene.until(lambda: scene.image() == "model:better")
            return scene

    scene = in_virtual_time(story())

    assert scene.types()[:3] == ["certified", "certified", "failing"]


def test_a_release_that_is_bad_again_and_again_never_becomes_the_certified_one():
    async def story():
        async with Scene().watching() as scene:
            await scene.certified()
            for number in range(3):
                await scene.release(f"model:wrong-{number}", WRONG)
                await scene.until(lambda: scene.image() == "model:stable", within=100)
            return scene

    scene = in_virtual_time(story())

    assert {event.revision.versions for event in scene.events("certified")} == {("stable",)}


def test_without_a_certified_revision_it_says_once_that_it_cannot_help():
    async def story():
        scene = Scene(behaviours={"model:stable": WRONG})
        async with scene.watching():
            await asyncio.sleep(120)
            return scene

    scene = in_virtual_time(story())

    assert [body["reason"] for body in scene.said()] == ["WatchdogHelpless"]
    assert "no other revision that was certified" in scene.said()[0]["message"]
    assert scene.written_deployments() == []


def test_the_certified_revision_itself_is_never_rolled_back_and_is_trusted_again_once_it_recovered():
    async def story():
        async with Scene().watching() as scene:
            await scene.certified()
            scene.behaviours["model:stable"] = WRONG
            await asyncio.sleep(120)
            scene.behaviours["model:stable"] = GOOD
            await scene.until(lambda: scene.types()[-1] == "certified", within=300)
            await asyncio.sleep(60)
            scene.behaviours["model:stable"] = WRONG
            await scene.until(lambda: scene.types()[-1] == "helpless")
            return scene

    scene = in_virtual_time(story())

    assert scene.types() == ["certified", "failing", "helpless", "certified", "failing", "helpless"]
    assert scene.written_deployments() == []


def test_a_pod_that_is_not_ready_for_a_moment_does_not_blame_the_certified_revision():
    async def story():
        cluster = Troubled(watched())
        async with Scene(cluster).watching() as scene:
            await scene.certified()
            cluster.broken.add("model:stable")
            scene.behaviours["model:stable"] = Behaviour(errors=0.5)
            await asyncio.sleep(20)
            return scene

    assert in_virtual_time(story()).types() == ["certified"]


def test_answers_from_before_it_stood_prove_nothing():
    async def story():
        cluster = Troubled(watched())
        cluster.broken.add("model:stable")
        async with Scene(cluster, every=seconds(10)).watching() as scene:
            await asyncio.sleep(35)
            cluster.broken.clear()
            return await scene.certified()

    assert in_virtual_time(story()) >= 10


def test_answers_from_while_its_pods_crashed_prove_nothing():
    async def story():
        cluster = Troubled(watched())
        async with Scene(cluster).watching() as scene:
            for crashing, lasting in ((True, 10), (False, 3), (True, 60)):
                cluster.waiting = {"model:stable": "CrashLoopBackOff"} if crashing else {}
                await asyncio.sleep(lasting)
            cluster.waiting = {}
            return await scene.certified()

    assert in_virtual_time(story()) >= 4


def test_a_pod_of_the_old_revision_that_crashes_does_not_blame_the_new_one():
    async def story():
        cluster = Troubled(watched())
        async with Scene(cluster).watching() as scene:
            await scene.certified()
            cluster.waiting["model:stable"] = "CrashLoopBackOff"
            cluster.leftovers = await cluster.pods(MODEL)
            cluster.waiting.clear()
            await scene.release("model:better", GOOD)
            await scene.certified("better")
            return scene

    assert in_virtual_time(story()).said() == []


def test_a_repair_is_not_blamed_for_what_the_status_still_says_of_the_release_before():
    async def story():
        cluster = Troubled(watched())
        async with Scene(cluster).watching() as scene:
            await scene.certified()
            cluster.stuck.add("model:fixed")
            cluster.unseen = True
            await scene.release("model:fixed", GOOD)
            await asyncio.sleep(10)
            cluster.stuck.clear()
            cluster.unseen = False
            await scene.certified("fixed")
            return scene

    assert in_virtual_time(story()).said() == []


def test_it_writes_the_template_and_nothing_else():
    async def story():
        async with Scene().watching() as scene:
            await scene.certified()
            before = await scene.cluster.get(MODEL)
            await scene.release("model:wrong", WRONG)
            await scene.until(lambda: scene.said("RollbackFinished"))
            return before, await scene.cluster.get(MODEL), scene

    before, after, scene = in_virtual_time(story())

    for path in ("/metadata/annotations", "/metadata/labels", "/spec"):
        assert look(after, path) == look(before, path)
    assert len(scene.written_deployments()) == 2  # the release and the rollback
    kinds = {ref.kind for _, ref in scene.cluster.writes}
    assert kinds == {"Deployment", "Event", "Lease"}


def test_its_events_are_such_as_an_api_server_takes():
    async def story():
        async with Scene(instance="host-1").watching() as scene:
            await scene.certified()
            await scene.release("model:wrong", WRONG)
            await scene.until(lambda: scene.said("RollbackFinished"))
            return scene, await scene.cluster.get(MODEL)

    scene, model = in_virtual_time(story())

    [started] = scene.said("RollbackStarted")
    assert (started["reportingComponent"], started["reportingInstance"]) == ("chaosctl-watchdog", "host-1")
    assert re.fullmatch(r"2030-01-01T00:\d\d:\d\d\.\d{6}Z", started["eventTime"])
    assert (started["type"], started["action"]) == ("Warning", "Rollback")
    assert look(started, "/involvedObject/uid") == look(model, "/metadata/uid")
    assert scene.said("RollbackFinished")[0]["type"] == "Normal"


def test_a_paused_rollout_is_left_to_whoever_paused_it():
    async def story():
        async with Scene().watching() as scene:
            await scene.certified()
            await scene.release("model:wrong", WRONG)
            await scene.set("/spec/paused", value=True)
            await scene.until(lambda: scene.said("RollbackRefused"))
            await asyncio.sleep(30)
            refused = scene.image(), len(scene.said("RollbackRefused"))
            await scene.set("/spec/paused", value=False)
            await scene.until(lambda: scene.image() == "model:stable", within=2)
            return refused

    assert in_virtual_time(story()) == ("model:wrong", 1)


def test_a_version_that_is_named_as_the_old_one_cannot_hide():
    async def story():
        async with Scene().watching() as scene:
            await scene.certified()
            scene.behaviours["other:stable"] = WRONG
            await scene.release("other:stable")
            return await scene.until(lambda: scene.image() == "model:stable", within=10)

    in_virtual_time(story())
