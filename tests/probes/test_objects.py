"""Why: what pods and objects show must be read as the cluster means it."""

from datetime import timedelta

import pytest
from probes.views import TARGET, read, some_cluster, view

from chaosctl.changes import forward, patch
from chaosctl.errors import NoData
from chaosctl.model import Ref
from chaosctl.testing import FakeCluster, config_map, deployment

IMAGE = "/spec/template/spec/containers/0/image"
SETTING = {"kind": "object-value", "object": {"kind": "ConfigMap", "name": "settings"}, "path": "/data/a"}


async def pods_of(cluster):
    return await cluster.pods(TARGET.workload)


def leaving(cluster, pod):
    """Somebody deleted the pod, and it takes its time."""
    ref = Ref(kind="Pod", namespace="models", name=pod["metadata"]["name"])
    cluster.objects[ref]["metadata"]["deletionTimestamp"] = "2030-01-01T00:00:00Z"


async def released(cluster, image):
    seen = await cluster.get(TARGET.workload)
    await cluster.patch(TARGET.workload, forward(patch(TARGET.workload, seen, {IMAGE: image})))


def hash_of(pod):
    return pod["metadata"]["labels"]["pod-template-hash"]


async def test_ready_replicas_are_as_many_as_the_workload_says():
    assert (await read({"kind": "ready-replicas"}, view())).value == 3


async def test_no_ready_replica_reads_as_zero_though_kubernetes_leaves_it_out():
    cluster = FakeCluster(deployment("fraud"), startup=timedelta(hours=100))

    assert (await read({"kind": "ready-replicas"}, view(cluster=cluster))).value == 0


async def test_a_workload_that_no_controller_has_seen_gives_no_data():
    cluster = some_cluster()

    async def get(ref):  # noqa: ARG001 - the port's signature
        return deployment("fraud")

    cluster.get = get

    with pytest.raises(NoData, match="no controller has reported"):
        await read({"kind": "ready-replicas"}, view(cluster=cluster))


async def test_a_pod_is_gone_once_it_is_deleted_or_on_its_way_out():
    cluster = some_cluster()
    first, second, third = await pods_of(cluster)
    uids = [pod["metadata"]["uid"] for pod in (first, second, third)]
    probe = {"kind": "pods-gone", "uids": uids}
    assert (await read(probe, view(cluster=cluster))).value == 0

    leaving(cluster, first)
    ref = Ref(kind="Pod", namespace="models", name=second["metadata"]["name"])
    await cluster.delete(ref, uids[1])

    assert len([pod for pod in await pods_of(cluster) if pod["metadata"]["uid"] not in uids]) == 1
    assert (await read(probe, view(cluster=cluster))).value == 2


async def test_only_ready_pods_on_the_nodes_count_for_a_zone():
    cluster = some_cluster()
    pods = [pod for pod in await pods_of(cluster) if pod["spec"]["nodeName"] == "node-a"]
    probe = {"kind": "pods-on-nodes", "nodes": ["node-a"]}
    assert (await read(probe, view(cluster=cluster))).value == len(pods) > 0

    for pod in pods:
        leaving(cluster, pod)

    assert (await read(probe, view(cluster=cluster))).value == 0


async def test_pods_of_a_new_template_are_counted_though_they_never_get_ready():
    cluster = some_cluster()
    cluster.broken.add("model:crash")
    before = hash_of((await pods_of(cluster))[0])
    assert (await read({"kind": "new-pods", "besides": before}, view(cluster=cluster))).value == 0

    await released(cluster, "model:crash")

    assert (await read({"kind": "new-pods", "besides": before}, view(cluster=cluster))).value >= 1


async def test_the_pod_revision_is_the_share_of_pods_of_the_steady_template_ready_or_not():
    cluster = some_cluster()
    steady = await read({"kind": "pod-revision"}, view(cluster=cluster))
    assert (steady.value, steady.n) == (1, 3)

    await released(cluster, "model:2")

    assert (await read({"kind": "pod-revision"}, view(cluster=cluster, before=steady))).value == 0
    other = {"kind": "pod-revision", "revision": hash_of((await pods_of(cluster))[0])}
    assert (await read(other, view(cluster=cluster, before=steady))).value == 1


async def test_without_a_pod_there_is_no_revision():
    cluster = FakeCluster(deployment("fraud", replicas=0))

    with pytest.raises(NoData, match="models/fraud has no pod"):
        await read({"kind": "pod-revision"}, view(cluster=cluster))


@pytest.mark.parametrize(("value", "read_as"), [("1", 1), ("2", 0), (1, 0), (None, 0)])
async def test_an_object_holds_a_value_or_does_not(value, read_as):
    cluster = some_cluster(config_map("settings", a="1"))

    assert (await read({**SETTING, "value": value}, view(cluster=cluster))).value == read_as


async def test_a_missing_path_holds_null():
    cluster = some_cluster(config_map("settings"))

    assert (await read(SETTING, view(cluster=cluster))).value == 1


async def test_an_object_of_another_namespace_is_read_where_it_is_named():
    cluster = some_cluster(config_map("settings", namespace="shared", a="1"))
    named = {**SETTING["object"], "apiVersion": "v1", "namespace": "shared"}

    assert (await read({**SETTING, "object": named, "value": "1"}, view(cluster=cluster))).value == 1


@pytest.mark.parametrize(("status", "read_as"), [("True", 1), ("False", 0)])
async def test_a_condition_of_the_workload_has_a_status_or_has_not(status, read_as):
    reading = await read({"kind": "k8s-condition", "type": "Available", "status": status}, view())

    assert (reading.value, reading.detail) == (read_as, "True")


async def test_a_condition_of_another_object_can_be_asked_for():
    cluster = some_cluster(deployment("other"))
    named = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "other"}

    assert (
        await read({"kind": "k8s-condition", "object": named, "type": "Available"}, view(cluster=cluster))
    ).value == 1


async def test_a_condition_that_is_not_there_is_no_data():
    with pytest.raises(NoData, match="Deployment models/fraud has no condition Loved"):
        await read({"kind": "k8s-condition", "type": "Loved"}, view())


PROXIES = {"kind": "touched", "proxies": "proxy", "port": 9901}


async def test_requests_touched_are_added_up_over_proxies_and_kinds_of_harm():
    cluster = some_cluster(deployment("proxy", 2))
    cluster.admin = lambda pod, path, body: {  # noqa: ARG005 - the fake's signature
        "touched": {"latency": 3, "errors": 1, "disconnect": 0} if path == "/status" else {}
    }

    assert (await read(PROXIES, view(cluster=cluster))).value == 8


async def test_a_proxy_that_is_on_its_way_out_is_not_asked():
    cluster = some_cluster(deployment("proxy", 2))
    cluster.admin = lambda pod, path, body: {"touched": {"errors": 1}}  # noqa: ARG005 - the fake's signature
    owner = TARGET.workload.model_copy(update={"name": "proxy"})
    leaving(cluster, (await cluster.pods(owner))[0])

    assert (await read(PROXIES, view(cluster=cluster))).value == 1


async def test_a_proxy_that_touched_nothing_reads_as_zero():
    cluster = some_cluster(deployment("proxy", 2))
    cluster.admin = lambda pod, path, body: {"touched": {}}  # noqa: ARG005 - the fake's signature

    assert (await read(PROXIES, view(cluster=cluster))).value == 0


async def test_without_a_ready_proxy_nobody_knows_what_was_touched():
    with pytest.raises(NoData, match="no proxy of Deployment models/proxy is ready"):
        await read(PROXIES, view(cluster=some_cluster(deployment("proxy", 0))))


async def test_proxies_that_do_not_answer_give_no_data():
    with pytest.raises(NoData, match="nothing listens there"):
        await read(PROXIES, view(cluster=some_cluster(deployment("proxy", 2))))


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "ready-replicas"},
        {"kind": "pods-gone", "uids": ["u"]},
        {"kind": "pods-on-nodes", "nodes": ["node-a"]},
        {"kind": "new-pods", "besides": "h"},
        {"kind": "pod-revision"},
        {"kind": "k8s-condition", "type": "Available"},
        {**SETTING, "value": "1"},
        PROXIES,
    ],
    ids=lambda body: body["kind"],
)
async def test_what_the_cluster_does_not_say_is_no_data(body):
    with pytest.raises(NoData, match="does not exist"):
        await read(body, view(cluster=FakeCluster()))


async def test_restarts_of_all_containers_are_added_up():
    cluster = some_cluster()
    pods = await pods_of(cluster)

    async def restarted(_owner):
        counts = [[{"restartCount": count}, {"restartCount": 1}] for count in range(3)]
        return [
            {**pod, "status": {"containerStatuses": found}} for pod, found in zip(pods, counts, strict=True)
        ]

    cluster.pods = restarted
    assert (await read({"kind": "restarts"}, view(cluster=cluster))).value == 0 + 1 + 2 + 3
