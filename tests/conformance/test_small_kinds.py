"""Namespaces, Events, Leases, quotas, ConfigMaps: small kinds that tools depend on."""

from datetime import UTC, datetime

import pytest

from conformance.api import Space, poll, refused
from conformance.bodies import config_map, pod
from conformance.differences import differs


def test_a_namespace_is_active_labelled_and_has_an_account(space, cluster):
    body = cluster.get("namespaces", space.name)
    assert body["status"] == {"phase": "Active"}
    assert body["spec"] == {"finalizers": ["kubernetes"]}
    assert body["metadata"]["labels"]["kubernetes.io/metadata.name"] == space.name
    assert space.find("serviceaccounts", "default")


def test_a_namespace_takes_everything_along(space, cluster):
    space.create("configmaps", config_map("a"))
    space.create("pods", pod("a"))
    answer = cluster.delete("namespaces", space.name)
    assert (answer["status"]["phase"], answer["kind"]) == ("Terminating", "Namespace")
    cluster.until_gone("namespaces", space.name)
    assert space.items("pods") == space.items("configmaps") == []


def test_a_namespace_that_ends_takes_nothing_new(space, cluster):
    body = config_map("held")
    body["metadata"]["finalizers"] = ["x.dev/hold"]
    space.create("configmaps", body)
    cluster.delete("namespaces", space.name)
    try:
        with refused(403, "Forbidden") as told:
            space.create("configmaps", config_map("late"))
        why = f"unable to create new content in namespace {space.name} because it is being terminated"
        assert told.message == f'configmaps "late" is forbidden: {why}'
        assert told.causes == [("metadata.namespace", "NamespaceTerminating")]
        assert told.status["details"]["name"] == "late"
        reasons = [
            "NamespaceContentRemaining",
            "NamespaceFinalizersRemaining",
        ]
        ending = cluster.until("namespaces", space.name, lambda each: each["status"].get("conditions"))
        poll(
            lambda: _reasons(cluster, space.name) >= {"SomeResourcesRemain", "SomeFinalizersRemain"}, reasons
        )
        assert ending["metadata"]["deletionTimestamp"]
    finally:
        space.patch("configmaps", "held", {"metadata": {"finalizers": None}})
    cluster.until_gone("namespaces", space.name)


def _reasons(cluster, name):
    found = cluster.get("namespaces", name)["status"].get("conditions") or []
    return {each["reason"] for each in found if each["status"] == "True"}


def test_events_are_written_and_found_by_what_they_are_about(space):
    made = space.create("configmaps", config_map("a"))
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    about = {"kind": "ConfigMap", "name": "a", "namespace": space.name, "uid": made["metadata"]["uid"]}
    event = {
        "metadata": {"generateName": "a."},
        "involvedObject": about,
        "reason": "Drilled",
        "message": "by a test",
        "type": "Warning",
        "source": {"component": "conformance"},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
    space.create("events", event)
    found = space.items("events", fieldSelector="involvedObject.name=a,reason=Drilled,type=Warning")
    assert [(each["message"], each["involvedObject"]["uid"]) for each in found] == [
        ("by a test", about["uid"])
    ]
    assert space.items("events", fieldSelector="involvedObject.name=b") == []


@differs("Events are served in their first group only; clients fall back to it", real=201, sandbox=404)
def test_events_can_be_written_in_their_newer_group(space, expected):
    event = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "new"},
        "regarding": {"kind": "ConfigMap", "name": "a", "namespace": space.name},
        "eventTime": "2026-01-02T03:04:05.678901Z",
        "reason": "Drilled",
        "action": "Drill",
        "note": "by a test",
        "type": "Normal",
        "reportingController": "x.dev/conformance",
        "reportingInstance": "conformance-1",
    }
    path = f"/apis/events.k8s.io/v1/namespaces/{space.name}/events"
    assert space.api.send("POST", path, event).code == expected


def test_an_event_about_another_namespace_is_refused(space):
    about = {"kind": "ConfigMap", "name": "a", "namespace": "elsewhere"}
    with refused(422, "Invalid") as told:
        space.create("events", {"metadata": {"name": "a"}, "involvedObject": about})
    assert told.causes == [("involvedObject.namespace", "FieldValueInvalid")]


def lease(holder="me"):
    return {"metadata": {"name": "l"}, "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15}}


def test_a_lease_is_taken_by_one(space):
    made = space.create("leases", lease())
    with refused(409, "AlreadyExists"):
        space.create("leases", lease("you"))
    space.update("leases", {**made, **lease("you"), "metadata": made["metadata"]})
    with refused(409, "Conflict"):
        space.update("leases", {**made, **lease("me"), "metadata": made["metadata"]})
    assert space.get("leases", "l")["spec"]["holderIdentity"] == "you"


def test_a_lease_is_not_updated_without_a_version(space):
    space.create("leases", lease())
    with refused(422, "Invalid") as told:
        space.update("leases", lease("you"))
    assert told.causes == [("metadata.resourceVersion", "FieldValueInvalid")]
    assert "must be specified for an update" in told.message


def test_a_lease_has_no_negative_duration(space):
    body = lease()
    body["spec"]["leaseDurationSeconds"] = 0
    with refused(422, "Invalid") as told:
        space.create("leases", body)
    assert told.causes == [("spec.leaseDurationSeconds", "FieldValueInvalid")]


def test_binary_data_and_text_have_different_keys(space):
    body = {"metadata": {"name": "a"}, "data": {"k": "v"}, "binaryData": {"b": "AAE="}}
    assert space.create("configmaps", body)["binaryData"] == {"b": "AAE="}
    with refused(422, "Invalid"):
        space.create(
            "configmaps", {"metadata": {"name": "b"}, "data": {"k": "v"}, "binaryData": {"k": "AAE="}}
        )


def test_data_of_a_secret_is_base64(space):
    with refused(400, "BadRequest") as told:
        space.create("secrets", {"metadata": {"name": "s"}, "data": {"k": "not base64!"}})
    assert "illegal base64 data" in told.message


def test_an_immutable_map_can_be_deleted_and_its_labels_changed(space):
    space.create("configmaps", {**config_map("a", k="v"), "immutable": True})
    assert space.patch("configmaps", "a", {"metadata": {"labels": {"l": "1"}}})["metadata"]["labels"] == {
        "l": "1"
    }
    space.delete("configmaps", "a")
    assert space.find("configmaps", "a") is None


def test_a_quota_counts_and_forbids(space):
    space.create(
        "resourcequotas",
        {
            "metadata": {"name": "few"},
            "spec": {"hard": {"count/leases.coordination.k8s.io": "1", "configmaps": "9"}},
        },
    )
    what = "count/leases.coordination.k8s.io"
    space.until("resourcequotas", "few", lambda body: what in body["status"].get("used", {}))
    with refused(403, "Forbidden") as told:
        for number in range(20):  # who admits may learn of the quota a moment later
            space.create("leases", {**lease(), "metadata": {"name": f"number-{number}"}})
    assert f"exceeded quota: few, requested: {what}=1, used: {what}=1, limited: {what}=1" in told.message


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public", "kube-node-lease"])
def test_the_namespaces_that_every_cluster_has_are_there(cluster, name):
    assert cluster.find("namespaces", name)


def test_the_namespace_default_cannot_be_deleted(cluster, api):
    with refused(403, "Forbidden") as told:
        Space(api, "").delete("namespaces", "default")
    assert told.message == 'namespaces "default" is forbidden: this namespace may not be deleted'


def test_nodes_say_that_they_are_ready_and_what_they_have(cluster):
    node = cluster.items("nodes")[0]
    conditions = {each["type"]: each["status"] for each in node["status"]["conditions"]}
    assert conditions == {
        "Ready": "True",
        "MemoryPressure": "False",
        "DiskPressure": "False",
        "PIDPressure": "False",
    }
    assert node["status"]["allocatable"].keys() >= {"cpu", "memory", "pods"}
    assert node["metadata"]["labels"].keys() >= {
        "kubernetes.io/hostname",
        "kubernetes.io/os",
        "topology.kubernetes.io/zone",
    }
