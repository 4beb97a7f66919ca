"""Merge patches: RFC 7386, and Kubernetes' own that knows the keys of lists."""

import pytest

from conformance.api import refused
from conformance.bodies import config_map, container, deployment, service

TWO = [
    container(env=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}], args=["x", "y"]),
    {"name": "side", "image": "side:1"},
]


@pytest.fixture
def web(space):
    space.create("deployments", deployment("web", 1, *TWO, paused=True))

    def patch(containers=None, kind="strategic", **more):
        spec = {"containers": containers} if containers is not None else {}
        body = {"spec": {"template": {"spec": {**spec, **more}}}}
        return space.patch("deployments", "web", body, kind)["spec"]["template"]["spec"]

    return patch


def test_merge_changes_adds_and_removes_by_null(space):
    space.create("configmaps", config_map("a", {"l": "1", "m": "2"}, k="v", old="x"))
    changed = space.patch(
        "configmaps", "a", {"metadata": {"labels": {"l": None}}, "data": {"k": "w", "old": None, "new": "n"}}
    )
    assert changed["data"] == {"k": "w", "new": "n"}
    assert changed["metadata"]["labels"] == {"m": "2"}


def test_merge_replaces_lists_as_a_whole(web):
    changed = web([{"name": "only", "image": "only:1"}], "merge")
    assert [each["name"] for each in changed["containers"]] == ["only"]


def test_merge_of_something_that_is_no_object_is_a_bad_request(space):
    space.create("configmaps", config_map("a"))
    with refused(400, "BadRequest"):
        space.patch("configmaps", "a", [1])


def test_strategic_merges_containers_by_name(web):
    changed = web([{"name": "side", "image": "side:2"}])["containers"]
    assert [(each["name"], each["image"]) for each in changed][1] == ("side", "side:2")
    assert changed[0]["args"] == ["x", "y"]


def test_strategic_adds_an_item_with_a_new_key_in_front(web):
    changed = web([{"name": "new", "image": "new:1"}])["containers"]
    assert [each["name"] for each in changed] == ["new", "main", "side"]


def test_strategic_merges_environment_variables_by_name(web):
    changed = web([{"name": "main", "env": [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}]}])
    env = {each["name"]: each["value"] for each in changed["containers"][0]["env"]}
    assert env == {"A": "1", "B": "3", "C": "4"}


def test_strategic_deletes_an_item_by_directive(web):
    changed = web([{"name": "side", "$patch": "delete"}])["containers"]
    assert [each["name"] for each in changed] == ["main"]


def test_strategic_replaces_a_list_by_directive(web):
    changed = web([{"name": "main", "env": [{"$patch": "replace"}, {"name": "Z", "value": "9"}]}])
    assert changed["containers"][0]["env"] == [{"name": "Z", "value": "9"}]


def test_strategic_replaces_lists_that_have_no_key(web):
    changed = web([{"name": "main", "args": ["z"]}])["containers"]
    assert changed[0]["args"] == ["z"]


def test_strategic_removes_by_null(web):
    changed = web([{"name": "main", "args": None}])["containers"]
    assert "args" not in changed[0]


def test_strategic_replaces_a_map_by_directive(space):
    space.create("configmaps", config_map("a", {"l": "1"}, k="v"))
    changed = space.patch("configmaps", "a", {"data": {"$patch": "replace", "new": "n"}}, "strategic")
    assert changed["data"] == {"new": "n"}


def test_strategic_deletes_a_map_by_directive(space):
    space.create("configmaps", config_map("a", {"l": "1"}, k="v"))
    changed = space.patch("configmaps", "a", {"data": {"$patch": "delete"}}, "strategic")
    assert "data" not in changed


def test_strategic_retains_keys_of_a_union(space):
    space.create("deployments", deployment("web", paused=True))
    strategy = {"$retainKeys": ["type"], "type": "Recreate"}
    changed = space.patch("deployments", "web", {"spec": {"strategy": strategy}}, "strategic")
    assert changed["spec"]["strategy"] == {"type": "Recreate"}


def test_the_fields_of_another_strategy_are_refused(space):
    space.create("deployments", deployment("web", paused=True))
    with refused(422, "Invalid") as told:
        space.patch("deployments", "web", {"spec": {"strategy": {"type": "Recreate"}}}, "strategic")
    assert told.causes == [("spec.strategy.rollingUpdate", "FieldValueForbidden")]


def test_strategic_puts_items_in_the_order_that_it_names(web):
    changed = web(
        [{"name": "side", "image": "side:3"}],
        **{"$setElementOrder/containers": [{"name": "side"}, {"name": "main"}]},
    )
    assert [each["name"] for each in changed["containers"]] == ["side", "main"]


def test_strategic_deletes_from_lists_of_values(space):
    body = config_map("a")
    body["metadata"]["finalizers"] = ["x.dev/a", "x.dev/b"]
    space.create("configmaps", body)
    patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["x.dev/a"]}}
    assert space.patch("configmaps", "a", patch, "strategic")["metadata"]["finalizers"] == ["x.dev/b"]
    patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["x.dev/b"]}}
    assert "finalizers" not in space.patch("configmaps", "a", patch, "strategic")["metadata"]


def test_strategic_adds_to_lists_of_values(space):
    body = config_map("a")
    body["metadata"]["finalizers"] = ["x.dev/a"]
    space.create("configmaps", body)
    changed = space.patch("configmaps", "a", {"metadata": {"finalizers": ["x.dev/b"]}}, "strategic")
    assert sorted(changed["metadata"]["finalizers"]) == ["x.dev/a", "x.dev/b"]
    space.patch("configmaps", "a", {"metadata": {"finalizers": None}})


def test_strategic_merges_ports_of_services_by_number(space):
    space.create("services", service("web", ports=[{"name": "http", "port": 80, "targetPort": 8080}]))
    patch = {"spec": {"ports": [{"port": 80, "targetPort": 9090}, {"name": "more", "port": 81}]}}
    changed = space.patch("services", "web", patch, "strategic")["spec"]["ports"]
    assert {each["port"]: each["targetPort"] for each in changed} == {80: 9090, 81: 81}


def test_strategic_merges_volumes_by_name_and_mounts_by_path(space, web):
    web(
        [{"name": "main", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}],
        volumes=[{"name": "v", "emptyDir": {}}],
    )
    changed = web(
        [{"name": "main", "volumeMounts": [{"name": "w", "mountPath": "/w"}]}],
        volumes=[{"name": "w", "emptyDir": {}}],
    )
    assert sorted(each["name"] for each in changed["volumes"]) == ["v", "w"]
    assert sorted(each["mountPath"] for each in changed["containers"][0]["volumeMounts"]) == ["/v", "/w"]


def test_an_item_without_its_key_is_refused(web):
    with refused(500) as told:
        web([{"image": "nobody:1"}])
    assert told.message == "map: map[image:nobody:1] does not contain declared merge key: name"
