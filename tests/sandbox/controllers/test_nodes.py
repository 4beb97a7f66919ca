"""Nodes: where pods go, and how they are moved away."""

from collections import Counter

import pytest
from sandbox.node.lab import Json, Kubectl, Lab, deployment, pod


def node_of(body: Json) -> str:
    return body["spec"].get("nodeName", "")


def budget(**spec) -> Json:
    return {"metadata": {"name": "web"}, "spec": {"selector": {"matchLabels": {"app": "web"}}, **spec}}


def unschedulable(lab: Lab, name: str) -> str:
    conditions = lab.status("pods", name).get("conditions") or ()
    return next((c["message"] for c in conditions if c.get("reason") == "Unschedulable"), "")


async def test_pods_spread_over_zones_and_nodes(objects: Lab):
    objects.create("deployments", deployment(replicas=7))
    await objects.until(lambda: objects.rolled_out("web"))
    assert sorted(Counter(map(node_of, objects.all("pods"))).values()) == [2, 2, 3]


async def test_a_pod_that_fits_nowhere_waits_and_says_why(objects: Lab):
    objects.create("pods", pod("picky", spec={"nodeSelector": {"disk": "ssd"}}))
    await objects.until(lambda: unschedulable(objects, "picky"))
    assert "0/3 nodes are available: 3 node(s) didn't match" in unschedulable(objects, "picky")
    assert objects.status("pods", "picky")["phase"] == "Pending"
    assert "FailedScheduling" in objects.reasons("picky")
    objects.edit("nodes", "sandbox-node-2", lambda body: body["metadata"]["labels"].update(disk="ssd"))
    await objects.until(lambda: node_of(objects.get("pods", "picky")) == "sandbox-node-2")


async def test_a_pod_that_asks_for_too_much_waits(objects: Lab):
    objects.create("pods", pod("big", resources={"requests": {"memory": "10Ti"}}))
    await objects.until(lambda: "3 Insufficient memory" in unschedulable(objects, "big"))


async def test_taints_keep_pods_away_that_do_not_tolerate_them(objects: Lab):
    taint = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
    for number in (1, 2, 3):
        objects.edit("nodes", f"sandbox-node-{number}", lambda body: body["spec"].update(taints=[taint]))
    objects.create("pods", pod("plain"))
    tolerations = [{"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"}]
    objects.create("pods", pod("tolerant", spec={"tolerations": tolerations}))
    await objects.until(lambda: node_of(objects.get("pods", "tolerant")) and unschedulable(objects, "plain"))
    assert "untolerated taint {gpu: yes}" in unschedulable(objects, "plain")


async def test_a_cordoned_node_gets_no_new_pods(lab: Lab, kubectl: Kubectl):
    await kubectl("cordon", "sandbox-node-1")
    assert "SchedulingDisabled" in await kubectl("get", "nodes")
    lab.create("deployments", deployment(replicas=4))
    await lab.until(lambda: lab.rolled_out("web"))
    assert Counter(map(node_of, lab.all("pods"))) == {"sandbox-node-2": 2, "sandbox-node-3": 2}
    await kubectl("uncordon", "sandbox-node-1")
    await kubectl("scale", "deploy/web", "--replicas=5")
    await lab.until(lambda: lab.rolled_out("web"))
    assert Counter(map(node_of, lab.all("pods")))["sandbox-node-1"] == 1


async def test_a_closed_node_carries_a_taint_until_it_is_opened_again(objects: Lab):
    taint = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
    objects.edit(
        "nodes", "sandbox-node-1", lambda body: body["spec"].update(unschedulable=True, taints=[taint])
    )
    await objects.until(lambda: len(taints(objects)) == 2)
    own, closed = taints(objects)
    assert own == taint
    assert (closed["key"], closed["effect"]) == ("node.kubernetes.io/unschedulable", "NoSchedule")
    assert closed["timeAdded"]
    objects.edit("nodes", "sandbox-node-1", lambda body: body["spec"].pop("unschedulable"))
    await objects.until(lambda: taints(objects) == [taint])


def taints(lab: Lab) -> list[Json]:
    node = next(
        each for each in lab.store.list(lab.resource("nodes")) if each["metadata"]["name"] == "sandbox-node-1"
    )
    return node["spec"].get("taints") or []


async def test_draining_moves_pods_and_keeps_to_the_budget(lab: Lab, kubectl: Kubectl):
    lab.create("poddisruptionbudgets", budget(minAvailable=2))
    lab.create("deployments", deployment(replicas=3))
    await lab.until(lambda: lab.rolled_out("web"))
    async with lab.recorded() as changes:
        await kubectl("drain", "sandbox-node-1", "sandbox-node-2", "--ignore-daemonsets", "--timeout=60s")
    await lab.until(
        lambda: {node_of(p) for p in lab.all("pods")} == {"sandbox-node-3"} and lab.rolled_out("web")
    )
    available = [
        c.object["status"].get("availableReplicas", 0) for c in changes if c.resource.plural == "deployments"
    ]
    assert min(available, default=2) >= 2


@pytest.mark.parametrize(
    ("spec", "desired", "allowed"),
    [
        ({"minAvailable": 3}, 3, 1),
        ({"minAvailable": "50%"}, 2, 2),
        ({"minAvailable": "60%"}, 3, 1),
        ({"maxUnavailable": 1}, 3, 1),
        ({"maxUnavailable": "30%"}, 2, 2),
        ({"minAvailable": "100%"}, 4, 0),
    ],
)
async def test_a_budget_says_how_many_may_go(objects: Lab, spec: Json, desired: int, allowed: int):
    objects.create("poddisruptionbudgets", budget(**spec))
    objects.create("deployments", deployment(replicas=4))
    await objects.until(lambda: objects.status("poddisruptionbudgets", "web").get("currentHealthy") == 4)
    status = objects.status("poddisruptionbudgets", "web")
    assert (status["expectedPods"], status["desiredHealthy"], status["disruptionsAllowed"]) == (
        4,
        desired,
        allowed,
    )
    (state,) = status["conditions"]
    assert state["reason"] == ("SufficientPods" if allowed else "InsufficientPods")


@pytest.mark.parametrize(
    ("requirement", "nodes"),
    [
        (
            {"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["sandbox-node-1"]}]},
            "23",
        ),
        ({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["sandbox-node-2"]}]}, "2"),
        ({"matchExpressions": [{"key": "disk", "operator": "Exists"}]}, "3"),
        ({"matchExpressions": [{"key": "disk", "operator": "DoesNotExist"}]}, "12"),
        ({"matchExpressions": [{"key": "disk", "operator": "Gt", "values": ["99"]}]}, "3"),
        ({"matchExpressions": [{"key": "disk", "operator": "Lt", "values": ["99"]}]}, ""),
        ({}, ""),
    ],
)
async def test_a_pod_goes_only_where_its_required_affinity_lets_it(objects: Lab, requirement, nodes):
    objects.edit("nodes", "sandbox-node-3", lambda body: body["metadata"]["labels"].update(disk="100"))
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [requirement]}}
    for number in range(4):
        objects.create("pods", pod(f"picky-{number}", spec={"affinity": {"nodeAffinity": required}}))

    await objects.until(
        lambda: all(node_of(p) or unschedulable(objects, p["metadata"]["name"]) for p in objects.all("pods"))
    )

    assert {node_of(p)[-1:] for p in objects.all("pods")} == (set(nodes) or {""})
