import pytest

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
APPLY = {"Content-Type": "application/apply-patch+yaml"}
MERGE = {"Content-Type": "application/merge-patch+json"}


@pytest.fixture
def apply(api):
    async def applied(body, manager, *, force=False):
        params = {"fieldManager": manager, "force": str(force)}
        path = f"{DEPLOYMENTS}/{body['metadata']['name']}"
        return await api.patch(path, json=body, headers=APPLY, params=params)

    return applied


@pytest.fixture
def update(api):
    async def updated(change, manager):
        params = {"fieldManager": manager}
        return await api.patch(f"{DEPLOYMENTS}/web", json=change, headers=MERGE, params=params)

    return updated


def managers(body) -> set[tuple[str, str]]:
    return {(each["manager"], each["operation"]) for each in body["metadata"].get("managedFields", [])}


async def test_apply_creates_and_then_changes_the_object(apply, deployment):
    assert (await apply(deployment(replicas=2), "team")).status_code == 201
    again = await apply(deployment(replicas=3), "team")
    assert (again.status_code, again.json()["spec"]["replicas"]) == (200, 3)
    assert managers(again.json()) == {("team", "Apply")}


async def test_applying_the_same_again_changes_nothing(apply, deployment):
    first = (await apply(deployment(replicas=2), "team")).json()
    assert (await apply(deployment(replicas=2), "team")).json() == first


async def test_what_somebody_else_updated_is_a_conflict_until_forced(apply, update, deployment):
    await apply(deployment(replicas=2), "team")
    await update({"spec": {"replicas": 5}}, "autoscaler")
    refused = await apply(deployment(replicas=3), "team")
    assert refused.status_code == 409
    assert refused.json()["message"] == (
        'Apply failed with 1 conflict: conflict with "autoscaler" using apps/v1: .spec.replicas'
    )
    assert refused.json()["details"]["causes"][0]["field"] == ".spec.replicas"
    forced = (await apply(deployment(replicas=3), "team", force=True)).json()
    assert (forced["spec"]["replicas"], managers(forced)) == (3, {("team", "Apply")})


async def test_a_conflict_names_the_container(apply, update, deployment):
    await apply(deployment(), "team")
    body = deployment()["spec"]["template"]
    body["spec"]["containers"][0]["image"] = "registry.example/web:bad"
    await update({"spec": {"template": body}}, "chaosctl")
    refused = await apply(deployment(), "team")
    field = '.spec.template.spec.containers[name="c"].image'
    assert [cause["field"] for cause in refused.json()["details"]["causes"]] == [field]


async def test_two_managers_may_own_the_same_value(apply, deployment):
    await apply(deployment(replicas=2), "one")
    both = await apply(deployment(replicas=2), "two")
    assert managers(both.json()) == {("one", "Apply"), ("two", "Apply")}


async def test_a_field_no_longer_applied_goes_unless_somebody_else_owns_it(apply, deployment):
    body = deployment()
    body["metadata"]["labels"] = {"mine": "1", "ours": "1"}
    await apply(body, "one")
    body["metadata"]["labels"] = {"ours": "1"}
    await apply(body, "two")
    body["metadata"]["labels"] = {}
    after = await apply(body, "one")
    assert after.json()["metadata"]["labels"] == {"ours": "1"}


async def test_a_container_no_longer_applied_goes(apply, deployment):
    body = deployment()
    body["spec"]["template"]["spec"]["containers"].append(
        {"name": "side", "image": "registry.example/side:1"}
    )
    await apply(body, "team")
    after = (await apply(deployment(), "team")).json()
    assert [each["name"] for each in after["spec"]["template"]["spec"]["containers"]] == ["c"]


async def test_once_our_entry_is_removed_the_team_can_apply_again(api, apply, update, deployment):
    await apply(deployment(replicas=2), "team")
    await update({"spec": {"replicas": 0}}, "chaosctl")
    seen = (await update({"spec": {"replicas": 2}}, "chaosctl")).json()
    index = [each["manager"] for each in seen["metadata"]["managedFields"]].index("chaosctl")
    removal = [{"op": "remove", "path": f"/metadata/managedFields/{index}"}]
    headers = {"Content-Type": "application/json-patch+json"}
    after = await api.patch(f"{DEPLOYMENTS}/web", json=removal, headers=headers)
    assert managers(after.json()) == {("team", "Apply")}
    assert (await apply(deployment(replicas=4), "team")).status_code == 200


@pytest.mark.parametrize("sent", [[{}, {}], [{"manager": "x"}], [{"manager": "x", "fieldsV1": {"f:a": 1}}]])
async def test_owners_that_cannot_be_read_are_ignored(api, apply, deployment, sent):
    body = (await apply(deployment(replicas=2), "team")).json()
    body["metadata"]["managedFields"] = sent
    assert managers((await api.put(f"{DEPLOYMENTS}/web", json=body)).json()) == {("team", "Apply")}


async def test_owners_can_be_cleared_on_purpose(api, apply, deployment):
    body = (await apply(deployment(replicas=2), "team")).json()
    body["metadata"]["managedFields"] = [{}]
    assert managers((await api.put(f"{DEPLOYMENTS}/web", json=body)).json()) == set()


async def test_quantities_written_another_way_are_no_conflict(apply, deployment):
    body = deployment()
    container = body["spec"]["template"]["spec"]["containers"][0]
    container["resources"] = {"limits": {"cpu": "0.5"}}
    await apply(body, "one")
    container["resources"] = {"limits": {"cpu": "500m"}}
    assert (await apply(body, "two")).status_code == 200


async def test_apply_needs_a_manager(api, deployment):
    refused = await api.patch(f"{DEPLOYMENTS}/web", json=deployment(), headers=APPLY)
    assert refused.status_code == 422


async def test_a_status_written_through_its_subresource_is_owned_apart(api, apply, deployment):
    await apply(deployment(), "team")
    params = {"fieldManager": "controller"}
    path = f"{DEPLOYMENTS}/web/status"
    after = await api.patch(path, json={"status": {"replicas": 1}}, headers=MERGE, params=params)
    entries = {each["manager"]: each.get("subresource") for each in after.json()["metadata"]["managedFields"]}
    assert entries == {"team": None, "controller": "status"}
