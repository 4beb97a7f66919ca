"""Disruption budgets and evictions."""

import pytest

from conformance.api import poll, refused
from conformance.bodies import STUBBORN, budget, container, deployment, pod, ready_when, shell
from conformance.looks import condition, is_ready, rolled_out


def evict(space, name, **options):
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": space.name},
    }
    return space.create("pods", {**body, **options}, on=name, part="eviction")


def settled(allowed):
    def holds(body):
        status = body.get("status", {})
        seen = status.get("observedGeneration") == body["metadata"]["generation"]
        return seen and status["disruptionsAllowed"] == allowed

    return holds


@pytest.fixture
def web(space):
    space.create("deployments", deployment("web", 2))
    space.until("deployments", "web", rolled_out)
    return sorted(space.names("pods"))


def test_without_a_budget_an_eviction_is_a_deletion(space, web):
    answer = evict(space, web[0])
    assert (answer["kind"], answer["status"], answer["code"]) == ("Status", "Success", 201)
    space.until_gone("pods", web[0])


def test_a_budget_counts(space, web):
    space.create("poddisruptionbudgets", budget("web", minAvailable=1))
    status = space.until("poddisruptionbudgets", "web", settled(1))["status"]
    counts = ("currentHealthy", "desiredHealthy", "expectedPods", "disruptionsAllowed")
    assert [status[key] for key in counts] == [2, 1, 2, 1]


@pytest.mark.parametrize(
    ("rule", "wanted", "allowed"),
    [
        ({"minAvailable": 2}, 2, 0),
        ({"minAvailable": "50%"}, 1, 1),
        ({"minAvailable": "51%"}, 2, 0),
        ({"maxUnavailable": 0}, 2, 0),
        ({"maxUnavailable": 1}, 1, 1),
        ({"maxUnavailable": "30%"}, 1, 1),
        ({}, 0, 0),
    ],
)
def test_numbers_and_shares_are_counted(space, web, rule, wanted, allowed):
    space.create("poddisruptionbudgets", budget("web", **rule))
    status = space.until("poddisruptionbudgets", "web", settled(allowed))["status"]
    assert status["desiredHealthy"] == wanted


def test_an_eviction_beyond_the_budget_is_refused_and_says_which(space, web):
    space.create("poddisruptionbudgets", budget("web", minAvailable=2))
    space.until("poddisruptionbudgets", "web", settled(0))
    with refused(429, "TooManyRequests") as told:
        evict(space, web[0])
    assert told.message == "Cannot evict pod as it would violate the pod's disruption budget."
    (cause,) = told.status["details"]["causes"]
    assert cause["reason"] == "DisruptionBudget"
    assert cause["message"] == "The disruption budget web needs 2 healthy pods and has 2 currently"
    assert space.names("pods") == web


def test_an_eviction_spends_the_budget_at_once(space):
    """Nobody replaces these pods, so that no new one is ready in between."""
    for name in ("one", "two"):
        space.create("pods", pod(name, labels={"app": "web"}))
        space.until("pods", name, is_ready)
    space.create("poddisruptionbudgets", budget("web", minAvailable=1))
    space.until("poddisruptionbudgets", "web", settled(1))
    evict(space, "one")
    with refused(429, "TooManyRequests"):
        evict(space, "two")


def test_a_refused_eviction_passes_when_the_pods_are_back(space, web):
    space.create("poddisruptionbudgets", budget("web", maxUnavailable=1))
    space.until("poddisruptionbudgets", "web", settled(1))
    evict(space, web[0])
    space.until_gone("pods", web[0])
    space.until("deployments", "web", rolled_out)
    space.until("poddisruptionbudgets", "web", settled(1))
    evict(space, web[1])
    space.until_gone("pods", web[1])


def test_a_budget_says_in_a_condition_whether_it_allows(space, web):
    space.create("poddisruptionbudgets", budget("web", minAvailable=1))
    body = space.until("poddisruptionbudgets", "web", settled(1))
    assert condition(body, "DisruptionAllowed")["reason"] == "SufficientPods"
    space.patch("poddisruptionbudgets", "web", {"spec": {"minAvailable": 2}})
    body = space.until("poddisruptionbudgets", "web", settled(0))
    told = condition(body, "DisruptionAllowed")
    assert (told["status"], told["reason"]) == ("False", "InsufficientPods")


def test_two_budgets_on_one_pod_are_an_error(space, web):
    for name in ("one", "two"):
        body = budget("web", minAvailable=0)
        body["metadata"]["name"] = name
        space.create("poddisruptionbudgets", body)
        space.until("poddisruptionbudgets", name, settled(2))
    with refused(500) as told:
        evict(space, web[0])
    assert "This pod has more than one PodDisruptionBudget" in told.message


def test_an_eviction_of_another_uid_is_a_conflict(space, web):
    with refused(409, "Conflict"):
        evict(space, web[0], deleteOptions={"preconditions": {"uid": "other"}})
    assert space.names("pods") == web


def test_an_eviction_leaves_its_reason_on_the_pod(space):
    space.create("pods", pod("a", shell(STUBBORN), terminationGracePeriodSeconds=5))
    space.until("pods", "a", is_ready)
    poll(lambda: space.log("a") == "up\n", "it is deaf")
    evict(space, "a")
    going = space.until("pods", "a", lambda body: "deletionTimestamp" in body["metadata"])
    told = condition(going, "DisruptionTarget")
    assert (told["status"], told["reason"]) == ("True", "EvictionByEvictionAPI")
    space.delete("pods", "a", {"gracePeriodSeconds": 0})


def test_a_pod_that_is_not_ready_may_go_where_enough_others_are(space, web):
    space.create("pods", pod("sick", container(readinessProbe=ready_when("/missing")), labels={"app": "web"}))
    space.until("pods", "sick", lambda body: body["status"]["phase"] == "Running")
    space.create("poddisruptionbudgets", budget("web", minAvailable=2))
    space.until("poddisruptionbudgets", "web", lambda body: body["status"].get("observedGeneration"))
    poll(lambda: _evicted(space, "sick"), "the sick pod is evicted")


def _evicted(space, name):
    from conformance.api import Refusal

    try:
        evict(space, name)
    except Refusal as refusal:
        assert refusal.code == 429
        return False
    return True


def test_the_eviction_of_nobody_is_not_found(space):
    with refused(404, "NotFound"):
        evict(space, "nobody")
