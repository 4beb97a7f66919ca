"""Why: the one undo must hold whoever calls it, and whenever."""

import asyncio
import json
from datetime import timedelta

import pytest
from cluster.scenes import (
    CONFIG,
    IMAGE,
    LATER,
    REPLICAS,
    TARGET,
    TEAM,
    WHERE,
    created,
    injected,
    ledgers_of,
    line_of,
    two_steps,
    virtually,
    world,
    written,
)

from chaosctl.changes import Outcome, look, patch
from chaosctl.cluster.by_hand import by_hand
from chaosctl.cluster.inject import is_ready
from chaosctl.cluster.ledger import Line, LineState, Undone
from chaosctl.cluster.restore import Memory, restore
from chaosctl.cluster.sweep import tidy
from chaosctl.errors import CannotPlan, Conflict, TooLate
from chaosctl.model import Banish, Create, Delete, Evict, Op, Ref
from chaosctl.testing import EPOCH, config_map, deployment

OURS = Undone(outcome=Outcome.UNDONE, by="chaosctl")


@virtually
async def test_steps_are_undone_last_first_and_only_once():
    cluster, ledgers = world()
    before = cluster.facts()
    await injected(await two_steps(cluster), ledgers)

    outcomes = await restore(WHERE, "e", ledgers)
    await tidy(WHERE, ledgers)

    kinds = written(cluster)
    assert kinds[:3] == ["ConfigMap", "Deployment", "Deployment"]
    assert (OURS, OURS) == outcomes == await restore(WHERE, "e", ledgers)
    assert before == cluster.facts()
    assert kinds == written(cluster)


@virtually
async def test_every_write_comes_after_the_ledger_says_applying():
    cluster, ledgers = world()
    states = []
    write = cluster.patch

    async def watched(ref, ops, **more):
        if ref == TARGET:
            ledger = await ledgers.read(WHERE)
            states.append((ledger.line("e").state, ledger.line("e").touched))
        return await write(ref, ops, **more)

    cluster.patch = watched
    await injected(await line_of(cluster, {REPLICAS: 1}), ledgers)

    assert states == [(LineState.APPLYING, True)]


@virtually
async def test_a_change_between_the_look_and_the_undo_is_not_overwritten():
    cluster, ledgers = world()
    await injected(await line_of(cluster, {TEAM: None}), ledgers)
    undo, meddled = cluster.patch, []

    async def somebody_is_faster(ref, ops, **more):
        if ref == TARGET and not meddled:
            meddled.append(await undo(TARGET, [Op(op="add", path=TEAM, value="theirs")], manager="kubectl"))
        return await undo(ref, ops, **more)

    cluster.patch = somebody_is_faster

    assert await restore(WHERE, "e", ledgers) == (Undone(outcome=Outcome.SUPERSEDED, by="kubectl"),)
    assert look(cluster.objects[TARGET], TEAM) == "theirs"


@virtually
async def test_whoever_put_it_back_is_named():
    cluster, ledgers = world()
    await injected(await line_of(cluster, {IMAGE: "model:bad"}), ledgers)
    await cluster.patch(TARGET, [Op(op="replace", path=IMAGE, value="model:1")], manager="chaosctl-watchdog")

    outcomes = await restore(WHERE, "e", ledgers)

    assert outcomes == (Undone(outcome=Outcome.ALREADY_BACK, by="chaosctl-watchdog"),)


@virtually
async def test_two_may_restore_at_once():
    cluster, ledgers = world()
    before = cluster.facts()
    await injected(await two_steps(cluster), ledgers)

    one, other = await asyncio.gather(restore(WHERE, "e", ledgers), restore(WHERE, "e", ledgers))
    await tidy(WHERE, ledgers)

    assert one == other
    assert before == cluster.facts()


@virtually
async def test_an_object_that_is_gone_needs_no_undo():
    cluster, ledgers = world()
    await injected(await two_steps(cluster), ledgers)
    del cluster.objects[TARGET]

    assert Undone(outcome=Outcome.ALREADY_BACK) in await restore(WHERE, "e", ledgers)


@pytest.mark.parametrize("kind", ["create", "patch", "delete", "banish", "evict"])
@virtually
async def test_after_the_deadline_nothing_is_applied(kind):
    cluster, ledgers = world()
    pod = (await cluster.pods(TARGET))[0]
    name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
    steps = {
        "create": created(),
        "patch": (await line_of(cluster, {REPLICAS: 1})).plan[0],
        "delete": Delete(ref=Ref(kind="Pod", namespace="models", name=name), uid=uid),
        "banish": Banish(owner=TARGET, nodes=(pod["spec"]["nodeName"],)),
        "evict": Evict(owner=TARGET, nodes=(pod["spec"]["nodeName"],)),
    }

    with pytest.raises(TooLate, match="deadline"):
        await injected(Line(entry="e", plan=(steps[kind],), deadline=EPOCH), ledgers)

    assert written(cluster) == []


@virtually
async def test_a_runner_that_slept_past_the_restore_writes_nothing():
    cluster, ledgers = world()
    line = await line_of(cluster, {REPLICAS: 1})
    look_at = cluster.get

    async def sleepy(ref):
        seen = await look_at(ref)
        if ref == TARGET and (await ledgers.read(WHERE)).line("e").state is LineState.APPLYING:
            cluster.get = look_at
            await restore(WHERE, "e", ledgers)
        return seen

    await ledgers.enter(WHERE, "r1", line)
    cluster.get = sleepy
    with pytest.raises(TooLate, match="no longer applying"):
        await injected(line, ledgers)

    assert look(cluster.objects[TARGET], REPLICAS) == 3


@virtually
async def test_a_write_that_was_sent_before_the_restore_cannot_arrive_after_it():
    cluster, ledgers = world()
    before = cluster.facts()
    await ledgers.enter(WHERE, "r1", await line_of(cluster, {REPLICAS: 1}))
    await ledgers.move(WHERE, "e", LineState.APPLYING, touched=True)
    seen = await cluster.get(TARGET)

    await restore(WHERE, "e", ledgers)

    version = seen["metadata"]["resourceVersion"]
    pinned = Op(op="test", path="/metadata/resourceVersion", value=version)
    with pytest.raises(Conflict):
        await cluster.patch(TARGET, [pinned, Op(op="replace", path=REPLICAS, value=1)])
    assert before == cluster.facts()


@virtually
async def test_a_line_that_was_never_touched_is_closed_without_a_write():
    cluster, ledgers = world()
    await ledgers.enter(WHERE, "r1", await two_steps(cluster))

    outcomes = await restore(WHERE, "e", ledgers)

    assert {undone.outcome for undone in outcomes} == {Outcome.NOTHING_TO_UNDO}
    assert written(cluster) == []


@virtually
async def test_a_line_that_the_ledger_does_not_know_yet_can_no_longer_come():
    cluster, ledgers = world()
    await ledgers.enter(WHERE, "r1", await line_of(cluster, {TEAM: "x"}, entry="other"))

    assert await restore(WHERE, "e", ledgers) == ()
    with pytest.raises(TooLate):
        await injected(await two_steps(cluster), ledgers)


@virtually
async def test_an_object_of_the_same_name_that_is_not_ours_is_left_alone():
    cluster, ledgers = world()
    line = Line(entry="e", plan=(created(),), deadline=LATER)
    await injected(line, ledgers)
    del cluster.objects[CONFIG]
    cluster.put(config_map("made-by-us", mode="theirs"))

    outcomes = await restore(WHERE, "e", ledgers)

    assert outcomes == (Undone(outcome=Outcome.NOTHING_TO_UNDO),)
    assert look(cluster.objects[CONFIG], "/data/mode") == "theirs"


@virtually
async def test_what_is_created_with_wait_is_there_when_it_is_ready():
    cluster, ledgers = world()
    body = deployment("proxy", replicas=2)
    step = Create(ref=TARGET.model_copy(update={"name": "proxy"}), body=body, wait=True)

    await injected(Line(entry="e", plan=(step,), deadline=LATER), ledgers)

    assert (await cluster.get(step.ref))["status"]["readyReplicas"] == 2


@virtually
async def test_what_never_gets_ready_stops_the_injection_and_is_removed():
    cluster, ledgers = world()
    cluster.broken.add("model:1")
    step = Create(ref=TARGET.model_copy(update={"name": "proxy"}), body=deployment("proxy"), wait=True)

    with pytest.raises(TooLate, match="not ready"):
        await injected(Line(entry="e", plan=(step,), deadline=LATER), ledgers)
    await restore(WHERE, "e", ledgers)

    assert step.ref not in cluster.objects


@virtually
async def test_what_gets_no_pods_says_why_the_cluster_refuses_them():
    cluster, ledgers = world()
    cluster.broken.add("model:1")
    refusal = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "over quota"}
    got = cluster.get

    async def refusing(ref):
        return _with(await got(ref), refusal)

    cluster.get = refusing
    step = Create(ref=TARGET.model_copy(update={"name": "proxy"}), body=deployment("proxy"), wait=True)

    with pytest.raises(TooLate, match="not ready within the time to set up: FailedCreate: over quota"):
        await injected(Line(entry="e", plan=(step,), deadline=LATER), ledgers)


def _with(body, condition):
    return {**body, "status": {**body.get("status", {}), "conditions": [condition]}}


@virtually
async def test_a_pod_that_is_not_the_one_planned_is_not_deleted():
    cluster, ledgers = world()
    pod = (await cluster.pods(TARGET))[0]["metadata"]
    step = Delete(ref=Ref(kind="Pod", namespace="models", name=pod["name"]), uid="another", grace_seconds=0)

    with pytest.raises(Conflict):
        await injected(Line(entry="e", plan=(step,), deadline=LATER), ledgers)

    assert written(cluster) == []


@virtually
async def test_nothing_of_ours_is_left_in_name():
    cluster, ledgers = world()
    await injected(await line_of(cluster, {REPLICAS: 1, TEAM: "chaos"}), ledgers)
    await restore(WHERE, "e", ledgers)

    managers = {entry["manager"] for entry in cluster.objects[TARGET]["metadata"]["managedFields"]}
    assert "chaosctl" not in managers


@virtually
async def test_the_replica_set_of_a_release_goes_but_not_one_that_was_there_before():
    cluster, ledgers = world()
    await cluster.patch(TARGET, [Op(op="replace", path=IMAGE, value="model:old")], manager="kubectl")
    await cluster.patch(TARGET, [Op(op="replace", path=IMAGE, value="model:1")], manager="kubectl")
    before = cluster.facts()
    for entry, image in (("again", "model:old"), ("bad", "model:bad")):
        await injected(await line_of(cluster, {IMAGE: image}, entry=entry), ledgers)
        await restore(WHERE, entry, ledgers)

    assert await tidy(WHERE, ledgers)
    assert before == cluster.facts()


@virtually
async def test_the_replica_set_of_a_release_waits_until_its_pods_are_gone():
    cluster, ledgers = world()
    await injected(await line_of(cluster, {IMAGE: "model:bad"}), ledgers)
    await restore(WHERE, "e", ledgers)
    bad = next(ref for ref, body in cluster.objects.items() if ref.kind == "ReplicaSet" and _bad(body))
    cluster.objects[bad]["spec"]["replicas"] = 1

    assert not await tidy(WHERE, ledgers)
    assert bad in cluster.objects
    cluster.objects[bad]["spec"]["replicas"] = 0
    assert await tidy(WHERE, ledgers)
    assert bad not in cluster.objects


def _bad(body):
    return look(body, IMAGE) == "model:bad"


@virtually
async def test_a_creation_that_lands_after_the_undo_is_swept_by_the_next_run_too():
    cluster, ledgers = world()
    line = Line(entry="e", plan=(created(),), deadline=LATER)
    await ledgers.enter(WHERE, "r1", line)
    await ledgers.move(WHERE, "e", LineState.APPLYING, touched=True)
    await restore(WHERE, "e", ledgers)
    await ledgers.enter(WHERE, "r2", await line_of(cluster, {REPLICAS: 1}, entry="next"))
    late = config_map("made-by-us", mode="chaos")
    late["metadata"]["labels"] = {"chaosctl.dev/run": "r1"}

    await cluster.create(CONFIG, late)
    assert not await tidy(WHERE, ledgers)

    assert CONFIG not in cluster.objects
    assert await tidy(WHERE, ledgers)


@virtually
async def test_a_secret_never_gets_into_the_ledger():
    cluster, ledgers = world()
    step = Create(ref=CONFIG.model_copy(update={"kind": "Secret"}), body={})

    with pytest.raises(CannotPlan, match="ledger"):
        await injected(Line(entry="e", plan=(step,), deadline=LATER), ledgers)

    assert cluster.writes == []


@virtually
async def test_the_command_for_people_is_exact():
    cluster, _ = world()
    text = by_hand(await two_steps(cluster))

    patch, delete = text.splitlines()
    before, _, operations = patch.partition("'")
    assert before == "kubectl -n models patch deployment.apps ranker --type=json -p "
    assert json.loads(operations.rstrip("'")) == [
        {"op": "test", "path": IMAGE, "value": "model:bad"},
        {"op": "replace", "path": IMAGE, "value": "model:1"},
    ]
    assert delete == "kubectl -n models delete configmap made-by-us --ignore-not-found"


def test_by_hand_a_key_that_was_taken_away_is_merged_in_as_its_map_may_be_gone():
    settings = Ref(kind="ConfigMap", namespace="models", name="settings")
    change = patch(settings, config_map("settings", **{"a/b": "1"}), {"/data/a~1b": None})
    line = Line(entry="e1", plan=(change,), deadline=EPOCH)

    assert by_hand(line) == (
        """kubectl -n models patch configmap settings --type=merge -p '{"data": {"a/b": "1"}}'"""
    )


@virtually
async def test_the_undo_of_a_stranger_with_another_key_does_nothing():
    cluster, ledgers = world()
    await injected(await two_steps(cluster), ledgers)
    stranger = type(ledgers)(cluster, ledgers_of(cluster).clock, b"x" * 32)
    writes = list(cluster.writes)

    with pytest.raises(Exception, match="installation's key"):
        await restore(WHERE, "e", stranger)

    assert writes == cluster.writes
    assert ledgers.clock.now() - EPOCH < timedelta(minutes=1)


@virtually
async def test_a_run_whose_ledger_somebody_deleted_undoes_what_it_remembers():
    cluster, ledgers = world()
    before = cluster.facts()
    line = await line_of(cluster, {REPLICAS: 1})
    await injected(line, ledgers)
    del cluster.objects[WHERE]

    assert await restore(WHERE, "e", ledgers, Memory("r1", line)) == (OURS,)
    assert before == cluster.facts()


@virtually
async def test_a_run_whose_ledger_is_another_runs_by_now_undoes_what_it_remembers():
    cluster, ledgers = world()
    before = cluster.facts()
    line = await line_of(cluster, {REPLICAS: 1})
    await injected(line, ledgers)
    del cluster.objects[WHERE]
    await ledgers.enter(WHERE, "r2", Line(entry="e", plan=(), deadline=LATER))

    assert await restore(WHERE, "e", ledgers, Memory("r1", line)) == (OURS,)
    assert (await ledgers.read(WHERE)).line("e").is_open
    assert before["pods"] == cluster.facts()["pods"]


@virtually
async def test_each_outcome_is_that_of_its_step():
    cluster, ledgers = world()
    await injected(await two_steps(cluster), ledgers)
    del cluster.objects[CONFIG]

    found = [undone.outcome for undone in await restore(WHERE, "e", ledgers)]

    assert found == [Outcome.ALREADY_BACK, Outcome.UNDONE]


@virtually
async def test_what_was_answered_needs_no_fence_against_late_writes():
    cluster, ledgers = world()
    sent, write = [], cluster.patch

    async def watched(ref, ops, **more):
        sent.extend(op.path for op in ops)
        return await write(ref, ops, **more)

    await injected(await line_of(cluster, {REPLICAS: 1}), ledgers)
    cluster.patch = watched
    await restore(WHERE, "e", ledgers)

    assert REPLICAS in sent
    assert not [path for path in sent if "fence" in path]
    assert (await ledgers.read(WHERE)).unanswered == []


@virtually
async def test_a_line_that_somebody_closes_while_it_is_being_undone_has_their_outcome():
    cluster, ledgers = world()
    await injected(await line_of(cluster, {REPLICAS: 1}), ledgers)
    read, faster = cluster.get, []

    async def overtaken(ref):
        seen = await read(ref)
        if ref == WHERE and not faster:
            faster.append(True)
            faster.append(await restore(WHERE, "e", ledgers))
        return seen

    cluster.get = overtaken

    assert await restore(WHERE, "e", ledgers) == (OURS,) == faster[1]


@pytest.mark.parametrize(("observed", "ready"), [(1, False), (2, True)])
def test_a_workload_is_ready_only_by_what_its_controller_says_of_the_latest_change(observed, ready):
    status = {"observedGeneration": observed, "readyReplicas": 3}

    assert is_ready({"metadata": {"generation": 2}, "spec": {"replicas": 3}, "status": status}) is ready


@virtually
async def test_a_pod_gets_the_time_to_end_that_its_step_says():
    cluster, ledgers = world()
    pod = (await cluster.pods(TARGET))[0]["metadata"]
    ref = Ref(kind="Pod", namespace="models", name=pod["name"])
    asked, delete = [], cluster.delete

    async def watched(ref, uid, *, grace_seconds=None):
        asked.append((ref, uid, grace_seconds))
        await delete(ref, uid, grace_seconds=grace_seconds)

    cluster.delete = watched
    step = Delete(ref=ref, uid=pod["uid"], grace_seconds=7)
    await injected(Line(entry="e", plan=(step,), deadline=LATER), ledgers)

    assert asked == [(ref, pod["uid"], 7)]
