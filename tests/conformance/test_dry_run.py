"""Dry run: every check and every default, and nothing is stored."""

from conformance.api import refused
from conformance.bodies import config_map, deployment, pod


def test_create_shows_defaults_and_stores_nothing(space):
    shown = space.create("deployments", deployment("web"), dryRun="All")
    assert shown["spec"]["strategy"]["type"] == "RollingUpdate"
    assert "uid" in shown["metadata"]
    assert "resourceVersion" not in shown["metadata"]
    assert space.find("deployments", "web") is None


def test_update_shows_the_next_generation_and_stores_nothing(space):
    made = space.create("deployments", deployment("web", paused=True))
    shown = space.patch("deployments", "web", {"spec": {"replicas": 5}}, dryRun="All")
    assert (shown["spec"]["replicas"], shown["metadata"]["generation"]) == (5, 2)
    assert shown["metadata"]["uid"] == made["metadata"]["uid"]
    now = space.get("deployments", "web")
    assert (now["spec"]["replicas"], now["metadata"]["generation"]) == (1, 1)


def test_a_json_patch_shows_what_would_be_stored(space):
    space.create("deployments", deployment("web", paused=True))
    path = "/spec/template/spec/containers/0/resources"
    patch = [{"op": "add", "path": path, "value": {"limits": {"cpu": "0.5"}}}]
    shown = space.patch("deployments", "web", patch, "json", dryRun="All")
    resources = shown["spec"]["template"]["spec"]["containers"][0]["resources"]
    assert resources == {"limits": {"cpu": "500m"}}
    assert space.get("deployments", "web")["spec"]["template"]["spec"]["containers"][0]["resources"] == {}


def test_the_version_that_a_dry_run_shows_is_the_stored_one(space):
    made = space.create("configmaps", config_map("a", k="v"))
    shown = space.patch("configmaps", "a", {"data": {"k": "w"}}, dryRun="All")
    assert shown["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


def test_delete_deletes_nothing(space):
    space.create("configmaps", config_map("a"))
    space.delete("configmaps", "a", dryRun="All")
    space.delete("configmaps", "a", {"dryRun": ["All"]})
    assert space.find("configmaps", "a")


def test_deletecollection_deletes_nothing(space):
    space.create("configmaps", config_map("a", {"some": "label"}))
    space.api.ask("DELETE", space.path("configmaps"), labelSelector="some", dryRun="All")
    assert space.find("configmaps", "a")


def test_an_invalid_object_is_refused(space):
    with refused(422, "Invalid"):
        space.create("deployments", deployment("web", -1), dryRun="All")


def test_a_name_that_is_taken_is_refused(space):
    space.create("configmaps", config_map("a"))
    with refused(409, "AlreadyExists"):
        space.create("configmaps", config_map("a"), dryRun="All")


def test_a_failed_test_operation_is_refused(space):
    space.create("configmaps", config_map("a", k="v"))
    with refused(422, "Invalid"):
        patch = [{"op": "test", "path": "/data/k", "value": "w"}]
        space.patch("configmaps", "a", patch, "json", dryRun="All")


def test_only_all_is_a_dry_run(space):
    with refused(422, "Invalid") as told:
        space.create("configmaps", config_map("a"), dryRun="Some")
    assert told.message == (
        'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"'
    )
    assert told.causes == [("dryRun", "FieldValueNotSupported")]
    assert space.find("configmaps", "a") is None


def test_an_eviction_evicts_nobody(space):
    space.create("pods", pod("a"))
    space.until("pods", "a", lambda body: body["spec"].get("nodeName"))
    space.create("pods", _eviction("a"), on="a", part="eviction", dryRun="All")
    assert "deletionTimestamp" not in space.get("pods", "a")["metadata"]


def _eviction(name):
    return {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
