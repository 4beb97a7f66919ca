"""Why: a policy that cuts too little proves nothing, and one that cuts too much is an outage of others."""

import pytest
from faults.test_plans import KINDS, TARGET, planned, some_cluster

from chaosctl.errors import Forbidden
from chaosctl.targets import look

DNS = {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}
FRIENDS = {"podSelector": {"matchLabels": {"app": "friend"}}}


def fault_of(**fields):
    return KINDS["partition"].model_validate({"kind": "partition", **fields})


async def spec_of(**fields):
    _, plan, _ = await planned({"kind": "partition", **fields})
    return plan[-1].body["spec"]


async def doubts(cluster, **fields):
    return await fault_of(**fields).doubts(await look(TARGET, cluster), cluster)


@pytest.mark.parametrize(
    ("fields", "spec"),
    [
        ({}, {"policyTypes": ["Ingress"], "ingress": []}),
        ({"allowFrom": [FRIENDS]}, {"policyTypes": ["Ingress"], "ingress": [{"from": [FRIENDS]}]}),
        ({"direction": "egress"}, {"policyTypes": ["Egress"], "egress": [DNS]}),
        ({"direction": "egress", "dns": False}, {"policyTypes": ["Egress"], "egress": []}),
        (
            {"direction": "both", "allowTo": [FRIENDS]},
            {"policyTypes": ["Ingress", "Egress"], "ingress": [], "egress": [{"to": [FRIENDS]}, DNS]},
        ),
    ],
)
async def test_who_is_not_named_does_not_get_through(fields, spec):
    assert await spec_of(**fields) == {"podSelector": {"matchLabels": {"app": "fraud"}}, **spec}


async def test_some_pods_are_cut_off_by_a_label_that_only_they_have():
    _, plan, _ = await planned({"kind": "partition", "count": 2})

    *marked, policy = plan
    [label] = policy.body["spec"]["podSelector"]["matchLabels"].items()
    assert label == ("chaosctl.dev/partition", policy.ref.name)
    assert len({step.ref.name for step in marked}) == 2
    # a pod without labels of its own would get the whole map; these have some, so one label is all
    assert {step.edits[0].path for step in marked} == {"/metadata/labels/chaosctl.dev~1partition"}


@pytest.mark.parametrize(
    ("fields", "least"), [({}, 1 / 2), ({"count": 1}, 1 / 6), ({"percent": "67%"}, 1 / 2)]
)
async def test_it_is_felt_when_half_of_the_requests_to_the_cut_pods_fail(fields, least):
    fault, plan, view = await planned({"kind": "partition", **fields})

    effect = fault.effect(plan, view)

    assert effect.probe["kind"] == "error-rate"
    assert effect.holds.min == pytest.approx(least)


async def test_nobody_outside_sees_that_pods_cannot_call_out():
    fault, plan, view = await planned({"kind": "partition", "direction": "egress"})

    assert fault.effect(plan, view) is None
    assert not fault.shows_itself
    assert fault_of(direction="both").shows_itself


def daemon_set(name, *arguments):
    metadata = {"name": name, "namespace": "kube-system"}
    containers = [{"name": "agent", "args": list(arguments)}]
    spec = {"template": {"spec": {"containers": containers}}}
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": metadata, "spec": spec}


@pytest.mark.parametrize(
    ("agent", "enforces"),
    [
        (daemon_set("calico-node"), True),
        (daemon_set("rke2-canal"), True),
        (daemon_set("cilium"), True),
        (daemon_set("aws-node", "--enable-network-policy=true"), True),
        (daemon_set("aws-node", "--enable-network-policy=false"), False),
        (daemon_set("kube-proxy"), False),
        (daemon_set("kube-flannel-ds"), False),
    ],
    ids=lambda value: value["metadata"]["name"] if isinstance(value, dict) else str(value),
)
async def test_where_nobody_is_known_to_enforce_policies_it_is_said_before(agent, enforces):
    cluster = some_cluster()
    cluster.put(agent)

    found = await doubts(cluster)

    assert [doubt for doubt in found if "nobody here seems to enforce" in doubt] == (
        [] if enforces else found
    )


async def test_a_distribution_that_enforces_by_itself_is_known_by_its_nodes():
    cluster = some_cluster()
    ref = next(ref for ref in cluster.objects if ref.kind == "Node")
    cluster.objects[ref]["status"] = {"nodeInfo": {"kubeletVersion": "v1.33.1+k3s1"}}

    assert await doubts(cluster) == []


def policy(name, direction, rules, **labels):
    spec = {"podSelector": {"matchLabels": labels}, "policyTypes": [direction.capitalize()], direction: rules}
    metadata = {"name": name, "namespace": "models"}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata,
        "spec": spec,
    }


async def test_a_policy_that_lets_somebody_through_already_is_named_because_policies_add_up():
    cluster = some_cluster()
    cluster.put(daemon_set("cilium"))
    for name, direction, rules, labels in (
        ("web", "ingress", [{"from": [FRIENDS]}], {"app": "fraud"}),
        ("out", "egress", [DNS], {"app": "fraud"}),
        ("deny", "ingress", [], {"app": "fraud"}),
        ("others", "ingress", [{}], {"app": "other"}),
    ):
        cluster.put(policy(name, direction, rules, **labels))

    assert [doubt.split()[1] for doubt in await doubts(cluster)] == ["web"]
    assert [doubt.split()[1] for doubt in await doubts(cluster, direction="both")] == ["web", "out"]


async def test_who_may_not_look_at_the_plug_ins_gets_an_error_and_no_guess():
    cluster = some_cluster()
    find = cluster.find

    async def partly(like, selector="", fields=""):
        if like.kind == "DaemonSet":
            raise Forbidden("daemonsets is forbidden")
        return await find(like, selector, fields)

    cluster.find = partly

    with pytest.raises(Forbidden):
        await doubts(cluster)
