"""Rollouts: every condition, reason and number that people, pipelines and chaosctl read of a Deployment."""

import pytest

from conformance.api import poll
from conformance.bodies import container, deployment, ready_when
from conformance.looks import condition, revision, rolled_out, says

NEVER_READY = {"readinessProbe": ready_when("/missing")}


def change(space, **spec):
    """Another template: what counts is that it differs."""
    fields = {"name": "main", **spec}
    patch = {"spec": {"template": {"spec": {"containers": [fields]}}}}
    return space.patch("deployments", "web", patch, "strategic")


def variable(value):
    return {"env": [{"name": "V", "value": value}]}


def sets(space):
    found = space.items("replicasets", labelSelector="app=web")
    return {revision(each): each for each in found}


@pytest.fixture
def web(space):
    space.create("deployments", deployment("web", 2))
    return space.until("deployments", "web", rolled_out, "a finished rollout")


def test_a_finished_rollout_says_so(web):
    progressing, available = condition(web, "Progressing"), condition(web, "Available")
    name = progressing["message"].split('"')[1]
    assert (progressing["status"], progressing["reason"]) == ("True", "NewReplicaSetAvailable")
    assert progressing["message"] == f'ReplicaSet "{name}" has successfully progressed.'
    assert (available["status"], available["reason"]) == ("True", "MinimumReplicasAvailable")
    assert available["message"] == "Deployment has minimum availability."
    assert all(each.keys() >= {"lastUpdateTime", "lastTransitionTime"} for each in (progressing, available))
    assert revision(web) == "1"


def test_the_status_counts_replicas(web):
    status = web["status"]
    counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    assert [status[key] for key in counts] == [2, 2, 2, 2]
    assert "unavailableReplicas" not in status
    assert status["observedGeneration"] == web["metadata"]["generation"] == 1


def test_the_owned_set_carries_hash_revision_and_reference(space, web):
    (found,) = space.items("replicasets")
    made = found["metadata"]
    digest = made["labels"]["pod-template-hash"]
    assert made["name"] == f"web-{digest}"
    assert made["labels"] == {"app": "web", "pod-template-hash": digest}
    assert found["spec"]["selector"]["matchLabels"] == made["labels"]
    assert found["spec"]["template"]["metadata"]["labels"] == made["labels"]
    assert made["annotations"] == {
        "deployment.kubernetes.io/desired-replicas": "2",
        "deployment.kubernetes.io/max-replicas": "3",
        "deployment.kubernetes.io/revision": "1",
    }
    (owner,) = made["ownerReferences"]
    assert owner == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "web",
        "uid": web["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    pod = space.items("pods")[0]["metadata"]
    assert pod["generateName"] == f"{made['name']}-"
    assert pod["labels"].items() >= made["labels"].items()
    assert pod["ownerReferences"][0]["name"] == made["name"]


def test_a_new_template_is_a_new_revision_and_the_old_set_stays_empty(space, web):
    change(space, **variable("2"))
    done = space.until("deployments", "web", lambda body: rolled_out(body) and revision(body) == "2")
    found = sets(space)
    assert {key: each["spec"]["replicas"] for key, each in found.items()} == {"1": 0, "2": 2}
    name = found["2"]["metadata"]["name"]
    assert condition(done, "Progressing")["message"] == f'ReplicaSet "{name}" has successfully progressed.'


def test_progress_is_told_while_it_goes_on(space, web):
    version = web["metadata"]["resourceVersion"]
    change(space, **variable("2"))
    space.until("deployments", "web", lambda body: rolled_out(body) and revision(body) == "2")
    with space.watch("deployments", resourceVersion=version, timeoutSeconds=2) as events:
        seen = [condition(event.object, "Progressing") for event in events]
    reasons = list(dict.fromkeys(each["reason"] for each in seen))
    assert set(reasons) <= {"NewReplicaSetCreated", "ReplicaSetUpdated", "NewReplicaSetAvailable"}
    assert "ReplicaSetUpdated" in reasons
    assert all(each["status"] == "True" for each in seen)


def test_going_back_takes_the_old_set_under_a_new_revision(space, web):
    before = sets(space)["1"]["metadata"]["name"]
    change(space, **variable("2"))
    space.until("deployments", "web", lambda body: rolled_out(body) and revision(body) == "2")
    change(space, env=None)
    space.until("deployments", "web", lambda body: rolled_out(body) and revision(body) == "3")
    found = sets(space)
    assert found["3"]["metadata"]["name"] == before
    history = found["3"]["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"]
    assert history == "1"
    assert set(found) == {"2", "3"}


def test_a_release_that_is_never_ready_is_stuck_after_its_deadline(space):
    space.create("deployments", deployment("web", 2, progressDeadlineSeconds=3))
    space.until("deployments", "web", rolled_out)
    change(space, **NEVER_READY)
    stuck = space.until("deployments", "web", says("Progressing", "False"))
    told = condition(stuck, "Progressing")
    name = told["message"].split('"')[1]
    assert told["reason"] == "ProgressDeadlineExceeded"
    assert told["message"] == f'ReplicaSet "{name}" has timed out progressing.'
    assert says("Available", "True", "MinimumReplicasAvailable")(stuck)
    status = stuck["status"]
    assert (
        status["replicas"],
        status["updatedReplicas"],
        status["availableReplicas"],
        status["unavailableReplicas"],
    ) == (3, 1, 2, 1)
    assert not rolled_out(stuck)


def test_a_stuck_release_that_is_taken_back_is_finished(space):
    space.create("deployments", deployment("web", 1, progressDeadlineSeconds=2))
    space.until("deployments", "web", rolled_out)
    change(space, **NEVER_READY)
    space.until("deployments", "web", says("Progressing", "False"))
    change(space, readinessProbe=None)
    space.until("deployments", "web", rolled_out)
    space.until("deployments", "web", says("Progressing", "True", "NewReplicaSetAvailable"))


def test_a_deployment_that_was_never_available_says_so(space):
    space.create("deployments", deployment("web", 1, container(**NEVER_READY)))
    lacking = space.until("deployments", "web", says("Available", "False"))
    told = condition(lacking, "Available")
    assert told["reason"] == "MinimumReplicasUnavailable"
    assert told["message"] == "Deployment does not have minimum availability."
    assert lacking["status"]["unavailableReplicas"] == 1


def test_a_paused_deployment_says_so_and_rolls_nothing_out(space, web):
    space.patch("deployments", "web", {"spec": {"paused": True}})
    space.until("deployments", "web", says("Progressing", "Unknown", "DeploymentPaused"))
    change(space, **variable("2"))
    seen = space.until("deployments", "web", lambda body: body["status"]["observedGeneration"] == 3)
    assert seen["status"].get("updatedReplicas", 0) == 0
    assert len(space.items("replicasets")) == 1
    space.patch("deployments", "web", {"spec": {"paused": False}})
    done = space.until("deployments", "web", lambda body: rolled_out(body) and revision(body) == "2")
    assert condition(done, "Progressing")["status"] == "True"


def test_a_paused_deployment_is_scaled(space, web):
    space.patch("deployments", "web", {"spec": {"paused": True, "replicas": 1}})
    space.until("deployments", "web", lambda body: body["status"].get("replicas") == 1)


def test_pods_that_cannot_be_made_are_a_replica_failure(space):
    space.create("resourcequotas", {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}})
    space.until("resourcequotas", "none", lambda body: "pods" in body["status"].get("used", {}))
    space.create("deployments", deployment("web", 1))
    failed = space.until("deployments", "web", says("ReplicaFailure"))
    told = condition(failed, "ReplicaFailure")
    assert told["reason"] == "FailedCreate"
    assert "exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0" in told["message"]


@pytest.mark.parametrize(
    ("surge", "unavailable", "most", "least"),
    [
        ("25%", "25%", 5, 3),
        (1, 0, 5, 4),
        (0, 1, 4, 3),
        ("50%", "0%", 6, 4),
        (2, "100%", 4, 0),
        ("1%", "1%", 5, 4),
    ],
)
def test_a_rollout_keeps_its_bounds(space, surge, unavailable, most, least):
    """A stuck one shows them: all that it may make is there, and all that it may take has gone."""
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    space.create("deployments", deployment("web", 4, strategy={"rollingUpdate": rolling}))
    space.until("deployments", "web", rolled_out)
    change(space, **NEVER_READY)

    def at_its_limit(body):
        status = body["status"]
        return (status.get("replicas", 0), status.get("availableReplicas", 0)) == (most, least)

    space.until("deployments", "web", at_its_limit, f"{most} replicas, {least} available")


def test_recreate_ends_every_old_pod_before_the_first_new_one(space):
    space.create("deployments", deployment("web", 2, strategy={"type": "Recreate"}))
    web = space.until("deployments", "web", rolled_out)
    old = {each["metadata"]["uid"] for each in space.items("pods")}
    version = space.list("pods")["metadata"]["resourceVersion"]
    change(space, **variable("2"))
    space.until("deployments", "web", lambda body: rolled_out(body) and revision(body) == "2")
    left, overlap = set(old), False
    with space.watch("pods", resourceVersion=version, timeoutSeconds=2) as events:
        for event in events:
            uid = event.object["metadata"]["uid"]
            ended = event.type == "DELETED" or event.object["status"]["phase"] in {"Succeeded", "Failed"}
            left -= {uid} if ended else set()
            overlap |= event.type == "ADDED" and bool(left)
    assert left == set()
    assert not overlap
    assert web["spec"]["strategy"] == {"type": "Recreate"}


def test_min_ready_seconds_tell_ready_from_available(space):
    space.create("deployments", deployment("web", 1, minReadySeconds=3))
    ready = space.until("deployments", "web", lambda body: body["status"].get("readyReplicas") == 1)
    assert ready["status"].get("availableReplicas", 0) == 0
    space.until("deployments", "web", lambda body: body["status"].get("availableReplicas") == 1)


def test_scaling_down_to_nothing_is_available_and_finished(space, web):
    space.patch("deployments", "web", {"spec": {"replicas": 0}}, part="scale")
    poll(lambda: not space.items("pods"), "no pod is left")
    empty = space.until("deployments", "web", rolled_out)
    assert "replicas" not in empty["status"]
    assert says("Available", "True")(empty)
    assert says("Progressing", "True", "NewReplicaSetAvailable")(empty)


def test_scaling_makes_no_new_revision(space, web):
    space.patch("deployments", "web", {"spec": {"replicas": 3}})
    done = space.until("deployments", "web", rolled_out)
    assert revision(done) == "1"
    (found,) = space.items("replicasets")
    assert found["metadata"]["annotations"]["deployment.kubernetes.io/desired-replicas"] == "3"


def test_a_pod_that_is_killed_comes_back(space, web):
    victim = space.items("pods")[0]["metadata"]
    space.delete("pods", victim["name"], {"gracePeriodSeconds": 0})
    space.until("deployments", "web", rolled_out)
    assert victim["uid"] not in {each["metadata"]["uid"] for each in space.items("pods")}


def test_old_sets_beyond_the_limit_are_removed(space):
    space.create("deployments", deployment("web", 1, revisionHistoryLimit=1))
    space.until("deployments", "web", rolled_out)
    for value in ("2", "3"):
        change(space, **variable(value))
        space.until(
            "deployments", "web", lambda body, value=value: rolled_out(body) and revision(body) == value
        )
    poll(lambda: set(sets(space)) == {"2", "3"}, "one old ReplicaSet is kept")


def test_annotations_reach_the_set_but_not_the_pods(space):
    body = deployment("web", 1)
    body["metadata"]["annotations"] = {"x.dev/a": "1"}
    space.create("deployments", body)
    space.until("deployments", "web", rolled_out)
    assert space.items("replicasets")[0]["metadata"]["annotations"]["x.dev/a"] == "1"
    assert "annotations" not in space.items("pods")[0]["metadata"]


def test_people_are_told_of_scaling(space, web):
    found = space.items("events", fieldSelector="involvedObject.name=web,involvedObject.kind=Deployment")
    name = space.names("replicasets")[0]
    assert [each["reason"] for each in found] == ["ScalingReplicaSet"]
    assert found[0]["message"] == f"Scaled up replica set {name} from 0 to 2"
    made = space.items("events", fieldSelector=f"involvedObject.name={name}")
    assert {each["reason"] for each in made} == {"SuccessfulCreate"}
