"""Why: a fault is its plan; what it asks for, what it may do and how it is felt must fit together."""

from copy import deepcopy
from functools import reduce
from random import Random

import pytest

from chaosctl.changes import apply_ops, backward, forward, same
from chaosctl.cluster.rights import to_do, to_undo
from chaosctl.errors import CannotPlan
from chaosctl.faults import FAULTS
from chaosctl.model import Create, Delete, Patch
from chaosctl.probes import PROBES
from chaosctl.spec import Aim, Role, Target
from chaosctl.targets import look
from chaosctl.testing import (
    FakeCluster,
    autoscaler,
    config_map,
    deployment,
    deployment_ref,
    resource_quota,
    service,
)

TARGET = Target(workload=deployment_ref("fraud"), service="fraud")
KINDS = {fault.model_fields["kind"].default: fault for fault in FAULTS}
PROBE_KINDS = {probe.model_fields["kind"].default: probe for probe in PROBES}
PLURALS = {
    "ConfigMap": "configmaps",
    "Deployment": "deployments",
    "EndpointSlice": "endpointslices",
    "HorizontalPodAutoscaler": "horizontalpodautoscalers",
    "NetworkPolicy": "networkpolicies",
    "Node": "nodes",
    "Pod": "pods",
    "ReplicaSet": "replicasets",
    "ResourceQuota": "resourcequotas",
    "Service": "services",
}

# One row a fault: what people write, and the steps that it plans.
TABLE = [
    ({"kind": "noop"}, ["patch"]),
    ({"kind": "scale-down", "replicas": 1}, ["patch"]),
    ({"kind": "pod-kill", "percent": "50%", "graceSeconds": 0}, ["delete", "delete"]),
    ({"kind": "release", "image": "model:2", "env": {"A": "1"}, "args": ["--slow"]}, ["patch"]),
    ({"kind": "release", "resources": {"limits": {"memory": "64Mi"}}}, ["patch"]),
    ({"kind": "config", "configMap": "settings", "key": "threshold", "value": "0.9"}, ["patch", "patch"]),
    ({"kind": "config", "configMap": "settings", "key": "threshold", "remove": True}, ["patch", "patch"]),
    ({"kind": "bad-artifact", "variable": "MODEL_PATH"}, ["patch"]),
    ({"kind": "bad-artifact", "init": "fetch", "command": ["fetch", "nothing"]}, ["patch"]),
    ({"kind": "resource-squeeze", "requests": {"cpu": "1k"}, "limits": {"cpu": "1k"}}, ["patch"]),
    ({"kind": "zone-outage"}, ["banish"]),
    ({"kind": "cordon", "all": True}, ["patch", "patch", "patch"]),
    ({"kind": "drain", "count": 2}, ["patch", "patch", "evict"]),
    ({"kind": "partition"}, ["create"]),
    ({"kind": "partition", "direction": "both", "percent": "50%"}, ["patch", "patch", "create"]),
    ({"kind": "hpa", "maxReplicas": 3, "utilization": 90}, ["patch"]),
    ({"kind": "quota"}, ["create"]),
    ({"kind": "quota", "name": "team", "hard": {"pods": "3", "requests.cpu": "1"}}, ["patch"]),
    ({"kind": "burst", "arrival": {"rate": "500/s"}}, ["stream"]),
    ({"kind": "latency", "delay": "300ms"}, ["create", "create", "patch", "switch"]),
    ({"kind": "errors", "share": "10%"}, ["create", "create", "patch", "switch"]),
    ({"kind": "disconnect", "mode": "timeout"}, ["create", "create", "patch", "switch"]),
    ({"kind": "bandwidth", "bytesPerSecond": 1000}, ["create", "create", "patch", "switch"]),
    ({"kind": "slow-body", "bytesPerSecond": 1000}, ["create", "create", "patch", "switch"]),
    ({"kind": "body-change", "mode": "truncate"}, ["create", "create", "patch", "switch"]),
]
rows = pytest.mark.parametrize(("body", "steps"), TABLE, ids=[row[0]["kind"] for row in TABLE])


def some_cluster():
    return FakeCluster(
        deployment("fraud", 3),
        service("fraud"),
        config_map("settings", threshold="0.5"),
        autoscaler("fraud"),
        resource_quota("team", pods="30"),
    )


def aim(seed=1):
    return Aim("r1", "e1", Random(seed))


async def planned(body, cluster=None, target=TARGET, seed=1):
    """The fault that a body describes, its plan, and the target that it was planned for."""
    cluster = cluster or some_cluster()
    fault = KINDS[body["kind"]].model_validate(body)
    view = await look(target, cluster)
    return fault, await fault.plan(view, cluster, aim(seed)), view


@rows
async def test_a_fault_plans_these_steps(body, steps):
    _, plan, _ = await planned(body)

    assert [step.step for step in plan] == steps


@rows
async def test_the_same_seed_gives_the_same_plan(body, steps):  # noqa: ARG001 - the table's columns
    cluster = some_cluster()

    assert (await planned(body, cluster))[1] == (await planned(body, cluster))[1]


@rows
async def test_undoing_a_plan_gives_back_what_was_there(body, steps):  # noqa: ARG001 - the table's columns
    cluster = some_cluster()
    _, plan, _ = await planned(body, cluster)

    for change in (step for step in plan if isinstance(step, Patch)):
        seen = await cluster.get(change.ref)
        changed = apply_ops(seen, forward(change))
        assert not same(seen, changed)
        assert same(seen, apply_ops(changed, backward(change, changed)))


@rows
async def test_a_fault_declares_every_right_that_its_plan_and_undo_need(body, steps):  # noqa: ARG001 - as above
    fault, plan, _ = await planned(body)
    declared = {(rule.resource, verb) for rule in fault.needs for verb in rule.verbs}

    needed = {
        ("/".join(filter(None, [PLURALS[right.ref.kind], right.subresource])), right.verb)
        for right in (*to_do(plan), *to_undo(plan))
    }

    assert needed <= declared


@rows
async def test_a_fault_says_how_it_is_felt_in_terms_of_a_known_probe(body, steps):  # noqa: ARG001 - as above
    fault, plan, view = await planned(body)

    effect = fault.effect(plan, view)

    assert effect.role is Role.EFFECT
    probe = PROBE_KINDS[effect.probe["kind"]].model_validate(effect.probe)
    assert probe.unit == effect.unit


@rows
async def test_a_plan_only_creates_what_carries_the_name_of_its_entry(body, steps):  # noqa: ARG001 - as above
    _, plan, _ = await planned(body)

    for step in (step for step in plan if isinstance(step, Create)):
        assert step.ref.name.startswith("chaosctl-r1-e1-")
        assert step.body["metadata"]["name"] == step.ref.name


def test_every_fault_has_a_row_in_the_table():
    assert {body["kind"] for body, _ in TABLE} == set(KINDS)


async def applied(plan, cluster):
    """Carry out a plan's patches and deletions."""
    for step in plan:
        if isinstance(step, Patch):
            await cluster.patch(step.ref, forward(step))
        if isinstance(step, Delete):
            await cluster.delete(step.ref, step.uid)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"kind": "scale-down", "replicas": 3}, "has 3 replicas, so 3 are not fewer"),
        ({"kind": "pod-kill", "count": 4}, "has 3 pods, 4 are to be killed"),
        ({"kind": "release", "image": "model:1"}, "is like that already"),
        ({"kind": "release", "image": "x", "container": "modle"}, 'no container is called "modle"'),
        ({"kind": "config", "configMap": "none", "key": "a", "value": "b"}, "none does not exist"),
        (
            {"kind": "config", "configMap": "settings", "key": "threshold", "value": "0.5"},
            "like that already",
        ),
        ({"kind": "config", "configMap": "settings", "key": "gone", "remove": True}, "like that already"),
        ({"kind": "cordon", "count": 4}, "runs on 3 open nodes, 4 are to be closed"),
        ({"kind": "partition", "count": 4}, "has 3 pods, 4 are to be cut off"),
        ({"kind": "hpa", "maxReplicas": 1, "name": "others"}, "that scales .*fraud.*: there is none"),
        ({"kind": "hpa", "utilization": 1, "metric": "memory"}, "no goal for the utilization of memory"),
        ({"kind": "quota", "name": "none"}, "none does not exist"),
        ({"kind": "bad-artifact", "volume": "weights"}, 'none of the volumes is called "weights": .* none'),
        ({"kind": "bad-artifact", "mount": "weights"}, "none of the volumeMounts is called"),
        ({"kind": "zone-outage", "zone": "moon"}, 'no pods in zone "moon", only in zone-a, zone-b, zone-c'),
    ],
)
async def test_what_does_not_fit_the_target_is_refused(body, why):
    with pytest.raises(CannotPlan, match=why):
        await planned(body)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"kind": "pod-kill", "count": 1, "all": True}, "in one way only"),
        ({"kind": "release"}, "name what to release"),
        ({"kind": "config", "configMap": "a", "key": "b"}, 'new "value", or say "remove: true"'),
        ({"kind": "config", "configMap": "a", "key": "b", "value": "", "remove": True}, "remove"),
        ({"kind": "latency", "delay": "1s", "jitter": "1s"}, "belong together"),
        ({"kind": "latency", "delay": "0s"}, "greater than"),
        ({"kind": "errors", "share": "0%"}, "greater than 0"),
        ({"kind": "errors", "status": 200}, "greater than or equal to 400"),
        ({"kind": "bad-artifact"}, "in one way: volume, variable, argument, mount, init"),
        ({"kind": "bad-artifact", "volume": "a", "init": "b"}, "in one way"),
        ({"kind": "resource-squeeze"}, '"requests" or "limits"'),
        ({"kind": "drain", "count": 1, "all": True}, "in one way only"),
        ({"kind": "hpa"}, "name what to change"),
        ({"kind": "hpa", "maxReplicas": 0}, "greater than 0"),
        ({"kind": "quota", "hard": {}}, "at least 1"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anybody_looks_at_the_cluster(body, why):
    with pytest.raises(ValueError, match=why):
        KINDS[body["kind"]].model_validate(body)


async def killed(order, count, cluster, seed=1):
    _, plan, _ = await planned({"kind": "pod-kill", "order": order, "count": count}, cluster, seed=seed)
    return [step.ref.name for step in plan]


async def test_pods_are_killed_oldest_or_newest_first():
    cluster = some_cluster()
    by_age = sorted(
        await cluster.pods(TARGET.workload), key=lambda pod: int(pod["metadata"]["uid"].removeprefix("uid-"))
    )
    names = [pod["metadata"]["name"] for pod in by_age]
    for pod, second in zip(by_age, range(3), strict=True):
        stamp = f"2030-01-01T00:00:0{second}Z"
        ref = next(ref for ref in cluster.objects if ref.name == pod["metadata"]["name"])
        cluster.objects[ref]["metadata"]["creationTimestamp"] = stamp

    assert await killed("oldest", 2, cluster) == names[:2]
    assert await killed("newest", 2, cluster) == names[:0:-1]


async def test_random_victims_differ_between_seeds():
    cluster = some_cluster()
    chosen = [await killed("random", 1, cluster, seed) for seed in range(20)]

    assert len({name for [name] in chosen}) == 3


async def test_pods_that_nothing_would_replace_are_refused():
    cluster = some_cluster()
    orphan = {"metadata": {"name": "lonely", "namespace": "models", "uid": "u"}}

    async def pods(owner):  # noqa: ARG001 - the port's signature
        return [orphan]

    cluster.pods = pods

    with pytest.raises(CannotPlan, match="nothing would replace lonely"):
        await planned({"kind": "pod-kill"}, cluster)


async def test_all_pods_can_be_killed_but_not_those_that_leave_already():
    cluster = some_cluster()
    first = next(ref for ref in cluster.objects if ref.kind == "Pod")
    cluster.objects[first]["metadata"]["deletionTimestamp"] = "2030-01-01T00:00:00Z"

    _, plan, _ = await planned({"kind": "pod-kill", "all": True}, cluster)

    assert len(plan) == 2
    assert first not in [step.ref for step in plan]


async def test_a_share_of_pods_is_rounded_up():
    _, plan, _ = await planned({"kind": "pod-kill", "percent": "1%"})

    assert len(plan) == 1


def container_after(plan, cluster):
    after = reduce(lambda seen, step: apply_ops(seen, forward(step)), plan, cluster.objects[TARGET.workload])
    return after["spec"]["template"]["spec"]["containers"]


def with_env():
    body = deployment("fraud", 3)
    container = body["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": "TOKEN", "value": "secret"}, {"name": "MODE", "value": "a"}]
    container["resources"] = {"limits": {"cpu": "1", "memory": "1Gi"}}
    return FakeCluster(body)


async def test_a_release_changes_only_the_variables_that_it_names():
    cluster = with_env()

    _, plan, _ = await planned({"kind": "release", "env": {"MODE": "b"}}, cluster)

    assert container_after(plan, cluster)[0]["env"][1] == {"name": "MODE", "value": "b"}
    assert "secret" not in plan[0].model_dump_json()


async def test_a_release_adds_variables_that_are_new():
    cluster = with_env()

    _, plan, _ = await planned({"kind": "release", "env": {"MODE": "b", "NEW": "1"}}, cluster)

    env = {variable["name"]: variable["value"] for variable in container_after(plan, cluster)[0]["env"]}
    assert env == {"TOKEN": "secret", "MODE": "b", "NEW": "1"}


async def test_a_release_keeps_the_resources_that_it_does_not_name():
    cluster = with_env()

    _, plan, _ = await planned({"kind": "release", "resources": {"limits": {"memory": "64Mi"}}}, cluster)

    assert container_after(plan, cluster)[0]["resources"] == {"limits": {"cpu": "1", "memory": "64Mi"}}


async def test_a_release_goes_to_the_container_that_the_target_names():
    cluster = some_cluster()
    target = TARGET.model_copy(update={"container": "sidecar"})

    _, plan, _ = await planned({"kind": "release", "image": "proxy:2"}, cluster, target)

    assert [each["image"] for each in container_after(plan, cluster)] == ["model:1", "proxy:2"]
    assert plan[0].pins[0].value == "sidecar"


async def test_a_setting_is_changed_without_a_restart_where_pods_read_it_live():
    body = {"kind": "config", "configMap": "settings", "key": "a/b", "value": "x", "restart": False}

    fault, plan, view = await planned(body)

    assert [str(step.ref) for step in plan] == ["ConfigMap models/settings"]
    assert fault.effect(plan, view).probe["kind"] == "object-value"


async def test_the_undo_of_a_setting_comes_before_the_restart_that_reads_it():
    _, plan, _ = await planned({"kind": "config", "configMap": "settings", "key": "threshold", "value": "1"})

    assert [step.ref.kind for step in reversed(plan)] == ["ConfigMap", "Deployment"]


async def test_an_immutable_config_map_is_refused():
    cluster = some_cluster()
    cluster.put({**config_map("settings", threshold="0.5"), "immutable": True})

    with pytest.raises(CannotPlan, match="is immutable"):
        await planned({"kind": "config", "configMap": "settings", "key": "threshold", "value": "1"}, cluster)


async def test_an_outage_takes_every_node_of_one_zone():
    _, plan, _ = await planned({"kind": "zone-outage", "zone": "zone-b"})

    assert plan[0].nodes == ("node-b",)
    assert plan[0].owner == TARGET.workload


async def test_an_outage_needs_nodes_with_zones():
    cluster = some_cluster()
    for ref in [ref for ref in cluster.objects if ref.kind == "Node"]:
        cluster.objects[ref] = deepcopy(cluster.objects[ref])
        cluster.objects[ref]["metadata"]["labels"] = {}

    with pytest.raises(CannotPlan, match="on a node with the label topology"):
        await planned({"kind": "zone-outage"}, cluster)


def test_only_what_rolls_out_waits_for_somebody_to_undo_it():
    rolled_out = ["bad-artifact", "release", "resource-squeeze"]

    assert [kind for kind, fault in KINDS.items() if fault.reaction] == rolled_out
