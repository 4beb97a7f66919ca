"""Why: what a run leaves in somebody's namespace must be small, theirs to see, and gone afterwards."""

import asyncio
import base64
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from cluster.scenes import (
    CONFIG,
    KEY,
    LATER,
    REPLICAS,
    TARGET,
    WHERE,
    created,
    injected,
    line_of,
    two_steps,
    virtually,
    world,
)

from chaosctl.changes import look, patch
from chaosctl.cluster import roles
from chaosctl.cluster.job_guardian import PATIENCE, WITHIN, JobGuardian, Unguarded, orphans, remove_job
from chaosctl.cluster.job_manifests import LINGER, OWNED, Wanted, job, nodes_of
from chaosctl.cluster.ledger import LineState
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.cluster.owner import myself
from chaosctl.cluster.restore import restore
from chaosctl.cluster.rights import Right, to_tend, to_undo
from chaosctl.cluster.trouble import of_job
from chaosctl.errors import ChaosError, Forbidden
from chaosctl.model import Banish, Ref, Switch
from chaosctl.testing import FakeClock, Fate, Shaky

LONGEST = timedelta(minutes=5)
WANTED = Wanted("r1", WHERE, LONGEST)


def never():
    return False


async def guardian(cluster, ledgers, *plans, wanted=WANTED):
    plans = plans or ((await line_of(cluster, {REPLICAS: 1})).plan,)
    return JobGuardian(wanted, plans, ledgers)


async def reports(ledgers, run="r1"):
    """What the guardian in the Job does first."""
    await asyncio.sleep(3)
    await ledgers.mark_standing(WHERE, run, "in the job")


async def stood(cluster, ledgers):
    await ledgers.claim(WHERE, "r1", myself(), LATER)
    made = await guardian(cluster, ledgers)
    await asyncio.gather(made.stand_up(never), reports(ledgers))
    return made


def of_the_job(cluster):
    kinds = {kind.kind for kind in (WANTED.job, *OWNED)}
    return [ref for ref in cluster.objects if ref.kind in kinds]


@virtually
async def test_the_job_waits_until_it_owns_all_that_it_needs():
    cluster, ledgers = world()
    await stood(cluster, ledgers)

    writes = [(verb, ref.kind) for verb, ref in cluster.writes if ref != WHERE]
    made = ["Job", "ServiceAccount", "Role", "RoleBinding", "Secret"]
    assert writes == [*(("create", kind) for kind in made), ("patch", "Job")]
    uid = look(cluster.objects[WANTED.job], "/metadata/uid")
    for kind in OWNED:
        body = cluster.objects[WANTED.named(kind)]
        assert look(body, "/metadata/ownerReferences/0/uid") == uid
        assert look(body, "/metadata/labels/chaosctl.dev~1run") == "r1"
    assert look(job(WANTED), "/spec/suspend") is True
    assert look(cluster.objects[WANTED.job], "/spec/suspend") is False


@virtually
async def test_the_namespace_gets_the_key_of_one_ledger_and_not_the_installations():
    cluster, ledgers = world()
    await stood(cluster, ledgers)

    (secret,) = [body for ref, body in cluster.objects.items() if ref.kind == "Secret"]
    told = bytes.fromhex(base64.b64decode(look(secret, "/data/key")).decode())
    assert told == ledgers.key_of(WHERE)
    assert told != KEY
    assert KEY.hex() not in str(cluster.objects)


@virtually
async def test_its_role_names_what_can_be_named_and_holds_nothing_beside_the_undo():
    cluster, _ = world()
    plan = (await two_steps(cluster)).plan

    found = await roles.rules((*to_undo(plan), *to_tend(WHERE)), cluster)

    assert found == [
        {
            "apiGroups": [""],
            "resources": ["configmaps"],
            "resourceNames": ["made-by-us"],
            "verbs": ["get", "delete"],
        },
        {
            "apiGroups": ["apps"],
            "resources": ["deployments"],
            "resourceNames": ["ranker"],
            "verbs": ["get", "patch"],
        },
        {"apiGroups": ["apps"], "resources": ["replicasets"], "verbs": ["list", "delete"]},
        {
            "apiGroups": [""],
            "resources": ["configmaps"],
            "resourceNames": ["chaosctl-deployment-ranker"],
            "verbs": ["get", "patch", "delete"],
        },
    ]


@virtually
async def test_proxies_are_reached_through_a_subresource():
    cluster, _ = world()

    found = await roles.rules(to_undo((Switch(proxies=TARGET, port=9901, fault={}),)), cluster)

    assert {"apiGroups": [""], "resources": ["pods/proxy"], "verbs": ["get", "create"]} in found
    assert {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list"]} in found


@virtually
async def test_a_name_is_kept_where_the_request_has_it():
    cluster, _ = world()
    create = Right("create", Ref(kind="ConfigMap", namespace="models", name="c"))
    through = Right("create", Ref(kind="Pod", namespace="models", name="p"), "proxy")

    assert ["resourceNames" in rule for rule in await roles.rules((create, through), cluster)] == [
        False,
        True,
    ]


def test_it_outlives_the_longest_run_and_keeps_away_from_what_breaks():
    node = patch(Ref(kind="Node", name="node-c"), {"spec": {}}, {"/spec/unschedulable": True})
    plans = ((Banish(owner=TARGET, nodes=("node-a", "node-b")), node), (created(),))
    body = job(WANTED._replace(nodes=nodes_of(plans), pull_secrets=("registry",)))

    required = "requiredDuringSchedulingIgnoredDuringExecution"
    fields = look(
        body, f"/spec/template/spec/affinity/nodeAffinity/{required}/nodeSelectorTerms/0/matchFields"
    )
    assert [each["values"] for each in fields] == [["node-a"], ["node-b"], ["node-c"]]
    assert {(each["key"], each["operator"]) for each in fields} == {("metadata.name", "NotIn")}
    assert look(body, "/spec/activeDeadlineSeconds") == (LONGEST + LINGER).total_seconds()
    assert look(body, "/spec/template/spec/imagePullSecrets") == [{"name": "registry"}]
    assert look(job(WANTED), "/spec/template/spec/affinity") is None
    assert look(body, "/spec/template/spec/containers/0/args") == [
        "guardian",
        "--ledger=models/chaosctl-deployment-ranker",
        "--run=r1",
    ]


@pytest.mark.parametrize("seed", range(12))
@virtually
async def test_answers_that_are_lost_leave_one_guardian_or_none(seed):
    cluster, ledgers = world()
    await ledgers.claim(WHERE, "r1", myself(), LATER)
    far = replace(ledgers, cluster=Shaky(cluster, Fate(Random(seed), troubles=6)))
    made = await guardian(cluster, far)

    standing = asyncio.ensure_future(made.stand_up(never))
    await reports(ledgers)
    (failure,) = await asyncio.gather(standing, return_exceptions=True)
    assert isinstance(failure, Unguarded) or len(of_the_job(cluster)) == 1 + len(OWNED)
    await ledgers.release(WHERE, "r1")
    await ledgers.journalled(WHERE, "r1")
    await (await guardian(cluster, ledgers)).dismiss()

    assert of_the_job(cluster) == []
    assert WHERE not in cluster.objects


@virtually
async def test_a_guardian_that_does_not_report_is_not_waited_for_for_ever():
    cluster, ledgers = world()
    await ledgers.claim(WHERE, "r1", myself(), LATER)
    begun = ledgers.clock.now()

    with pytest.raises(
        Unguarded, match=r"does not start from .*the cluster does not say why; nothing was changed"
    ):
        await (await guardian(cluster, ledgers)).stand_up(never)

    assert WITHIN <= ledgers.clock.now() - begun < WITHIN + timedelta(seconds=5)


@virtually
async def test_somebody_who_interrupts_the_run_does_not_wait_for_its_guardian():
    cluster, ledgers = world()
    await ledgers.claim(WHERE, "r1", myself(), LATER)
    begun = ledgers.clock.now()

    await (await guardian(cluster, ledgers)).stand_up(
        lambda: ledgers.clock.now() > begun + timedelta(seconds=2)
    )

    assert ledgers.clock.now() < begun + timedelta(seconds=5)


def pod(name="chaosctl-guardian-r1-x", **status):
    labels = {"batch.kubernetes.io/job-name": "chaosctl-guardian-r1"}
    metadata = {"name": name, "namespace": "models", "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": status}


class Seen:
    """Pods with a status of their own, and events."""

    def __init__(self, pods=(), events=()):
        self._pods, self._events = pods, events

    async def find(self, like, selector="", fields=""):
        if like.kind == "Pod":
            assert selector == "batch.kubernetes.io/job-name=chaosctl-guardian-r1"
            return self._pods
        name = fields.removeprefix("involvedObject.name=")
        return [event for event in self._events if event["involvedObject"]["name"] == name]


def event(about, reason, message, kind="Warning"):
    return {"involvedObject": {"name": about}, "type": kind, "reason": reason, "message": message}


def waiting(reason, message=""):
    return {"containerStatuses": [{"state": {"waiting": {"reason": reason, "message": message}}}]}


UNSCHEDULED = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
ENDED = {
    "terminated": {"exitCode": 2, "reason": "Error", "message": "chaosctl: no answer from the API server\n"}
}


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (Seen(), ""),
        (Seen([pod(phase="Running")]), ""),
        (Seen([pod(**waiting("ContainerCreating"))]), ""),
        (Seen([pod(**waiting("ErrImagePull", "not found"))]), "ErrImagePull: not found"),
        (Seen([pod(conditions=[UNSCHEDULED])]), "Unschedulable: 0/1 nodes"),
        (
            Seen([pod(containerStatuses=[{"state": {"running": {}}, "lastState": ENDED}])]),
            "it ended with exit code 2: Error: chaosctl: no answer from the API server",
        ),
        (
            Seen(
                events=[
                    event("chaosctl-guardian-r1", "FailedCreate", "pods is forbidden: exceeded quota: tiny")
                ]
            ),
            "FailedCreate: pods is forbidden: exceeded quota: tiny",
        ),
        (
            Seen(
                [pod(**waiting("ContainerCreating"))],
                [
                    event("chaosctl-guardian-r1-x", "FailedMount", "secret not found"),
                    event("chaosctl-guardian-r1-x", "Scheduled", "assigned", "Normal"),
                ],
            ),
            "FailedMount: secret not found",
        ),
        (
            Seen(
                [pod(**waiting("ContainerCreating"))],
                [event("chaosctl-guardian-r1-x", "Pulling", 'Pulling image "far:1"', "Normal")],
            ),
            'Pulling: Pulling image "far:1"',
        ),
        (
            Seen(
                [pod(**waiting("ContainerCreating"))],
                [
                    event("chaosctl-guardian-r1-x", "Pulling", 'Pulling image "far:1"', "Normal"),
                    event("chaosctl-guardian-r1-x", "Pulled", "after 2 s", "Normal"),
                ],
            ),
            "",
        ),
    ],
)
async def test_what_keeps_it_from_starting_is_told_as_the_cluster_says_it(seen, said):
    assert await of_job(WANTED.job, seen) == said


async def test_where_we_may_not_look_there_is_nothing_to_tell():
    class Blind:
        async def find(self, *_, **__):
            raise Forbidden("pods is forbidden")

    assert await of_job(WANTED.job, Blind()) == ""


@virtually
async def test_trouble_that_lasts_ends_the_waiting_and_is_told():
    cluster, ledgers = world()
    await ledgers.claim(WHERE, "r1", myself(), LATER)
    find, begun = cluster.find, ledgers.clock.now()

    async def stuck(like, selector="", fields=""):
        if like.kind == "Pod":
            return [pod(**waiting("ImagePullBackOff", "no such image"))]
        return await find(like, selector, fields)

    cluster.find = stuck
    with pytest.raises(
        Unguarded, match=r"CHAOSCTL_IMAGE names another image\): ImagePullBackOff: no such image"
    ):
        await (await guardian(cluster, ledgers)).stand_up(never)

    assert PATIENCE <= ledgers.clock.now() - begun < PATIENCE + timedelta(seconds=3)


@virtually
async def test_what_the_cluster_refuses_to_create_is_told():
    cluster, ledgers = world()
    create = cluster.create

    async def limited(ref, body, **more):
        if ref.kind == "Secret":
            raise Forbidden("exceeded quota: secrets=0")
        return await create(ref, body, **more)

    cluster.create = limited
    with pytest.raises(
        Unguarded, match=r"no guardian could be made .*exceeded quota: secrets=0; nothing was changed"
    ):
        await (await guardian(cluster, ledgers)).stand_up(never)


@virtually
async def test_it_stays_as_long_as_a_write_may_still_arrive():
    cluster, ledgers = world()
    made = await stood(cluster, ledgers)
    await ledgers.enter(WHERE, "r1", await two_steps(cluster))
    await ledgers.move(WHERE, "e", LineState.APPLYING, touched=True)
    await restore(WHERE, "e", ledgers)
    await ledgers.mark_tidy(WHERE, "e")
    await ledgers.release(WHERE, "r1")
    await ledgers.journalled(WHERE, "r1")

    await made.dismiss()

    assert WANTED.job in cluster.objects
    assert WHERE in cluster.objects


@virtually
async def test_a_job_whose_run_has_nothing_left_to_undo_is_an_orphan():
    cluster, ledgers = world()
    await stood(cluster, ledgers)
    assert await orphans(ledgers) == []

    await ledgers.release(WHERE, "r1")
    assert await orphans(ledgers) == [WANTED.job]
    await ledgers.claim(WHERE, "r2", myself(), LATER)
    assert await orphans(ledgers) == [WANTED.job]
    assert await orphans(ledgers, "elsewhere") == []
    await remove_job(WANTED.job, cluster)

    assert of_the_job(cluster) == []


@virtually
async def test_a_job_whose_ledger_is_gone_is_an_orphan_and_another_installations_is_not():
    cluster, ledgers = world()
    await stood(cluster, ledgers)
    theirs = Ledgers(cluster, FakeClock(), b"t" * 32)
    assert await orphans(theirs) == []

    await cluster.delete(WHERE, look(cluster.objects[WHERE], "/metadata/uid"))

    assert await orphans(theirs) == [WANTED.job]


@virtually
async def test_a_whole_injection_with_a_job_leaves_nothing():
    cluster, ledgers = world()
    before = cluster.facts()
    made = await stood(cluster, ledgers)
    await injected(await two_steps(cluster), ledgers)
    assert CONFIG in cluster.objects
    await restore(WHERE, "e", ledgers)
    await ledgers.mark_tidy(WHERE, "e")
    await ledgers.release(WHERE, "r1")
    await ledgers.journalled(WHERE, "r1")

    await made.dismiss()

    after = {name: body for name, body in cluster.facts().items() if not name.startswith("ReplicaSet")}
    assert {name: body for name, body in before.items() if not name.startswith("ReplicaSet")} == after
    assert WHERE not in cluster.objects


@virtually
async def test_dismissing_never_fails_a_run():
    cluster, ledgers = world()
    made = await stood(cluster, ledgers)

    async def forbidden(*_, **__):
        raise Forbidden("no")

    cluster.get = forbidden
    await made.dismiss()
    with pytest.raises(ChaosError):
        await remove_job(WANTED.job, cluster)
