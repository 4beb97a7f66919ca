import asyncio
from email.utils import parsedate_to_datetime

import pytest

MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


def config(name: str, **more: object) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **more}}


async def test_an_object_is_created_read_replaced_and_deleted(api):
    made = await api.post(MAPS, json=config("a"))
    assert made.status_code == 201
    replaced = await api.put(f"{MAPS}/a", json=made.json() | {"data": {"k": "v"}})
    assert replaced.json()["data"] == {"k": "v"}
    assert (await api.get(f"{MAPS}/a")).json() == replaced.json()
    assert (await api.delete(f"{MAPS}/a")).json()["status"] == "Success"
    missing = await api.get(f"{MAPS}/a")
    assert (missing.status_code, missing.json()["message"]) == (404, 'configmaps "a" not found')


async def test_fifty_increments_at_once_lose_none(api):
    await api.post(MAPS, json=config("counter") | {"data": {"n": "0"}})

    async def increment() -> None:
        while True:
            seen = (await api.get(f"{MAPS}/counter")).json()
            seen["data"]["n"] = str(int(seen["data"]["n"]) + 1)
            if (await api.put(f"{MAPS}/counter", json=seen)).status_code == 200:
                return

    await asyncio.gather(*(increment() for _ in range(50)))
    assert (await api.get(f"{MAPS}/counter")).json()["data"] == {"n": "50"}


async def test_creating_a_name_twice_is_refused(api):
    await api.post(MAPS, json=config("a"))
    again = await api.post(MAPS, json=config("a"))
    assert (again.status_code, again.json()["reason"]) == (409, "AlreadyExists")


async def test_a_generated_name_starts_with_the_prefix(api):
    body = config("", generateName="run-")
    first, second = [(await api.post(MAPS, json=body)).json()["metadata"]["name"] for _ in range(2)]
    assert first.startswith("run-")
    assert len(first) == len("run-") + 5
    assert first != second


async def test_pages_give_every_object_once_and_share_a_version(api):
    for number in range(7):
        await api.post(MAPS, json=config(f"m{number}"))
    seen, token, versions = [], "", set()
    while True:
        page = (await api.get(MAPS, params={"limit": 3, "continue": token})).json()
        seen += [body["metadata"]["name"] for body in page["items"]]
        versions.add(page["metadata"]["resourceVersion"])
        token = page["metadata"].get("continue", "")
        if not token:
            break
    assert seen == [f"m{number}" for number in range(7)]
    assert len(versions) == 1


async def test_a_dry_run_answers_with_the_result_and_changes_nothing(api):
    dry = {"dryRun": "All"}
    assert (await api.post(MAPS, json=config("a"), params=dry)).status_code == 201
    assert (await api.get(f"{MAPS}/a")).status_code == 404
    await api.post(MAPS, json=config("a"))
    body = config("a") | {"data": {"k": "v"}}
    assert (await api.put(f"{MAPS}/a", json=body, params=dry)).json()["data"] == {"k": "v"}
    await api.delete(f"{MAPS}/a", params=dry)
    assert "data" not in (await api.get(f"{MAPS}/a")).json()


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("app=web", ["a", "b"]),
        ("app==web,tier!=back", ["a"]),
        ("tier in (front, back)", ["a", "b"]),
        ("app notin (web)", ["c"]),
        ("tier", ["a", "b"]),
        ("!tier", ["c"]),
    ],
)
async def test_lists_are_narrowed_by_labels(api, selector, expected):
    labels = {"a": {"app": "web", "tier": "front"}, "b": {"app": "web", "tier": "back"}, "c": {"app": "db"}}
    for name, own in labels.items():
        await api.post(MAPS, json=config(name, labels=own))
    found = (await api.get(MAPS, params={"labelSelector": selector})).json()["items"]
    assert [body["metadata"]["name"] for body in found] == expected


async def test_pods_are_found_by_node_and_phase(api, pod):
    pods = "/api/v1/namespaces/default/pods"
    await api.post(pods, json=pod("a", nodeName="node-1"))
    await api.post(pods, json=pod("b"))
    selectors = {"spec.nodeName=node-1": ["a"], "status.phase=Pending": ["a", "b"], "metadata.name!=a": ["b"]}
    for selector, expected in selectors.items():
        found = (await api.get(pods, params={"fieldSelector": selector})).json()["items"]
        assert [body["metadata"]["name"] for body in found] == expected
    refused = await api.get(pods, params={"fieldSelector": "spec.foo=1"})
    assert (refused.status_code, refused.json()["message"]) == (400, "field label not supported: spec.foo")


async def test_a_collection_is_deleted_by_selector(api):
    for name in ("a", "b"):
        await api.post(MAPS, json=config(name, labels={"name": name}))
    await api.delete(MAPS, params={"labelSelector": "name=a"})
    assert [body["metadata"]["name"] for body in (await api.get(MAPS)).json()["items"]] == ["b"]


async def test_deletion_is_pinned_to_a_uid_and_a_version(api):
    made = (await api.post(MAPS, json=config("a"))).json()["metadata"]
    for wrong in ({"uid": "other"}, {"resourceVersion": "1"}):
        refused = await api.request("DELETE", f"{MAPS}/a", json={"preconditions": wrong})
        assert refused.status_code == 409
    right = {"uid": made["uid"], "resourceVersion": made["resourceVersion"]}
    assert (await api.request("DELETE", f"{MAPS}/a", json={"preconditions": right})).status_code == 200


async def test_what_nobody_wrote_is_filled_in(api, deployment):
    made = (await api.post(DEPLOYMENTS, json=deployment())).json()["spec"]
    assert made["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"},
    }
    assert (made["replicas"], made["revisionHistoryLimit"], made["progressDeadlineSeconds"]) == (1, 10, 600)
    assert made["template"]["spec"]["terminationGracePeriodSeconds"] == 30
    assert made["template"]["spec"]["containers"][0]["imagePullPolicy"] == "IfNotPresent"


async def test_quantities_are_stored_in_canonical_form(api, deployment):
    body = deployment()
    limits = {"cpu": 0.5, "memory": "1024Mi", "nvidia.com/gpu": "1"}
    body["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": limits}
    made = (await api.post(DEPLOYMENTS, json=body)).json()
    resources = made["spec"]["template"]["spec"]["containers"][0]["resources"]
    assert resources == {"limits": {"cpu": "500m", "memory": "1Gi", "nvidia.com/gpu": "1"}}


async def test_a_pod_with_limits_asks_for_as_much(api, pod):
    limits = {"cpu": "500m", "memory": "1Gi"}
    body = pod("one", containers=[{"name": "c", "image": "i:1", "resources": {"limits": limits}}])
    made = (await api.post("/api/v1/namespaces/default/pods", json=body)).json()
    assert made["spec"]["containers"][0]["resources"] == {"limits": limits, "requests": limits}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"metadata": {"name": "Upper_Case"}}, "metadata.name"),
        ({"metadata": {"name": "a", "labels": {"k": "not a label"}}}, "metadata.labels"),
        ({"metadata": {}}, "metadata.name"),
    ],
)
async def test_bad_names_and_labels_are_refused_by_field(api, change, field):
    refused = await api.post(MAPS, json=config("a") | change)
    assert refused.status_code == 422
    assert [cause["field"] for cause in refused.json()["details"]["causes"]] == [field]


async def test_a_selector_must_match_its_template_and_never_changes(api, deployment):
    body = deployment(selector={"matchLabels": {"app": "other"}})
    refused = await api.post(DEPLOYMENTS, json=body)
    assert refused.status_code == 422
    assert "`selector` does not match template `labels`" in refused.json()["message"]
    made = (await api.post(DEPLOYMENTS, json=deployment())).json()
    made["spec"]["selector"]["matchLabels"] = made["spec"]["template"]["metadata"]["labels"] = {"app": "new"}
    refused = await api.put(f"{DEPLOYMENTS}/web", json=made)
    assert refused.status_code == 422
    assert "field is immutable" in refused.json()["message"]


async def test_an_unknown_field_is_refused_warned_of_or_dropped(api, deployment):
    body = deployment(replicsa=3)
    refused = await api.post(DEPLOYMENTS, json=body, params={"fieldValidation": "Strict"})
    assert refused.status_code == 400
    assert 'strict decoding error: unknown field "spec.replicsa"' in refused.json()["message"]
    warned = await api.post(DEPLOYMENTS, json=body)
    assert warned.headers["Warning"] == '299 - "unknown field \\"spec.replicsa\\""'
    assert "replicsa" not in warned.json()["spec"]


async def test_a_value_of_the_wrong_type_is_refused(api, deployment):
    refused = await api.post(DEPLOYMENTS, json=deployment(replicas="three"))
    assert refused.status_code == 400
    assert (
        "cannot unmarshal string into Go struct field Deployment.spec.replicas" in refused.json()["message"]
    )


async def test_the_scale_is_read_and_written(api, deployment):
    await api.post(DEPLOYMENTS, json=deployment(replicas=3))
    scale = (await api.get(f"{DEPLOYMENTS}/web/scale")).json()
    assert (scale["spec"], scale["status"]["selector"]) == ({"replicas": 3}, "app=web")
    merge = {"Content-Type": "application/merge-patch+json"}
    await api.patch(f"{DEPLOYMENTS}/web/scale", json={"spec": {"replicas": 5}}, headers=merge)
    assert (await api.get(f"{DEPLOYMENTS}/web")).json()["spec"]["replicas"] == 5
    stale = await api.put(f"{DEPLOYMENTS}/web/scale", json=scale)
    assert stale.status_code == 409


async def test_bodies_are_limited_to_three_mebibytes(api):
    body = config("a") | {"data": {"k": "x" * (3 * 2**20)}}
    refused = await api.post(MAPS, json=body)
    assert (refused.status_code, refused.json()["reason"]) == (413, "RequestEntityTooLarge")


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'"text"', b"\xff"])
async def test_what_is_no_object_is_a_bad_request(api, body):
    refused = await api.post(MAPS, content=body, headers={"Content-Type": "application/json"})
    assert (refused.status_code, refused.json()["kind"]) == (400, "Status")


async def test_another_kind_or_name_than_the_url_says_is_a_bad_request(api):
    assert (await api.post(MAPS, json=config("a") | {"kind": "Secret"})).status_code == 400
    await api.post(MAPS, json=config("a"))
    assert (await api.put(f"{MAPS}/a", json=config("b"))).status_code == 400


async def test_unknown_paths_and_methods_are_answered_with_a_status(api):
    for path in ("/apis/none/v1/things", "/api/v1/nothings", "/api/v1/pods/a/b/c/d", "/else"):
        missing = await api.get(path)
        assert (missing.status_code, missing.json()["reason"]) == (404, "NotFound")
    for method, path in (("OPTIONS", MAPS), ("PUT", MAPS), ("PATCH", MAPS), ("POST", f"{MAPS}/a")):
        assert (await api.request(method, path)).status_code == 405


async def test_every_answer_says_what_time_it_is(api):
    assert parsedate_to_datetime((await api.get("/version")).headers["Date"]).tzinfo is not None
    assert (await api.get("/version")).json()["gitVersion"] == "v1.32.4+sandbox"


async def test_middlewares_see_every_request(store):
    import httpx
    from aiohttp import web

    from chaosctl.sandbox.api.server import ApiServer

    seen = []

    @web.middleware
    async def note(request, handler):
        seen.append(request.method)
        return await handler(request)

    server = ApiServer(store, middlewares=[note])
    url = await server.start()
    async with httpx.AsyncClient() as client:
        await client.get(f"{url}/version")
    await server.stop()
    assert seen == ["GET"]
