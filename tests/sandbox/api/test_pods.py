from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from chaosctl.sandbox.api.server import ApiServer
from chaosctl.sandbox.api.store import Store

PODS = "/api/v1/namespaces/default/pods"
BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
EVICTION = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "a"}}
MERGE = {"Content-Type": "application/merge-patch+json"}


class Recorder:
    """A backend that says what it was asked for."""

    async def logs(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        tail: int | None,
        follow: bool,
        previous: bool,
        since: timedelta | None,
    ) -> AsyncIterator[bytes]:
        yield f"{namespace}/{pod}/{container}\n".encode()
        yield f"{tail} {follow} {previous} {since}\n".encode()


@pytest.fixture
async def logs(store: Store):
    server = ApiServer(store, Recorder())
    url = await server.start()
    async with httpx.AsyncClient(base_url=url) as client:
        yield client
    await server.stop()


async def test_logs_come_from_whatever_runs_the_pods(logs, pod):
    await logs.post(PODS, json=pod("a"))
    params = {"tailLines": "5", "previous": "true", "sinceSeconds": "60"}
    answer = await logs.get(f"{PODS}/a/log", params=params)
    assert answer.text == "default/a/c\n5 False True 0:01:00\n"


async def test_logs_need_a_container_that_the_pod_has(logs, pod):
    two = [{"name": name, "image": "registry.example/x:1"} for name in ("one", "two")]
    await logs.post(PODS, json=pod("a", containers=two))
    refused = await logs.get(f"{PODS}/a/log")
    assert (
        refused.json()["message"] == "a container name must be specified for pod a, choose one of: [one two]"
    )
    refused = await logs.get(f"{PODS}/a/log", params={"container": "three"})
    assert (refused.status_code, refused.json()["message"]) == (400, "container three is not valid for pod a")
    assert (await logs.get(f"{PODS}/a/log", params={"container": "two"})).status_code == 200
    assert (await logs.get(f"{PODS}/none/log")).status_code == 404


async def report(api: httpx.AsyncClient, phase: str, *, ready: bool) -> None:
    conditions = [{"type": "Ready", "status": str(ready)}]
    status = {"status": {"phase": phase, "conditions": conditions}}
    assert (await api.patch(f"{PODS}/a/status", json=status, headers=MERGE)).status_code == 200


@pytest.fixture
async def guarded(api, pod):
    await api.post(PODS, json=pod("a", {"app": "web"}))
    await report(api, "Running", ready=True)
    budget = {
        "metadata": {"name": "web"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}},
    }
    await api.post(BUDGETS, json=budget)

    async def allow(disruptions: int) -> None:
        status = {"disruptionsAllowed": disruptions, "currentHealthy": 1, "desiredHealthy": 1}
        status |= {"observedGeneration": 1}
        await api.patch(f"{BUDGETS}/web/status", json={"status": status}, headers=MERGE)

    return allow


async def test_an_eviction_that_a_budget_forbids_is_refused_for_now(api, guarded):
    await guarded(0)
    refused = await api.post(f"{PODS}/a/eviction", json=EVICTION)
    assert (refused.status_code, refused.json()["reason"]) == (429, "TooManyRequests")
    assert refused.json()["message"] == "Cannot evict pod as it would violate the pod's disruption budget."
    assert refused.json()["details"]["causes"] == [
        {
            "reason": "DisruptionBudget",
            "message": "The disruption budget web needs 1 healthy pods and has 1 currently",
        }
    ]
    assert (await api.get(f"{PODS}/a")).status_code == 200


async def test_an_eviction_waits_until_a_changed_budget_was_looked_at(api, guarded):
    await guarded(1)
    await api.patch(f"{BUDGETS}/web", json={"spec": {"minAvailable": 2}}, headers=MERGE)
    refused = await api.post(f"{PODS}/a/eviction", json=EVICTION)
    assert refused.status_code == 429
    assert "still being processed" in refused.json()["details"]["causes"][0]["message"]


async def test_an_eviction_within_the_budget_deletes_the_pod_and_spends_the_budget(api, guarded):
    await guarded(1)
    assert (await api.post(f"{PODS}/a/eviction", json=EVICTION)).status_code == 201
    assert (await api.get(f"{PODS}/a")).status_code == 404
    assert (await api.get(f"{BUDGETS}/web")).json()["status"]["disruptionsAllowed"] == 0


@pytest.mark.parametrize("phase", ["Pending", "Running", "Failed"])
async def test_a_pod_that_serves_nobody_may_always_be_evicted(api, guarded, phase):
    await guarded(0)
    await report(api, phase, ready=False)
    assert (await api.post(f"{PODS}/a/eviction", json=EVICTION)).status_code == 201
    assert (await api.get(f"{BUDGETS}/web")).json()["status"]["disruptionsAllowed"] == 0


async def test_an_unready_pod_stays_while_its_budget_is_short(api, guarded):
    await guarded(0)
    short = {"status": {"currentHealthy": 0, "desiredHealthy": 1}}
    await api.patch(f"{BUDGETS}/web/status", json=short, headers=MERGE)
    await report(api, "Running", ready=False)
    assert (await api.post(f"{PODS}/a/eviction", json=EVICTION)).status_code == 429


async def test_an_eviction_can_be_tried_out(api, guarded):
    await guarded(1)
    body = EVICTION | {"deleteOptions": {"dryRun": ["All"]}}
    assert (await api.post(f"{PODS}/a/eviction", json=body)).status_code == 201
    assert (await api.get(f"{PODS}/a")).status_code == 200


async def test_a_pod_is_bound_to_a_node_once(api, pod):
    await api.post(PODS, json=pod("a"))
    binding = {"target": {"kind": "Node", "name": "node-1"}}
    assert (await api.post(f"{PODS}/a/binding", json=binding)).status_code == 201
    assert (await api.get(f"{PODS}/a")).json()["spec"]["nodeName"] == "node-1"
    assert (await api.post(f"{PODS}/a/binding", json=binding)).status_code == 409


async def test_only_the_image_of_a_pod_may_change(api, pod):
    made = (await api.post(PODS, json=pod("a"))).json()
    made["spec"]["containers"][0]["image"] = "registry.example/web:2"
    changed = (await api.put(f"{PODS}/a", json=made)).json()
    assert changed["spec"]["containers"][0]["image"] == "registry.example/web:2"
    changed["spec"]["containers"][0]["command"] = ["sh"]
    refused = await api.put(f"{PODS}/a", json=changed)
    assert refused.status_code == 422
    assert "pod updates may not change fields other than" in refused.json()["message"]


@pytest.mark.parametrize("part", ["exec", "attach", "portforward"])
async def test_what_the_sandbox_cannot_do_in_a_pod_it_says(api, pod, part):
    await api.post(PODS, json=pod("a"))
    refused = await api.post(f"{PODS}/a/{part}")
    assert refused.status_code == 501
    assert f"does not offer {part}" in refused.json()["message"]
