"""Why: nodes are everybody's, so a drill closes as few as it was told, and sends away its own pods alone."""

from faults.test_plans import KINDS, TARGET, planned, some_cluster

from chaosctl.changes import forward
from chaosctl.model import Patch, Ref
from chaosctl.targets import look

DRAIN = {"kind": "drain", "all": True}


def budget(name, allowed, **labels):
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": "models"},
        "spec": {"selector": {"matchLabels": labels}},
        "status": {"disruptionsAllowed": allowed},
    }


async def doubts(body, cluster):
    fault = KINDS[body["kind"]].model_validate(body)
    return await fault.doubts(await look(TARGET, cluster), cluster)


async def test_only_nodes_that_run_the_model_are_closed():
    cluster = some_cluster()
    hosts = {pod["spec"]["nodeName"] for pod in await cluster.pods(TARGET.workload)}
    cluster.put({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "idle"}, "spec": {}})

    _, plan, _ = await planned({"kind": "cordon", "all": True}, cluster)

    assert {step.ref.name for step in plan} == hosts
    assert {edit.path for step in plan for edit in step.edits} == {"/spec/unschedulable"}


async def test_a_node_that_somebody_closed_already_is_left_to_them():
    cluster = some_cluster()
    closed = Ref(kind="Node", name="node-a")
    _, plan, _ = await planned({"kind": "cordon", "all": True}, cluster)
    await cluster.patch(closed, forward(next(step for step in plan if step.ref == closed)), manager="kubectl")

    _, plan, _ = await planned({"kind": "cordon", "all": True}, cluster)

    assert closed not in [step.ref for step in plan]
    assert len(plan) == 2


async def test_a_drain_evicts_the_targets_pods_from_the_nodes_that_it_closes():
    _, plan, _ = await planned({"kind": "drain", "count": 2})

    *closed, evict = plan
    assert all(isinstance(step, Patch) for step in closed)
    assert evict.owner == TARGET.workload
    assert set(evict.nodes) == {step.ref.name for step in closed}


async def test_which_nodes_are_chosen_differs_between_seeds():
    chosen = [(await planned({"kind": "cordon"}, seed=seed))[1][0].ref.name for seed in range(20)]

    assert len(set(chosen)) == 3


async def test_a_budget_of_the_target_that_lets_nobody_go_is_said_before():
    cluster = some_cluster()
    assert await doubts(DRAIN, cluster) == []
    cluster.put(budget("tight", 0, app="fraud"))
    cluster.put(budget("loose", 1, app="fraud"))
    cluster.put(budget("of-others", 0, app="other"))

    [doubt] = await doubts(DRAIN, cluster)

    assert doubt.startswith("PodDisruptionBudget tight lets no pod go at the moment")
