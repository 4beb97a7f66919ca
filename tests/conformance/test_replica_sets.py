"""ReplicaSets: whose pods they count, adopt and let go."""

from conformance.api import poll
from conformance.bodies import MISSING, pod, replica_set
from conformance.looks import is_ready

LABELS = {"app": "web"}


def full(count):
    return lambda body: body["status"].get("readyReplicas", 0) == body["status"]["replicas"] == count


def controllers(body):
    return [each["name"] for each in body["metadata"].get("ownerReferences", []) if each.get("controller")]


def test_it_makes_as_many_pods_as_it_wants(space):
    space.create("replicasets", replica_set("web", 2, LABELS))
    body = space.until("replicasets", "web", full(2))
    assert body["status"]["fullyLabeledReplicas"] == body["status"]["availableReplicas"] == 2
    assert all(controllers(each) == ["web"] for each in space.items("pods"))
    space.patch("replicasets", "web", {"spec": {"replicas": 1}})
    poll(lambda: len(space.items("pods")) == 1, "one pod is left")


def test_it_adopts_pods_that_match_and_have_no_controller(space):
    space.create("pods", pod("stray", labels=LABELS))
    space.until("pods", "stray", is_ready)
    space.create("replicasets", replica_set("web", 2, LABELS))
    space.until("pods", "stray", lambda body: controllers(body) == ["web"])
    space.until("replicasets", "web", full(2))
    assert len(space.items("pods")) == 2


def test_it_lets_go_of_pods_that_no_longer_match_and_makes_others(space):
    space.create("replicasets", replica_set("web", 1, LABELS))
    space.until("replicasets", "web", full(1))
    (name,) = space.names("pods")
    space.patch("pods", name, {"metadata": {"labels": {"app": "quarantine"}}})
    space.until("pods", name, lambda body: controllers(body) == [])
    poll(lambda: len(space.names("pods", labelSelector="app=web")) == 1, "another pod is made")
    assert space.get("pods", name)["status"]["phase"] == "Running"


def test_it_replaces_pods_that_fail(space):
    space.create("replicasets", replica_set("web", 1, LABELS))
    space.until("replicasets", "web", full(1))
    (name,) = space.names("pods")
    space.patch("pods", name, {"status": {"phase": "Failed"}}, part="status")
    poll(lambda: set(space.names("pods")) - {name}, "another pod is made")


def test_what_goes_first_is_what_is_not_ready(space):
    space.create("replicasets", replica_set("web", 1, LABELS))
    space.until("replicasets", "web", full(1))
    (good,) = space.names("pods")
    broken = {"template": {"spec": {"containers": [{"name": "main", "image": MISSING}]}}}
    space.patch("replicasets", "web", {"spec": {"replicas": 2, **broken}}, "strategic")
    poll(lambda: len(space.items("pods")) == 2, "a second pod is made")
    space.patch("replicasets", "web", {"spec": {"replicas": 1}})
    poll(lambda: space.names("pods") == [good], "the ready pod stays")


def test_it_is_told_by_an_annotation_which_pod_is_cheap(space):
    space.create("replicasets", replica_set("web", 2, LABELS))
    space.until("replicasets", "web", full(2))
    first, second = space.names("pods")
    cost = "controller.kubernetes.io/pod-deletion-cost"
    for name, value in ((first, "100"), (second, "-100")):
        space.patch("pods", name, {"metadata": {"annotations": {cost: value}}})
    space.patch("replicasets", "web", {"spec": {"replicas": 1}})
    poll(lambda: space.names("pods") == [first], "the cheap pod goes")
