"""Quotas: what they count, what they refuse, and what controllers make of a refusal."""

import pytest
from sandbox.node.lab import Json, Lab, deployment, pod

from chaosctl.sandbox.api.errors import ApiError

SMALL = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "200m", "memory": "128Mi"}}


async def enforced(lab: Lab, **hard: str) -> None:
    """A quota that its controller has counted."""
    amounts = {key.replace("_", "."): value for key, value in hard.items()}
    lab.create("resourcequotas", {"metadata": {"name": "team"}, "spec": {"hard": amounts}})
    await lab.until(lambda: lab.status("resourcequotas", "team").get("hard"))


def used(lab: Lab) -> Json:
    return lab.status("resourcequotas", "team")["used"]


def refusal(lab: Lab, plural: str, body: Json) -> str:
    with pytest.raises(ApiError) as caught:
        lab.create(plural, body)
    assert (caught.value.code, caught.value.reason) == (403, "Forbidden")
    return caught.value.message


def condition(lab: Lab, plural: str, name: str) -> Json | None:
    conditions = lab.status(plural, name).get("conditions") or ()
    return next((each for each in conditions if each["type"] == "ReplicaFailure"), None)


async def test_a_quota_counts_what_pods_ask_for(objects: Lab):
    objects.create("pods", pod("one", resources=SMALL))
    objects.create("pods", pod("two", resources=SMALL))
    await enforced(objects, pods="5", requests_cpu="1", cpu="1", requests_memory="1Gi", limits_memory="1Gi")
    await objects.until(lambda: used(objects)["pods"] == "2")
    assert used(objects) == {
        "pods": "2",
        "requests.cpu": "200m",
        "cpu": "200m",
        "requests.memory": "128Mi",
        "limits.memory": "256Mi",
    }
    objects.delete("pods", "one", grace_seconds=0)
    await objects.until(lambda: used(objects)["requests.cpu"] == "100m")


async def test_a_pod_too_many_is_refused_in_kubernetes_words(objects: Lab):
    objects.create("pods", pod("one", resources=SMALL))
    await enforced(objects, pods="1", requests_cpu="150m", limits_memory="1Gi")
    assert refusal(objects, "pods", pod("two", resources=SMALL)) == (
        'pods "two" is forbidden: exceeded quota: team, requested: pods=1,requests.cpu=100m, '
        "used: pods=1,requests.cpu=100m, limited: pods=1,requests.cpu=150m"
    )


async def test_a_pod_that_says_nothing_of_what_is_limited_is_refused(objects: Lab):
    await enforced(objects, requests_cpu="1", limits_memory="1Gi")
    assert refusal(objects, "pods", pod("silent")) == (
        'pods "silent" is forbidden: failed quota: team: must specify limits.memory for: main; '
        "requests.cpu for: main"
    )


async def test_objects_can_be_counted_too(objects: Lab):
    await enforced(objects, **{"count/deployments.apps": "0", "services": "0", "count/configmaps": "1"})
    objects.create("configmaps", {"metadata": {"name": "one"}})
    assert refusal(objects, "configmaps", {"metadata": {"name": "two"}}) == (
        'configmaps "two" is forbidden: exceeded quota: team, requested: count/configmaps=1, '
        "used: count/configmaps=1, limited: count/configmaps=1"
    )
    assert 'deployments.apps "web" is forbidden' in refusal(objects, "deployments", deployment())
    objects.create("pods", pod("free"))


async def test_an_init_container_needs_no_more_than_those_that_come_after_it(objects: Lab):
    first = {"name": "first", "image": "test/once:1", "resources": {"requests": {"cpu": "150m"}}}
    objects.create("pods", pod("one", resources=SMALL, spec={"initContainers": [first]}))
    await enforced(objects, requests_cpu="1")
    await objects.until(lambda: used(objects) == {"requests.cpu": "150m"})


async def test_pods_that_ended_and_quotas_of_other_namespaces_do_not_count(lab: Lab):
    lab.create("pods", pod("over", "test/once:1", spec={"restartPolicy": "Never"}))
    await lab.until(lambda: lab.status("pods", "over").get("phase") == "Succeeded")
    await enforced(lab, pods="1")
    lab.create("pods", pod("one"))
    assert refusal(lab, "pods", pod("two"))
    lab.create("pods", pod("two"), namespace="kube-system")


async def test_replicas_that_a_quota_refuses_are_told_of_and_come_back_when_it_has_gone(objects: Lab):
    objects.create("deployments", deployment(replicas=3))
    await objects.until(lambda: objects.rolled_out("web"))
    await enforced(objects, pods="0")
    victim = objects.all("pods")[0]["metadata"]["name"]
    objects.delete("pods", victim, grace_seconds=0)
    await objects.until(lambda: condition(objects, "deployments", "web"))

    name = objects.all("replicasets")[0]["metadata"]["name"]
    found = condition(objects, "replicasets", name)
    assert (found["status"], found["reason"]) == ("True", "FailedCreate")
    assert found["message"].startswith(f'pods "{name}-')
    assert found["message"].endswith("exceeded quota: team, requested: pods=1, used: pods=2, limited: pods=0")
    assert condition(objects, "deployments", "web")["message"] == found["message"]
    assert objects.status("deployments", "web")["readyReplicas"] == 2
    assert "FailedCreate" in objects.reasons(name)

    objects.delete("resourcequotas", "team")
    await objects.until(lambda: objects.rolled_out("web"))
    await objects.until(lambda: condition(objects, "deployments", "web") is None)
    assert condition(objects, "replicasets", name) is None


async def test_a_quota_that_nobody_has_counted_yet_refuses_nothing(objects: Lab):
    quota = {"metadata": {"name": "new"}, "spec": {"hard": {"pods": "0"}}}
    objects.create("resourcequotas", quota)
    objects.create("pods", pod("quick"))
    await objects.until(lambda: objects.status("resourcequotas", "new").get("used") == {"pods": "1"})
