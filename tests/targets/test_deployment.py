"""Why: "settled" is what lets a drill begin, and what lets it say that the target came back."""

from copy import deepcopy

import pytest

from chaosctl.errors import CannotPlan, Invalid
from chaosctl.model import Ref
from chaosctl.spec import Target
from chaosctl.targets import look
from chaosctl.targets.deployment import selector, view
from chaosctl.targets.fields import container_path, controller, is_ready, pointer
from chaosctl.testing import FakeCluster, deployment, deployment_ref

TARGET = Target(workload=deployment_ref("fraud"))
REVISION = "deployment.kubernetes.io/revision"


def settled(replicas=3):
    """A Deployment that came to rest."""
    body = deployment("fraud", replicas)
    body["metadata"] |= {"uid": "u1", "generation": 4}
    numbers = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), replicas)
    body["status"] = {"observedGeneration": 4, **{name: count for name, count in numbers.items() if count}}
    return body


def replica_set(digest, template, revision, owner="u1"):
    template = deepcopy(template)
    template["metadata"]["labels"]["pod-template-hash"] = digest
    metadata = {
        "name": f"fraud-{digest}",
        "labels": {"pod-template-hash": digest},
        "annotations": {REVISION: str(revision)},
        "ownerReferences": [{"uid": owner, "controller": True}],
    }
    return {"metadata": metadata, "spec": {"template": template}}


def test_a_deployment_at_rest_is_settled():
    seen = view(TARGET, settled(), ())

    assert (seen.settled, seen.unsettled) == (True, "")
    assert (seen.replicas, seen.ready, seen.selector) == (3, 3, "app=fraud")


def test_a_deployment_scaled_to_nothing_is_settled_too():
    assert view(TARGET, settled(0), ()).settled


@pytest.mark.parametrize(
    ("where", "changed", "why"),
    [
        ("metadata", {"deletionTimestamp": "2030-01-01T00:00:00Z"}, "being deleted"),
        ("spec", {"paused": True}, "paused"),
        ("metadata", {"generation": 5}, "not seen the latest change"),
        ("status", {"conditions": [{"type": "Progressing", "status": "False"}]}, "progress deadline"),
        ("status", {"updatedReplicas": 1}, "1 of 3 replicas are of the latest template"),
        ("status", {"readyReplicas": 2}, "2 of 3 replicas are ready"),
        ("status", {"availableReplicas": 0}, "0 of 3 replicas are available"),
        ("status", {"replicas": 4}, "it has 4 replicas, 3 are wanted"),
    ],
)
def test_what_keeps_a_deployment_from_being_settled_is_said_in_words(where, changed, why):
    body = settled()
    body[where] |= changed

    seen = view(TARGET, body, ())

    assert not seen.settled
    assert why in seen.unsettled


def test_the_revision_is_that_of_the_replica_set_with_the_present_template():
    body = settled()
    other = deepcopy(body["spec"]["template"])
    other["spec"]["containers"][0]["image"] = "model:bad"
    sets = [replica_set("good", body["spec"]["template"], 1), replica_set("bad", other, 2)]

    assert view(TARGET, body, sets).revision == "good"


def test_the_revision_is_the_newest_where_no_template_is_the_present_one():
    other = deepcopy(settled()["spec"]["template"])
    other["spec"]["containers"][0]["image"] = "model:old"
    sets = [replica_set("tenth", other, 10), replica_set("ninth", other, 9)]

    assert view(TARGET, settled(), sets).revision == "tenth"


def test_a_replica_set_of_somebody_else_is_no_revision_of_ours():
    sets = [replica_set("theirs", settled()["spec"]["template"], 7, owner="u2")]

    assert view(TARGET, settled(), sets).revision == ""


def test_a_selector_reads_as_kubectl_writes_it():
    body = settled()
    body["spec"]["selector"] = {
        "matchLabels": {"b": "2", "a": "1"},
        "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["x", "y"]},
            {"key": "env", "operator": "NotIn", "values": ["dev"]},
            {"key": "live", "operator": "Exists"},
            {"key": "old", "operator": "DoesNotExist"},
        ],
    }

    assert selector(body) == "a=1,b=2,tier in (x,y),env notin (dev),live,!old"


async def test_a_look_at_the_cluster_gives_replicas_revision_and_readiness():
    cluster = FakeCluster(deployment("fraud", 2), deployment("other"))

    seen = await look(TARGET, cluster)

    [current] = await cluster.find(
        Ref(api_version="apps/v1", kind="ReplicaSet", namespace="models", name=""), "app=fraud"
    )
    assert seen.revision == current["metadata"]["labels"]["pod-template-hash"]
    assert (seen.replicas, seen.ref) == (2, TARGET.workload)


async def test_a_workload_of_another_kind_is_refused_with_what_is_possible():
    ref = Ref(api_version="apps/v1", kind="DaemonSet", namespace="models", name="fraud")

    with pytest.raises(Invalid, match="cannot drill a DaemonSet; name a Deployment"):
        await look(Target(workload=ref), FakeCluster())


def test_a_container_is_found_by_name_and_is_the_first_one_without():
    body = deployment("fraud")

    assert container_path(body, "sidecar") == ("/spec/template/spec/containers/1", 1)
    assert container_path(body) == ("/spec/template/spec/containers/0", 0)


def test_a_container_that_is_not_there_is_answered_with_those_that_are():
    with pytest.raises(CannotPlan, match='no container is called "modle": there is model, sidecar'):
        container_path(deployment("fraud"), "modle")
    with pytest.raises(CannotPlan, match="has no containers"):
        container_path({"metadata": {"name": "fraud"}})


def test_a_pod_that_was_deleted_is_not_ready_whatever_it_says():
    pod = {"metadata": {}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}

    assert is_ready(pod)
    assert not is_ready({**pod, "metadata": {"deletionTimestamp": "2030-01-01T00:00:00Z"}})


def test_a_key_with_slashes_is_escaped_in_a_pointer():
    assert pointer("data", "a/b~c") == "/data/a~1b~0c"


def test_a_deployment_that_names_no_replicas_wants_one():
    body = settled(1)
    del body["spec"]["replicas"]

    assert (view(TARGET, body, ()).replicas, view(TARGET, body, ()).settled) == (1, True)


def test_a_deployment_with_fewer_pods_than_it_wants_is_not_settled():
    body = settled()
    body["status"]["replicas"] = 2

    assert view(TARGET, body, ()).unsettled == "it has 2 replicas, 3 are wanted"


def test_an_owner_that_does_not_control_it_is_not_its_controller():
    owners = [{"uid": "friend"}, {"uid": "boss", "controller": True}]

    assert controller({"metadata": {"ownerReferences": owners}}) == "boss"
