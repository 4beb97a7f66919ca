"""Why: a guard is only as good as what was looked at."""

import asyncio
from datetime import timedelta

import pytest
from cluster.scenes import IMAGE, KEY, LATER, REPLICAS, TARGET, WHERE, line_of, virtually, world

from chaosctl.changes import look, patch
from chaosctl.cluster.facts import gather
from chaosctl.cluster.keys import fingerprint
from chaosctl.cluster.lease import INSTALLATION, renew
from chaosctl.cluster.owner import myself
from chaosctl.engine.guards import Guarding, refusals
from chaosctl.errors import CannotPlan, Forbidden, Lost
from chaosctl.model import Banish, Delete, Edit, Evict, Op, Patch, Ref
from chaosctl.spec import Entry, Script, Target
from chaosctl.spec.windows import Blackout, Windows, weekly
from chaosctl.testing import deployment, lease, namespace


def script(*names):
    entries = [
        Entry(id=name, at=timedelta(minutes=number), hold=timedelta(seconds=5), fault={"kind": name})
        for number, name in enumerate(names or ("scale",))
    ]
    return Script(playbook="p", target=Target(workload=TARGET), entries=tuple(entries))


async def plan_of(entry, target):
    match entry.id:
        case "scale":
            return (patch(TARGET, target.workload, {REPLICAS: 1}),)
        case "release":
            return (patch(TARGET, target.workload, {IMAGE: "model:2"}),)
        case "kill":
            return tuple(
                Delete(ref=Ref(kind="Pod", namespace="models", name=str(n)), uid="u") for n in range(3)
            )
        case "zone":
            return (Banish(owner=TARGET, nodes=("node-a", "node-b")),)
        case "cordon":
            edit = Edit(path="/spec/unschedulable", before=None, after=True)
            return (Patch(ref=Ref(kind="Node", name="node-a"), edits=(edit,)),)
        case "drain":
            return (Evict(owner=TARGET, nodes=("node-a", "node-b", "node-c")),)
        case "same":
            return (patch(TARGET, target.workload, {REPLICAS: 3}),)
    raise CannotPlan("the target does not look as the fault needs it")


async def settled_world():
    cluster, ledgers = world()
    await asyncio.sleep(5)
    cluster.put(lease("chaosctl-guardian", ledgers.clock.now()))
    return cluster, ledgers


async def refused(ledgers, of=None, **settings):
    of = of or script()
    guarding = settings.pop("guarding", Guarding.AUTO)
    facts = await gather(of, settings.pop("run", "r1"), plan_of, ledgers, guarding=guarding)
    found = refusals(facts, of, ledgers.clock.now())
    return {one.guard: one.refusal for one in found if one.refusal}


@virtually
async def test_a_healthy_target_passes_every_guard_and_nothing_is_written():
    cluster, ledgers = await settled_world()

    assert await refused(ledgers, script("scale", "release")) == {}
    assert cluster.writes == []


@virtually
async def test_a_target_that_does_not_exist_is_said_first():
    cluster, ledgers = await settled_world()
    await cluster.delete(TARGET, look(cluster.objects[TARGET], "/metadata/uid"))

    found = await refused(ledgers)

    assert next(iter(found)) == "target exists"
    assert "Deployment models/ranker does not exist" in found["target exists"]


@virtually
async def test_a_namespace_must_opt_in():
    cluster, ledgers = await settled_world()
    cluster.put(namespace(drills=None))
    assert list(await refused(ledgers)) == ["namespace opted in"]
    cluster.put(namespace(drills="halted"))
    assert list(await refused(ledgers)) == ["namespace opted in"]


@virtually
async def test_a_target_that_is_not_healthy_is_left_alone():
    cluster, ledgers = await settled_world()
    cluster.broken.add("model:1")

    assert "target settled and healthy" in await refused(ledgers)


@virtually
async def test_another_run_on_the_target_is_waited_for():
    cluster, ledgers = await settled_world()
    await ledgers.claim(WHERE, "r2", myself(), LATER)
    assert list(await refused(ledgers)) == ["no other run"]
    assert await refused(ledgers, run="r2") == {}
    await ledgers.release(WHERE, "r2")
    assert await refused(ledgers) == {}
    await ledgers.enter(WHERE, "r3", await line_of(cluster, {REPLICAS: 1}))
    assert "r3" in (await refused(ledgers))["no other run"]


@pytest.mark.parametrize("right", ["patch Deployment", "get ConfigMap"])
@virtually
async def test_a_permission_that_is_missing_is_named(right):
    cluster, ledgers = await settled_world()
    cluster.denied = {right}

    assert right in (await refused(ledgers))["permitted to do and to undo"]


@virtually
async def test_without_a_guardian_that_was_seen_lately_a_job_must_be_possible():
    cluster, ledgers = await settled_world()
    cluster.denied = {"create Role"}
    assert await refused(ledgers) == {}
    await asyncio.sleep(20)

    (said,) = (await refused(ledgers)).values()
    assert "no guardian is alive" in said
    assert "create Role" in said
    cluster.denied = set()
    assert await refused(ledgers) == {}


@virtually
async def test_a_guardian_of_another_installation_is_none_of_ours():
    cluster, ledgers = await settled_world()
    later = ledgers.clock.now() + timedelta(minutes=1)
    await renew("theirs", later, cluster, marks={INSTALLATION: "another"})
    cluster.denied = {"create Job"}

    assert list(await refused(ledgers)) == ["guardian alive"]
    await renew("theirs", later, cluster, marks={INSTALLATION: fingerprint(KEY)})
    assert await refused(ledgers) == {}


@virtually
async def test_whoever_may_not_look_for_a_guardian_brings_a_job_along():
    cluster, ledgers = await settled_world()
    read = cluster.get

    async def partly(ref):
        if ref.kind == "Lease":
            raise Forbidden("leases is forbidden")
        return await read(ref)

    cluster.get = partly
    assert await refused(ledgers) == {}
    cluster.denied = {"create Job"}
    assert list(await refused(ledgers)) == ["guardian alive"]


@pytest.mark.parametrize("right", ["create Job", "patch Job", "create ServiceAccount", "create Secret"])
@virtually
async def test_what_a_job_of_the_run_needs_is_asked_for_only_where_one_is_to_be_made(right):
    cluster, ledgers = await settled_world()
    cluster.denied = {right}

    assert right in (await refused(ledgers, guarding=Guarding.JOB))["guardian alive"]
    assert await refused(ledgers, guarding=Guarding.AUTO) == {}
    await asyncio.sleep(20)
    assert await refused(ledgers, guarding=Guarding.NONE) == {}


@virtually
async def test_who_may_not_grant_what_the_undo_needs_is_told_so():
    cluster, ledgers = await settled_world()
    create = cluster.create

    async def escalating(ref, body, **more):
        if ref.kind == "Role":
            raise Forbidden("attempting to grant RBAC permissions not currently held")
        return await create(ref, body, **more)

    cluster.create = escalating

    said = (await refused(ledgers, guarding=Guarding.JOB))["guardian alive"]
    assert "you may not grant the Role" in said
    assert "not currently held" in said


@virtually
async def test_a_job_of_the_namespace_cannot_undo_what_belongs_to_none():
    _, ledgers = await settled_world()

    said = (await refused(ledgers, script("cordon"), guarding=Guarding.JOB))["guardian alive"]

    assert "cannot undo what lies outside of its namespace" in said
    assert "patch Node node-a in all namespaces" in said
    assert await refused(ledgers, script("cordon")) == {}


@virtually
async def test_an_autoscaler_would_fight_over_replicas_and_only_over_them():
    cluster, ledgers = await settled_world()
    scaled = {"kind": "Deployment", "name": "ranker"}
    metadata = {"name": "auto", "namespace": "models"}
    kind = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler"}
    cluster.put({**kind, "metadata": metadata, "spec": {"scaleTargetRef": scaled}})

    assert "HorizontalPodAutoscaler auto" in (await refused(ledgers))["nobody fights the change"]
    assert await refused(ledgers, script("release")) == {}


@pytest.mark.parametrize(
    ("mark", "tool"),
    [("argocd.argoproj.io/instance", "Argo CD"), ("kustomize.toolkit.fluxcd.io/name", "Flux")],
)
@virtually
async def test_gitops_would_put_it_back(mark, tool):
    cluster, ledgers = await settled_world()
    label = "/metadata/labels/" + mark.replace("/", "~1")
    await cluster.patch(TARGET, [Op(op="add", path=label, value="x")], manager="kubectl")

    assert tool in (await refused(ledgers))["nobody fights the change"]


@virtually
async def test_helm_alone_fights_nobody():
    cluster, ledgers = await settled_world()
    body = deployment("ranker", **{"app.kubernetes.io/managed-by": "Helm"})
    cluster.put(body)

    assert await refused(ledgers) == {}


@virtually
async def test_somebody_who_applies_the_field_would_conflict():
    cluster, ledgers = await settled_world()
    for entry in cluster.objects[TARGET]["metadata"]["managedFields"]:
        entry["operation"] = "Apply"

    assert "kubectl applies" in (await refused(ledgers))["nobody fights the change"]


@virtually
async def test_what_a_plan_takes_away_is_counted():
    _, ledgers = await settled_world()

    assert "0 of 3" in (await refused(ledgers, script("kill")))["replicas left"]
    assert "0 of 3" in (await refused(ledgers, script("drain")))["replicas left"]
    assert await refused(ledgers, script("zone")) == {}


@virtually
async def test_a_fault_that_cannot_be_planned_or_changes_nothing_is_refused():
    _, ledgers = await settled_world()

    assert "does not look" in (await refused(ledgers, script("odd")))["plans pass a dry run"]
    assert "already" in (await refused(ledgers, script("same")))["plans pass a dry run"]


@virtually
async def test_what_cannot_be_read_forbids_and_says_why():
    cluster, ledgers = await settled_world()
    read = cluster.get

    async def partly(ref):
        if ref.kind == "Namespace":
            raise Lost("no answer from the API server")
        return await read(ref)

    cluster.get = partly

    assert await refused(ledgers) == {
        "namespace opted in": "cannot be checked: no answer from the API server"
    }


CLOSED = Windows(only=(weekly("Sun 03:00-04:00"),))
FROZEN = Windows(blackout=Blackout(config_map="freezes", key="all.ics"))


@virtually
async def test_a_run_outside_its_windows_is_refused_with_the_next_time():
    _, ledgers = await settled_world()
    (only,) = (await refused(ledgers, script().model_copy(update={"windows": CLOSED}))).items()

    assert only[0] == "inside its windows"
    assert only[1].startswith("outside Sun 03:00-04:00 (UTC): it is ")
    assert "; next possible: Sun " in only[1]


@virtually
async def test_a_calendar_that_cannot_be_looked_up_forbids():
    _, ledgers = await settled_world()
    found = await refused(ledgers, script().model_copy(update={"windows": FROZEN}))

    assert found == {
        "inside its windows": "cannot be checked: ConfigMap models/freezes does not exist; "
        "create it, or leave the blackout out"
    }
