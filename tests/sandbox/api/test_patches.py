import pytest

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
JSON = {"Content-Type": "application/json-patch+json"}
MERGE = {"Content-Type": "application/merge-patch+json"}
STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}


@pytest.fixture
async def web(api, deployment):
    body = deployment(replicas=3)
    containers = body["spec"]["template"]["spec"]["containers"]
    containers[0]["env"] = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    containers.append({"name": "side", "image": "registry.example/side:1"})
    return (await api.post(DEPLOYMENTS, json=body)).json()


async def patched(api, body, headers):
    return await api.patch(f"{DEPLOYMENTS}/web", json=body, headers=headers)


async def test_a_json_patch_whose_test_holds_is_applied(api, web):
    operations = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": web["metadata"]["resourceVersion"]},
        {"op": "test", "path": "/spec/replicas", "value": 3},
        {"op": "replace", "path": "/spec/replicas", "value": 1},
    ]
    assert (await patched(api, operations, JSON)).json()["spec"]["replicas"] == 1


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/spec/replicas", "value": 4},
        {"op": "test", "path": "/metadata/resourceVersion", "value": "1"},
        {"op": "remove", "path": "/spec/nothing"},
        {"op": "replace", "path": "/spec/none/below", "value": 1},
    ],
)
async def test_a_json_patch_that_fails_is_invalid_and_changes_nothing(api, web, operation):
    operations = [{"op": "replace", "path": "/spec/replicas", "value": 1}, operation]
    refused = await patched(api, operations, JSON)
    assert (refused.status_code, refused.json()["reason"]) == (422, "Invalid")
    assert (await api.get(f"{DEPLOYMENTS}/web")).json() == web


async def test_a_json_patch_that_sets_an_old_version_is_a_conflict(api, web):
    old = web["metadata"]["resourceVersion"]
    await patched(api, [{"op": "replace", "path": "/spec/replicas", "value": 2}], JSON)
    pinned = [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": old},
        {"op": "replace", "path": "/spec/replicas", "value": 1},
    ]
    refused = await patched(api, pinned, JSON)
    assert (refused.status_code, refused.json()["reason"]) == (409, "Conflict")


@pytest.mark.parametrize("body", [{"spec": {}}, "text", [1]])
@pytest.mark.usefixtures("web")
async def test_what_is_no_json_patch_is_a_bad_request(api, body):
    assert (await patched(api, body, JSON)).status_code == 400


@pytest.mark.usefixtures("web")
async def test_a_merge_patch_replaces_lists_and_removes_by_null(api):
    change = {"spec": {"minReadySeconds": 5, "progressDeadlineSeconds": None}}
    after = (await patched(api, change, MERGE)).json()["spec"]
    assert (after["minReadySeconds"], after["progressDeadlineSeconds"]) == (5, 600)
    containers = [{"name": "only", "image": "registry.example/only:1"}]
    change = {"spec": {"template": {"spec": {"containers": containers}}}}
    after = (await patched(api, change, MERGE)).json()["spec"]["template"]["spec"]["containers"]
    assert [container["name"] for container in after] == ["only"]


@pytest.mark.usefixtures("web")
async def test_a_strategic_patch_merges_containers_by_name(api):
    change = {"containers": [{"name": "c", "image": "registry.example/web:2"}]}
    after = (await patched(api, {"spec": {"template": {"spec": change}}}, STRATEGIC)).json()
    containers = after["spec"]["template"]["spec"]["containers"]
    assert [each["image"] for each in containers] == ["registry.example/web:2", "registry.example/side:1"]
    assert [each["name"] for each in containers[0]["env"]] == ["A", "B"]


@pytest.mark.usefixtures("web")
async def test_a_strategic_patch_deletes_items_and_keeps_the_order_it_was_told(api):
    environment = [{"$patch": "delete", "name": "A"}, {"name": "Z", "value": "26"}]
    change = {
        "$setElementOrder/containers": [{"name": "side"}, {"name": "c"}],
        "containers": [{"name": "c", "env": environment}],
    }
    after = (await patched(api, {"spec": {"template": {"spec": change}}}, STRATEGIC)).json()
    containers = after["spec"]["template"]["spec"]["containers"]
    assert [each["name"] for each in containers] == ["side", "c"]
    assert [each["name"] for each in containers[1]["env"]] == ["Z", "B"]


@pytest.mark.usefixtures("web")
async def test_a_strategic_patch_can_replace_a_map_and_keep_only_some_keys(api):
    change = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert (await patched(api, change, STRATEGIC)).json()["spec"]["strategy"] == {"type": "Recreate"}


@pytest.mark.usefixtures("web")
async def test_unknown_patch_languages_are_refused(api):
    refused = await patched(api, {}, {"Content-Type": "application/json"})
    assert (refused.status_code, refused.json()["reason"]) == (415, "UnsupportedMediaType")


async def test_a_patch_that_changes_nothing_keeps_the_version(api, web):
    after = (await patched(api, {"spec": {"replicas": 3}}, MERGE)).json()
    assert after["metadata"]["resourceVersion"] == web["metadata"]["resourceVersion"]
