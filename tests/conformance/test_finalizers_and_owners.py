"""Finalizers, and what becomes of the owned when their owner goes."""

import pytest

from conformance.api import poll, refused
from conformance.bodies import config_map, deployment, owned
from conformance.looks import rolled_out


def held(name="a"):
    body = config_map(name, k="v")
    body["metadata"]["finalizers"] = ["x.dev/hold"]
    return body


@pytest.fixture
def hold(space):
    """A ConfigMap that a finalizer holds; let go afterwards."""
    yield space.create("configmaps", held())
    if space.find("configmaps", "a"):
        space.patch("configmaps", "a", {"metadata": {"finalizers": None}})


def test_a_held_object_waits_for_its_finalizers(space, hold):
    answer = space.delete("configmaps", "a")
    assert answer["kind"] == "Status" or answer["metadata"]["deletionTimestamp"]
    waiting = space.get("configmaps", "a")["metadata"]
    assert waiting["deletionGracePeriodSeconds"] == 0
    assert waiting["deletionTimestamp"]
    space.delete("configmaps", "a")
    assert space.get("configmaps", "a")["metadata"]["deletionTimestamp"] == waiting["deletionTimestamp"]
    space.patch("configmaps", "a", {"metadata": {"finalizers": None}})
    assert space.find("configmaps", "a") is None


def test_a_held_object_can_still_be_changed(space, hold):
    space.delete("configmaps", "a")
    assert space.patch("configmaps", "a", {"data": {"k": "w"}})["data"] == {"k": "w"}
    assert space.find("configmaps", "a")


def test_a_dying_object_takes_no_new_finalizers(space, hold):
    space.delete("configmaps", "a")
    with refused(422, "Invalid") as told:
        space.patch("configmaps", "a", {"metadata": {"finalizers": ["x.dev/hold", "x.dev/more"]}})
    assert told.causes == [("metadata.finalizers", "FieldValueForbidden")]
    assert "no new finalizers can be added if the object is being deleted" in told.message


def test_its_name_is_taken_until_it_has_gone(space, hold):
    space.delete("configmaps", "a")
    with refused(409, "AlreadyExists") as told:
        space.create("configmaps", config_map("a"))
    assert told.message.startswith('object is being deleted: configmaps "a" already exists')


def test_nobody_can_set_or_clear_the_time_of_deletion(space, hold):
    with refused(422, "Invalid") as told:
        space.patch("configmaps", "a", {"metadata": {"deletionTimestamp": "2030-01-01T00:00:00Z"}})
    assert told.causes == [("metadata.deletionTimestamp", "FieldValueInvalid")]
    assert "deletionTimestamp" not in space.get("configmaps", "a")["metadata"]
    space.delete("configmaps", "a")
    patch = [{"op": "remove", "path": "/metadata/deletionTimestamp"}]
    space.patch("configmaps", "a", patch, "json")
    assert "deletionTimestamp" in space.get("configmaps", "a")["metadata"]


def family(space, **reference):
    """An owner and what it owns."""
    owner = space.create("configmaps", config_map("owner"))
    space.create("configmaps", owned(config_map("child"), owner, **reference))
    return owner


@pytest.mark.parametrize("policy", [None, "Background"])
def test_background_removes_the_owner_first_and_then_the_owned(space, policy):
    family(space)
    space.delete("configmaps", "owner", {"propagationPolicy": policy} if policy else None)
    assert space.find("configmaps", "owner") is None
    space.until_gone("configmaps", "child")


def test_orphan_removes_the_owner_and_cuts_the_reference(space):
    family(space)
    space.delete("configmaps", "owner", {"propagationPolicy": "Orphan"})
    space.until_gone("configmaps", "owner")
    child = space.get("configmaps", "child")
    assert "ownerReferences" not in child["metadata"]


def test_foreground_lets_the_owner_wait_for_what_blocks_it(space):
    owner = space.create("configmaps", config_map("owner"))
    child = owned(held("child"), owner, blockOwnerDeletion=True)
    space.create("configmaps", child)
    space.delete("configmaps", "owner", {"propagationPolicy": "Foreground"})
    waiting = space.get("configmaps", "owner")["metadata"]
    assert waiting["finalizers"] == ["foregroundDeletion"]
    space.until("configmaps", "child", lambda body: "deletionTimestamp" in body["metadata"])
    assert space.find("configmaps", "owner")
    space.patch("configmaps", "child", {"metadata": {"finalizers": None}})
    space.until_gone("configmaps", "owner")
    assert space.find("configmaps", "child") is None


def test_foreground_does_not_wait_for_what_does_not_block(space):
    owner = space.create("configmaps", config_map("owner"))
    space.create("configmaps", owned(held("child"), owner))
    space.delete("configmaps", "owner", {"propagationPolicy": "Foreground"})
    space.until_gone("configmaps", "owner")
    assert space.find("configmaps", "child")
    space.patch("configmaps", "child", {"metadata": {"finalizers": None}})


def test_the_policy_may_stand_in_the_query(space):
    family(space)
    space.delete("configmaps", "owner", propagationPolicy="Orphan")
    space.until_gone("configmaps", "owner")
    assert "ownerReferences" not in space.get("configmaps", "child")["metadata"]


def test_an_unknown_policy_is_refused(space):
    space.create("configmaps", config_map("a"))
    with refused(422, "Invalid") as told:
        space.delete("configmaps", "a", {"propagationPolicy": "Sideways"})
    assert 'propagationPolicy: Unsupported value: "Sideways"' in told.message


def test_what_has_another_owner_stays_and_loses_one_reference(space):
    owner = family(space)
    second = space.create("configmaps", config_map("second"))
    both = owned(owned(config_map("both"), owner), second)
    space.create("configmaps", both)
    space.delete("configmaps", "owner")
    space.until_gone("configmaps", "child")
    kept = space.until("configmaps", "both", lambda body: len(body["metadata"]["ownerReferences"]) == 1)
    assert kept["metadata"]["ownerReferences"][0]["name"] == "second"


def test_what_names_an_owner_that_never_was_goes(space):
    owner = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "never", "uid": "11111111-2222-3333-4444-555555555555"},
    }
    space.create("configmaps", owned(config_map("child"), owner))
    space.until_gone("configmaps", "child")


def test_an_owner_of_the_same_name_but_another_uid_is_no_owner(space):
    owner = family(space)
    again = {**owner, "metadata": {**owner["metadata"], "uid": "11111111-2222-3333-4444-555555555555"}}
    space.create("configmaps", owned(config_map("other"), again))
    space.until_gone("configmaps", "other")
    assert space.find("configmaps", "child")


def test_an_owner_in_another_namespace_is_no_owner(space, make_space):
    other = make_space()
    owner = other.create("configmaps", config_map("owner"))
    space.create("configmaps", owned(config_map("child"), owner))
    space.until_gone("configmaps", "child")
    assert other.find("configmaps", "owner")


def test_grandchildren_go_too(space):
    space.create("deployments", deployment("web", 2))
    space.until("deployments", "web", rolled_out)
    space.delete("deployments", "web")
    poll(
        lambda: not space.items("replicasets") and not space.items("pods"), "nothing is left of a Deployment"
    )


def test_an_orphaned_replica_set_goes_on(space):
    space.create("deployments", deployment("web", 1))
    space.until("deployments", "web", rolled_out)
    before = space.names("pods")
    space.delete("deployments", "web", {"propagationPolicy": "Orphan"})
    space.until_gone("deployments", "web")
    assert [each["metadata"].get("ownerReferences") for each in space.items("replicasets")] == [None]
    assert space.names("pods") == before


def test_two_controllers_are_refused(space):
    owner = space.create("configmaps", config_map("owner"))
    second = space.create("configmaps", config_map("second"))
    both = owned(owned(config_map("both"), owner, controller=True), second, controller=True)
    with refused(422, "Invalid") as told:
        space.create("configmaps", both)
    assert told.causes == [("metadata.ownerReferences", "FieldValueInvalid")]
    assert "Only one reference can have Controller set to true" in told.message
