import asyncio

import pytest

from chaosctl.sandbox.api.errors import ApiError
from chaosctl.sandbox.api.resources import Resource
from chaosctl.sandbox.api.store import Change, Json, Store

OWNER = {"metadata": {"name": "owner"}}


@pytest.fixture
def pods(store: Store) -> Resource:
    return store.resource("v1", "pods")


@pytest.fixture
def maps(store: Store) -> Resource:
    return store.resource("v1", "configmaps")


def owned_by(owner: Json, name: str, *, blocks: bool = False) -> Json:
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    return {"metadata": {"name": name, "ownerReferences": [reference | {"blockOwnerDeletion": blocks}]}}


def names(store: Store, resource: Resource) -> list[str]:
    return [body["metadata"]["name"] for body in store.list(resource, "default")]


def changes(queue: asyncio.Queue[Change]) -> list[tuple[str, str]]:
    found = []
    while not queue.empty():
        change = queue.get_nowait()
        found.append((change.type, change.object["metadata"]["name"]))
    return found


def test_every_change_gets_the_next_version_and_reaches_the_watchers_in_order(store, maps):
    queue = store.subscribe()
    made = store.create(maps, "default", {"metadata": {"name": "a"}})
    store.update(maps, "default", "a", lambda body: body | {"data": {"k": "v"}})
    store.delete(maps, "default", "a")
    versions = [queue.get_nowait().version for _ in range(3)]
    assert versions == [int(made["metadata"]["resourceVersion"]) + step for step in range(3)]
    assert queue.empty()


def test_an_update_that_changes_nothing_keeps_the_version_and_tells_nobody(store, maps):
    made = store.create(maps, "default", {"metadata": {"name": "a"}, "data": {"k": "v"}})
    queue = store.subscribe()
    assert store.update(maps, "default", "a", lambda body: body) == made
    assert queue.empty()


def test_an_update_from_an_old_version_is_a_conflict(store, maps):
    made = store.create(maps, "default", {"metadata": {"name": "a"}})
    store.update(maps, "default", "a", lambda body: body | {"data": {"k": "v"}})
    with pytest.raises(ApiError, match="the object has been modified") as refused:
        store.update(maps, "default", "a", lambda _: {**made, "data": {"k": "w"}})
    assert refused.value.code == 409


def test_what_was_handed_out_never_changes(store, maps):
    made = store.create(maps, "default", {"metadata": {"name": "a"}, "data": {"k": "v"}})
    store.update(maps, "default", "a", lambda body: body["data"].update(k="w") or body)
    assert made["data"] == {"k": "v"}


def test_a_version_that_was_handed_out_keeps_its_number(store, deployment):
    deployments = store.resource("apps/v1", "deployments")
    made = [store.create(deployments, "default", deployment())]
    for replicas in (2, 3, 4):
        spec = made[-1]["spec"] | {"replicas": replicas}
        made.append(
            store.update(deployments, "default", "web", lambda body, spec=spec: body | {"spec": spec})
        )
    assert [body["metadata"]["generation"] for body in made] == [1, 2, 3, 4]
    assert len({body["metadata"]["resourceVersion"] for body in made}) == 4


def test_the_generation_counts_changes_of_the_spec_alone(store, deployment):
    deployments = store.resource("apps/v1", "deployments")
    store.create(deployments, "default", deployment())

    def scaled(body: Json) -> Json:
        return body | {"spec": body["spec"] | {"replicas": 2}}

    def reported(body: Json) -> Json:
        return body | {"status": {"replicas": 2}}

    assert store.update(deployments, "default", "web", scaled)["metadata"]["generation"] == 2
    after = store.update(deployments, "default", "web", reported, subresource="status")
    assert (after["metadata"]["generation"], after["status"]) == (2, {"replicas": 2})


def test_the_status_changes_through_its_subresource_only(store, deployment):
    deployments = store.resource("apps/v1", "deployments")
    store.create(deployments, "default", deployment())

    def both(body: Json) -> Json:
        return body | {"status": {"replicas": 9}, "spec": body["spec"] | {"replicas": 9}}

    after = store.update(deployments, "default", "web", both)
    assert (after["spec"]["replicas"], after["status"]) == (9, {})
    after = store.update(
        deployments, "default", "web", lambda b: both(b) | {"spec": {}}, subresource="status"
    )
    assert (after["spec"]["replicas"], after["status"]) == (9, {"replicas": 9})


def test_a_pod_on_a_node_waits_for_its_kubelet(store, pods, pod):
    store.create(pods, "default", pod("a", nodeName="node-1", terminationGracePeriodSeconds=7))
    marked = store.delete(pods, "default", "a")
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 7
    assert "deletionTimestamp" in store.get(pods, "default", "a")["metadata"]
    store.delete(pods, "default", "a", grace_seconds=0)
    assert store.find(pods, "default", "a") is None


def test_a_second_deletion_can_shorten_the_grace_but_not_lengthen_it(store, pods, pod):
    store.create(pods, "default", pod("a", nodeName="node-1"))
    store.delete(pods, "default", "a", grace_seconds=20)
    store.delete(pods, "default", "a", grace_seconds=60)
    assert store.get(pods, "default", "a")["metadata"]["deletionGracePeriodSeconds"] == 20
    store.delete(pods, "default", "a", grace_seconds=5)
    assert store.get(pods, "default", "a")["metadata"]["deletionGracePeriodSeconds"] == 5


@pytest.mark.parametrize("grace", [None, 0, 30])
def test_a_pod_that_runs_nowhere_goes_at_once(store, pods, pod, grace):
    store.create(pods, "default", pod("a"))
    store.delete(pods, "default", "a", grace_seconds=grace)
    assert store.find(pods, "default", "a") is None


def test_finalizers_keep_an_object_until_the_last_one_is_removed(store, maps):
    store.create(maps, "default", {"metadata": {"name": "a", "finalizers": ["x/y"]}})
    store.delete(maps, "default", "a")
    assert "deletionTimestamp" in store.get(maps, "default", "a")["metadata"]
    store.update(maps, "default", "a", lambda body: body["metadata"].pop("finalizers") and body)
    assert store.find(maps, "default", "a") is None


def test_background_deletion_takes_dependents_and_theirs_after_the_owner(store, maps):
    owner = store.create(maps, "default", OWNER)
    child = store.create(maps, "default", owned_by(owner, "child"))
    store.create(maps, "default", owned_by(child, "grandchild"))
    queue = store.subscribe()
    store.delete(maps, "default", "owner")
    assert changes(queue) == [("DELETED", "owner"), ("DELETED", "child"), ("DELETED", "grandchild")]


def test_foreground_deletion_lets_the_owner_wait_for_what_blocks_it(store, maps, pods, pod):
    owner = store.create(maps, "default", OWNER)
    child = pod("child", nodeName="node-1")
    child["metadata"] = owned_by(owner, "child", blocks=True)["metadata"]
    store.create(pods, "default", child)
    store.delete(maps, "default", "owner", policy="Foreground")
    assert store.get(maps, "default", "owner")["metadata"]["finalizers"] == ["foregroundDeletion"]
    store.delete(pods, "default", "child", grace_seconds=0)
    assert store.find(maps, "default", "owner") is None


def test_orphans_stay_and_forget_their_owner(store, maps):
    owner = store.create(maps, "default", OWNER)
    store.create(maps, "default", owned_by(owner, "child"))
    store.delete(maps, "default", "owner", policy="Orphan")
    assert "ownerReferences" not in store.get(maps, "default", "child")["metadata"]


def test_what_has_another_living_owner_stays(store, maps):
    one = store.create(maps, "default", {"metadata": {"name": "one"}})
    two = store.create(maps, "default", {"metadata": {"name": "two"}})
    child = owned_by(one, "child")
    child["metadata"]["ownerReferences"] += owned_by(two, "child")["metadata"]["ownerReferences"]
    store.create(maps, "default", child)
    store.delete(maps, "default", "one")
    left = store.get(maps, "default", "child")["metadata"]["ownerReferences"]
    assert [reference["uid"] for reference in left] == [two["metadata"]["uid"]]
    store.delete(maps, "default", "two")
    assert store.find(maps, "default", "child") is None


def test_what_is_created_for_an_owner_that_has_gone_is_collected(store, maps):
    owner = store.create(maps, "default", OWNER)
    store.delete(maps, "default", "owner")
    store.create(maps, "default", owned_by(owner, "late"))
    assert "late" not in names(store, maps)


def test_a_namespace_takes_its_contents_with_it_and_waits_for_running_pods(store, maps, pods, pod):
    namespaces = store.resource("v1", "namespaces")
    store.create(namespaces, None, {"metadata": {"name": "short"}})
    store.create(maps, "short", {"metadata": {"name": "a"}})
    store.create(pods, "short", pod("p", nodeName="node-1"))
    assert store.delete(namespaces, None, "short")["status"]["phase"] == "Terminating"
    assert names(store, maps) == []
    with pytest.raises(ApiError, match="because it is being terminated"):
        store.create(maps, "short", {"metadata": {"name": "b"}})
    store.delete(pods, "short", "p", grace_seconds=0)
    assert store.find(namespaces, None, "short") is None


def test_deleting_with_the_uid_of_an_earlier_object_is_a_conflict(store, maps):
    first = store.create(maps, "default", {"metadata": {"name": "a"}})
    store.delete(maps, "default", "a")
    store.create(maps, "default", {"metadata": {"name": "a"}})
    with pytest.raises(ApiError, match="UID in the precondition") as refused:
        store.delete(maps, "default", "a", uid=first["metadata"]["uid"])
    assert refused.value.code == 409


def test_history_reaches_back_so_far_and_then_says_that_it_is_gone(maps):
    store = Store(history=3)
    for number in range(5):
        store.create(maps, "default", {"metadata": {"name": f"m{number}"}})
    newest = store.version
    assert [change.version for change in store.since(newest - 3)] == [newest - 2, newest - 1, newest]
    with pytest.raises(ApiError) as refused:
        store.since(newest - 4)
    assert (refused.value.code, refused.value.reason) == (410, "Expired")


def test_services_get_addresses_of_their_own_from_the_given_allocator():
    addresses = iter(["127.9.9.1", "127.9.9.2"])
    store = Store(lambda: next(addresses))
    services = store.resource("v1", "services")
    ports = [{"port": 80}]
    store.create(services, "default", {"metadata": {"name": "a"}, "spec": {"ports": ports}})
    store.create(
        services, "default", {"metadata": {"name": "h"}, "spec": {"clusterIP": "None", "ports": ports}}
    )
    store.create(services, "default", {"metadata": {"name": "b"}, "spec": {"ports": ports}})
    found = [body["spec"]["clusterIP"] for body in store.list(services, "default")]
    assert found == ["127.9.9.1", "127.9.9.2", "None"]


def test_a_change_that_does_not_mention_the_address_keeps_it(store):
    services = store.resource("v1", "services")
    body = {"metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}]}}
    made = store.create(services, "default", body)
    after = store.update(services, "default", "a", lambda _: {**body, "spec": {"ports": [{"port": 81}]}})
    assert after["spec"]["clusterIP"] == made["spec"]["clusterIP"]
