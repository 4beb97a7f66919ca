"""Status, scale and generations: two writers of one object that do not meet."""

import pytest

from conformance.api import refused
from conformance.bodies import budget, config_map, deployment, job, pod, replica_set, service
from conformance.looks import rolled_out


def test_a_status_update_leaves_the_spec_alone(space):
    space.create("replicasets", _inert())
    now = space.until("replicasets", "web", lambda body: body["status"].get("observedGeneration"))
    now["spec"]["replicas"], now["metadata"]["labels"] = 7, {"new": "label"}
    now["status"]["conditions"] = [{"type": "Ours", "status": "True"}]
    changed = space.update("replicasets", now, "status")
    assert (changed["spec"]["replicas"], changed["metadata"]["generation"]) == (0, 1)
    assert [(each["type"], each["status"]) for each in changed["status"]["conditions"]] == [("Ours", "True")]


def test_an_update_leaves_the_status_alone(space):
    space.create("replicasets", _inert())
    now = space.until("replicasets", "web", lambda body: body["status"].get("observedGeneration"))
    status = now["status"]
    now["status"] = {"replicas": 99}
    now["metadata"]["annotations"] = {"a": "b"}
    changed = space.update("replicasets", now)
    assert (changed["status"], changed["metadata"]["annotations"]) == (status, {"a": "b"})


def test_status_can_be_patched(space):
    space.create("pods", pod("a", nodeSelector={"no": "such"}))
    condition = {"type": "x.dev/Ours", "status": "True"}
    changed = space.patch("pods", "a", {"status": {"conditions": [condition]}}, "strategic", "status")
    assert condition in [
        {key: each[key] for key in ("type", "status")} for each in changed["status"]["conditions"]
    ]


def test_status_can_be_read(space):
    space.create("deployments", deployment("web", paused=True))
    assert space.get("deployments", "web", "status")["metadata"]["name"] == "web"


def test_the_generation_follows_the_spec_alone(space):
    made = space.create("deployments", deployment("web", paused=True))
    assert made["metadata"]["generation"] == 1
    labelled = space.patch("deployments", "web", {"metadata": {"labels": {"a": "b"}}})
    assert labelled["metadata"]["generation"] == 1
    again = space.patch("deployments", "web", {"spec": {"replicas": 1}})
    assert again["metadata"]["generation"] == 1
    changed = space.patch("deployments", "web", {"spec": {"replicas": 2}})
    assert changed["metadata"]["generation"] == 2


@pytest.mark.parametrize(
    ("plural", "generation"),
    [
        ("pods", 1),
        ("deployments", 1),
        ("replicasets", 1),
        ("jobs", 1),
        ("poddisruptionbudgets", 1),
        ("networkpolicies", 1),
        ("services", None),
        ("configmaps", None),
        ("leases", None),
    ],
)
def test_not_every_kind_has_a_generation(shared, plural, generation):
    bodies = {
        "pods": pod("a"),
        "deployments": deployment("a"),
        "replicasets": replica_set("a", 0, {"app": "a"}),
        "jobs": job("a", "true"),
        "poddisruptionbudgets": budget("a", minAvailable=1),
        "networkpolicies": {"metadata": {"name": "a"}, "spec": {"podSelector": {}}},
        "services": service("a"),
        "configmaps": config_map("a"),
        "leases": {"metadata": {"name": "a"}, "spec": {}},
    }
    made = shared.create(plural, bodies[plural], dryRun="All")
    assert made["metadata"].get("generation") == generation


def test_the_observed_generation_follows_the_generation(space):
    space.create("deployments", deployment("web"))
    space.until("deployments", "web", rolled_out)
    space.patch("deployments", "web", {"spec": {"minReadySeconds": 1}})
    seen = space.until("deployments", "web", lambda body: body["status"]["observedGeneration"] == 2)
    assert seen["metadata"]["generation"] == 2


def test_scale_is_an_object_of_its_own(space):
    made = space.create("deployments", deployment("web", 0))
    scale = space.get("deployments", "web", "scale")
    assert (scale["kind"], scale["apiVersion"]) == ("Scale", "autoscaling/v1")
    same = ("name", "namespace", "uid", "creationTimestamp")
    assert [scale["metadata"][key] for key in same] == [made["metadata"][key] for key in same]
    assert scale["spec"] == {}
    assert scale["status"] == {"replicas": 0, "selector": "app=web"}


def test_scale_can_be_patched_and_counts_as_a_new_generation(space):
    space.create("deployments", deployment("web", 0, paused=True))
    scale = space.patch("deployments", "web", {"spec": {"replicas": 2}}, part="scale")
    assert scale["spec"] == {"replicas": 2}
    now = space.get("deployments", "web")
    assert (now["spec"]["replicas"], now["metadata"]["generation"]) == (2, 2)


def test_scale_can_be_updated_and_knows_stale_versions(space):
    space.create("deployments", deployment("web", 0, paused=True))
    space.until("deployments", "web", rolled_out)  # else the controller's own write comes in between
    scale = space.get("deployments", "web", "scale")
    scale["spec"] = {"replicas": 1}
    assert space.update("deployments", scale, "scale")["spec"] == {"replicas": 1}
    with refused(409, "Conflict"):
        space.update("deployments", scale, "scale")


def test_scale_takes_no_negative_number(space):
    space.create("deployments", deployment("web", 0, paused=True))
    with refused(422, "Invalid") as told:
        space.patch("deployments", "web", {"spec": {"replicas": -1}}, part="scale")
    assert told.causes == [("spec.replicas", "FieldValueInvalid")]


def test_scale_of_what_is_not_there_is_not_found(space):
    with refused(404, "NotFound") as told:
        space.get("deployments", "web", "scale")
    assert told.message == 'deployments.apps "web" not found'


def test_a_part_that_a_kind_has_not_is_not_found(space):
    space.create("deployments", deployment("web", paused=True))
    with refused(404, "NotFound") as told:
        space.get("deployments", "web", "log")
    assert told.message == "the server could not find the requested resource"


def _inert():
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": pod("")["spec"]}
    return {
        "metadata": {"name": "web"},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
    }
