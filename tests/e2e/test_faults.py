"""Why: a fault is only known to bite, and to leave nothing, on the cluster that it was made for.

Nodes here are made up, with a taint that keeps everybody else's pods away: the real one is everybody's.
"""

import asyncio
import json
import secrets
from datetime import timedelta
from random import Random

import pytest
from e2e.place import lasting, until

from chaosctl.catalog import installed
from chaosctl.cluster.adapter import connect
from chaosctl.cluster.admission import admitted
from chaosctl.cluster.inject import inject
from chaosctl.cluster.keep import keep
from chaosctl.cluster.ledger import Line, ledger_of
from chaosctl.cluster.ledgers import Ledgers
from chaosctl.cluster.restore import restore
from chaosctl.cluster.sweep import settle
from chaosctl.errors import NoData
from chaosctl.model import Ref
from chaosctl.operations.http import PlainHttp
from chaosctl.spec import Aim, Target, View
from chaosctl.targets import look

HOLD = timedelta(seconds=60)
KINDS = installed()


@pytest.fixture
def furnished(place, namespace):
    """A model with three replicas, an autoscaler, and a volume for its weights."""
    place.furnish(namespace)
    place.kubectl("apply", "-n", namespace, "-f", "-", given=json.dumps(autoscaler()))
    volume = {"name": "weights", "configMap": {"name": "settings"}}
    mounts = [{"name": "weights", "mountPath": "/weights"}]
    containers = [{"name": "model", "volumeMounts": mounts}]
    change = {"spec": {"template": {"spec": {"volumes": [volume], "containers": containers}}}}
    place.kubectl("patch", "deployment", "model", "-n", namespace, "-p", json.dumps(change))
    until(lambda: place.is_ready(namespace))
    return namespace


def autoscaler():
    scaled = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "model"}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "model"},
        "spec": {"scaleTargetRef": scaled, "minReplicas": 3, "maxReplicas": 6},
    }


class Drill:
    """One fault on one target, from plan to undo, on a real cluster."""

    def __init__(self, namespace, body, cluster):
        name = Ref(api_version="apps/v1", kind="Deployment", namespace=namespace, name="model")
        self.target, self.cluster = Target(workload=name, service="model"), cluster
        self.ledgers = Ledgers(cluster, cluster.clock, b"k" * 32)
        self.fault = KINDS.fault(body)
        self.run = secrets.token_hex(3)

    async def begin(self):
        view = await look(self.target, self.cluster)
        self.warnings = await self.fault.doubts(view, self.cluster)
        plan = await admitted(
            await self.fault.plan(view, self.cluster, Aim(self.run, "e", Random(1))), self.cluster
        )
        self.effect = self.fault.effect(plan, view)
        self.line = Line(entry="e", plan=plan, deadline=self.cluster.clock.now() + HOLD)
        where, until = ledger_of(self.target.workload), self.line.deadline
        await inject(where, self.run, self.line, self.ledgers, guarded=False, ready_by=until)
        self.keeping = asyncio.create_task(keep(self.line, self.cluster, self.cluster.clock))

    async def is_felt(self):
        now = self.cluster.clock.now()
        async with PlainHttp() as http:
            view = View(self.target, self.cluster, http, None, now - timedelta(seconds=1), now)
            try:
                reading = await KINDS.probe(self.effect.probe).read(view)
            except NoData:
                return False
        return self.effect.hold(reading)

    async def end(self):
        self.keeping.cancel()
        where = ledger_of(self.target.workload)
        undone = await restore(where, "e", self.ledgers)
        assert await settle(where, self.ledgers, HOLD)
        return [one.outcome for one in undone]


async def eventually(holds, within=60):
    async with asyncio.timeout(within):
        while not await holds():  # noqa: ASYNC110 - a cluster decides when
            await asyncio.sleep(0.2)


def facts(place, namespace):
    nodes = json.loads(place.kubectl("get", "nodes", "-o", "json"))["items"]
    return place.facts(namespace) | {f"Node/{one['metadata']['name']}": lasting(one) for one in nodes}


async def drilled(body, namespace, place, meanwhile=None):
    """Inject, see the effect, look around, undo; everything must be as before."""
    before = facts(place, namespace)
    async with connect(kubeconfig=str(place.kubeconfig)) as cluster:
        drill = Drill(namespace, body, cluster)
        await drill.begin()
        try:
            await eventually(drill.is_felt)
            if meanwhile:
                await eventually(lambda: asyncio.to_thread(meanwhile))
        finally:
            outcomes = await drill.end()
    assert "superseded" not in outcomes
    await eventually(lambda: asyncio.to_thread(lambda: facts(place, namespace) == before))


def states(place, namespace):
    """Why each pod's containers wait or ended, and what the scheduler says of it."""
    pods = json.loads(place.kubectl("get", "pods", "-n", namespace, "-o", "json"))["items"]
    found = set()
    for status in (pod.get("status", {}) for pod in pods):
        containers = (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ()))
        for each in (state for one in containers for state in (one["state"], one["lastState"])):
            found |= {inner.get("reason", "") for inner in each.values()}
        found |= {each.get("reason", "") for each in status.get("conditions", ())}
    return found


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        ({"init": "fetch-model"}, {"Error", "CrashLoopBackOff"}),
        ({"init": "fetch-model", "image": "knode.local/none:1"}, {"ErrImagePull", "ImagePullBackOff"}),
        ({"volume": "weights"}, {"ContainerCreating"}),
        (
            {"argument": "--no-such-argument", "path": "/nowhere"},
            {"StartError", "RunContainerError", "Error"},
        ),
    ],
    ids=["init", "image", "volume", "argument"],
)
async def test_a_bad_artifact_never_gets_ready_and_leaves_nothing(body, seen, furnished, place):
    await drilled(
        {"kind": "bad-artifact", **body},
        furnished,
        place,
        lambda: seen & states(place, furnished),
    )


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        ({"requests": {"cpu": "1000"}}, {"Unschedulable"}),
        ({"requests": {"memory": "7M"}, "limits": {"memory": "7M"}}, set()),
    ],
    ids=["cpu", "memory"],
)
async def test_a_squeeze_rolls_out_and_leaves_nothing(body, seen, furnished, place):
    body = {"kind": "resource-squeeze", **body}

    await drilled(body, furnished, place, lambda: seen <= states(place, furnished))


async def test_an_autoscaler_gets_its_limits_back(furnished, place):
    await drilled({"kind": "hpa", "maxReplicas": 3, "utilization": 95}, furnished, place)


async def test_replicas_that_a_quota_refuses_are_told_of(furnished, place):
    pods = json.loads(place.kubectl("get", "pods", "-n", furnished, "-o", "json"))["items"]

    def refused():
        place.kubectl(
            "delete",
            "pod",
            pods[0]["metadata"]["name"],
            "-n",
            furnished,
            "--ignore-not-found",
            "--wait=false",
        )
        conditions = place.workload(furnished)["status"]["conditions"]
        texts = [one["message"] for one in conditions if one["type"] == "ReplicaFailure"]
        return texts and "exceeded quota: chaosctl-" in texts[0] and "limited: pods=0" in texts[0]

    await drilled({"kind": "quota"}, furnished, place, refused)
    until(lambda: place.is_ready(furnished))


async def test_a_policy_that_nobody_enforces_is_doubted_before_and_not_felt(furnished, place):
    before = facts(place, furnished)
    async with connect(kubeconfig=str(place.kubeconfig)) as cluster:
        drill = Drill(furnished, {"kind": "partition", "count": 2}, cluster)
        await drill.begin()
        try:
            assert not await drill.is_felt()
            policies = place.kubectl("get", "networkpolicies", "-n", furnished, "-o", "name")
            assert policies == f"networkpolicy.networking.k8s.io/{drill.line.plan[-1].ref.name}\n"
        finally:
            outcomes = await drill.end()
    assert ["nobody here seems to enforce" in warning for warning in drill.warnings] == [True]
    assert set(outcomes) == {"undone"}
    assert facts(place, furnished) == before


@pytest.fixture
def tainted(place, namespace):
    """A node without a kubelet, and three pods of the model that are bound to it and never start."""
    name = f"e2e-{secrets.token_hex(3)}"
    taint = {"key": "chaosctl.dev/e2e", "effect": "NoSchedule"}
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {"taints": [taint]}}
    place.apply(node)
    labels = {"app": "model"}
    pod = {
        "nodeName": name,
        "terminationGracePeriodSeconds": 0,
        "containers": [{"name": "model", "image": "knode.local/none:1"}],
    }
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": 3, "selector": {"matchLabels": labels}, "template": template}
    metadata = {"name": "model", "namespace": namespace}
    place.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
    until(lambda: len(bound(place, namespace, name)) == 3)
    yield name
    place.kubectl("delete", "deployment", "model", "-n", namespace)
    place.kubectl("delete", "node", name)


def bound(place, namespace, node):
    pods = json.loads(place.kubectl("get", "pods", "-n", namespace, "-o", "json"))["items"]
    return {one["metadata"]["uid"] for one in pods if one["spec"].get("nodeName") == node}


async def test_a_node_is_closed_and_opened_again(tainted, namespace, place):
    def closed():
        taints = place.get(f"/api/v1/nodes/{tainted}")["spec"].get("taints", [])
        return any(taint["key"] == "node.kubernetes.io/unschedulable" for taint in taints)

    await drilled_on_a_node({"kind": "cordon"}, tainted, namespace, place, closed)


async def test_a_drain_asks_each_pod_to_leave(tainted, namespace, place):
    before = bound(place, namespace, tainted)

    def gone():
        return not before & bound(place, namespace, tainted)

    await drilled_on_a_node({"kind": "drain"}, tainted, namespace, place, gone)


async def test_a_drain_deletes_nothing_that_a_budget_holds_back(tainted, namespace, place):
    before = bound(place, namespace, tainted)
    running = (
        "--subresource=status",
        "--patch",
        '{"status": {"phase": "Running"}}',
    )  # the others may always go
    for name in place.kubectl("get", "pods", "-n", namespace, "-o", "name").split():
        place.kubectl("patch", name, "-n", namespace, *running)
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "model"}}}
    metadata = {"name": "model", "namespace": namespace}
    place.apply(
        {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": spec}
    )
    path = f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets/model"
    until(lambda: place.get(path).get("status", {}).get("expectedPods") == 3)
    asked = []

    def still_there():
        asked.append(1)
        return len(asked) > 10

    drill = await drilled_on_a_node({"kind": "drain"}, tainted, namespace, place, still_there)
    assert ["lets no pod go at the moment" in warning for warning in drill.warnings] == [True]
    assert bound(place, namespace, tainted) == before


async def drilled_on_a_node(body, node, namespace, place, meanwhile):
    def spec():
        found = place.get(f"/api/v1/nodes/{node}")
        managers = {one["manager"] for one in found["metadata"]["managedFields"]}
        taints = [one for one in found["spec"].get("taints", []) if "chaosctl" in one["key"]]
        return found["spec"].get("unschedulable"), taints, "chaosctl" in managers

    before = spec()
    async with connect(kubeconfig=str(place.kubeconfig)) as cluster:
        drill = Drill(namespace, body, cluster)
        await drill.begin()
        try:
            assert spec()[0] is True
            await eventually(lambda: asyncio.to_thread(meanwhile))
        finally:
            outcomes = await drill.end()
    assert outcomes[0] == "undone"
    assert spec() == before
    return drill
