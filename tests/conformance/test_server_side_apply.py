"""Server-side apply: who owns what, conflicts, force, and what goes when its owner drops it."""

from conformance.api import refused
from conformance.bodies import config_map, deployment
from conformance.looks import fields_of, managers


def data(**values):
    return {"metadata": {"name": "a"}, "data": values}


def test_apply_creates_and_then_changes(space):
    path = space.path("configmaps", "a")
    body = {"apiVersion": "v1", "kind": "ConfigMap", **data(k="v")}
    sent = {"kind": "application/apply-patch+yaml", "fieldManager": "team"}
    assert space.api.send("PATCH", path, body, **sent).code == 201
    assert space.api.send("PATCH", path, body | data(k="w"), **sent).code == 200
    assert space.get("configmaps", "a")["data"] == {"k": "w"}


def test_managed_fields_say_who_applied_what(space):
    made = space.apply("configmaps", data(k="v"))
    assert managers(made) == [("team", "Apply")]
    entry = made["metadata"]["managedFields"][0]
    assert entry["fieldsV1"] == {"f:data": {"f:k": {}}}
    assert (entry["apiVersion"], entry["fieldsType"]) == ("v1", "FieldsV1")


def test_the_same_again_changes_nothing(space):
    made = space.apply("configmaps", data(k="v"))
    assert space.apply("configmaps", data(k="v")) == made


def test_a_field_that_its_only_owner_drops_goes(space):
    space.apply("configmaps", data(k="v", old="x"))
    assert space.apply("configmaps", data(k="v"))["data"] == {"k": "v"}


def test_a_field_of_which_somebody_took_the_name_off_stays_when_its_applier_drops_it(space):
    space.apply("configmaps", data(k="v", l="v"))
    space.patch("configmaps", "a", {"data": {"k": "w"}}, fieldManager="chaos")
    changed = space.patch("configmaps", "a", {"data": {"k": "v"}}, fieldManager="chaos")
    left = [each for each in changed["metadata"]["managedFields"] if each["manager"] != "chaos"]
    space.patch(
        "configmaps", "a", [{"op": "replace", "path": "/metadata/managedFields", "value": left}], "json"
    )
    assert space.apply("configmaps", data(l="v"))["data"] == {"k": "v", "l": "v"}


def test_a_field_that_somebody_else_owns_too_stays(space):
    space.apply("configmaps", data(k="v", shared="x"))
    space.apply("configmaps", data(shared="x"), "other")
    assert space.apply("configmaps", data(k="v"))["data"] == {"k": "v", "shared": "x"}


def test_a_field_of_somebody_else_is_a_conflict_that_names_them(space):
    space.apply("configmaps", data(k="v"))
    with refused(409, "Conflict") as told:
        space.apply("configmaps", data(k="w"), "other")
    assert told.message == 'Apply failed with 1 conflict: conflict with "team": .data.k'
    assert told.causes == [(".data.k", "FieldManagerConflict")]


def test_a_field_that_was_updated_is_a_conflict_that_names_the_version(space):
    space.apply("configmaps", data(k="v"))
    space.patch("configmaps", "a", {"data": {"k": "w"}}, fieldManager="chaos")
    with refused(409, "Conflict") as told:
        space.apply("configmaps", data(k="v"))
    assert told.message == 'Apply failed with 1 conflict: conflict with "chaos" using v1: .data.k'


def test_several_conflicts_are_told_together(space):
    space.apply("configmaps", data(k="v", l="v"))
    with refused(409, "Conflict") as told:
        space.apply("configmaps", data(k="w", l="w"), "other")
    assert told.message.startswith('Apply failed with 2 conflicts: conflicts with "team":')
    assert told.causes == [(".data.k", "FieldManagerConflict"), (".data.l", "FieldManagerConflict")]


def test_the_same_value_is_no_conflict_and_is_owned_by_both(space):
    space.apply("configmaps", data(k="v"))
    made = space.apply("configmaps", data(k="v"), "other")
    assert sorted(managers(made)) == [("other", "Apply"), ("team", "Apply")]


def test_force_takes_the_field_over(space):
    space.apply("configmaps", data(k="v", l="v"))
    made = space.apply("configmaps", data(k="w"), "other", force="true")
    assert made["data"] == {"k": "w", "l": "v"}
    assert fields_of(made, "team", "Apply") == {"f:data": {"f:l": {}}}


def test_where_nobody_is_named_any_more_the_next_apply_conflicts_with_all_before_it(space):
    space.apply("configmaps", data(k="v"))
    patch = [{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}]
    space.patch("configmaps", "a", patch, "json", fieldManager="chaos")
    space.apply("configmaps", data(k="v"))
    assert ("before-first-apply", "Update") in managers(space.get("configmaps", "a"))
    with refused(409, "Conflict") as told:
        space.apply("configmaps", data(k="w"))
    assert (
        told.message == 'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.k'
    )


def test_where_nobody_is_named_updates_name_nobody(space):
    space.create("configmaps", data(k="v"))
    patch = [{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}]
    space.patch("configmaps", "a", patch, "json")
    changed = space.patch("configmaps", "a", {"data": {"k": "w"}}, fieldManager="chaos")
    assert "managedFields" not in changed["metadata"]


def test_taking_ones_name_off_makes_room_for_the_next_apply(space):
    space.apply("configmaps", data(k="v", l="v"))
    space.patch("configmaps", "a", {"data": {"k": "w"}}, fieldManager="chaos")
    changed = space.patch("configmaps", "a", {"data": {"k": "v"}}, fieldManager="chaos")
    left = [each for each in changed["metadata"]["managedFields"] if each["manager"] != "chaos"]
    patch = [{"op": "replace", "path": "/metadata/managedFields", "value": left}]
    without = space.patch("configmaps", "a", patch, "json", fieldManager="chaos")
    assert managers(without) == [("team", "Apply")]
    assert space.apply("configmaps", data(k="x", l="v"))["data"]["k"] == "x"


def test_a_change_by_update_takes_the_field_from_its_applier(space):
    space.apply("configmaps", data(k="v", l="v"))
    changed = space.patch("configmaps", "a", {"data": {"k": "w"}}, fieldManager="chaos")
    assert fields_of(changed, "chaos") == {"f:data": {"f:k": {}}}
    assert fields_of(changed, "team", "Apply") == {"f:data": {"f:l": {}}}


def test_items_of_keyed_lists_are_owned_by_their_key(space):
    body = deployment("web", paused=True)
    made = space.apply("deployments", body)
    spec = fields_of(made, "team", "Apply")["f:spec"]
    containers = spec["f:template"]["f:spec"]["f:containers"]
    assert containers == {'k:{"name":"main"}': {".": {}, "f:image": {}, "f:name": {}}}
    assert spec["f:selector"] == {}
    conflicting = deployment("web", paused=True)
    conflicting["spec"]["template"]["spec"]["containers"][0]["image"] = "other:1"
    with refused(409, "Conflict") as told:
        space.apply("deployments", conflicting, "other")
    assert told.causes == [('.spec.template.spec.containers[name="main"].image', "FieldManagerConflict")]


def test_items_of_two_appliers_stand_beside_each_other(space):
    space.apply("deployments", deployment("web", paused=True))
    more = deployment("web", paused=True)
    more["spec"]["template"]["spec"]["containers"] = [{"name": "side", "image": "side:1"}]
    made = space.apply("deployments", more, "other")
    names = [each["name"] for each in made["spec"]["template"]["spec"]["containers"]]
    assert names == ["main", "side"]


def test_a_manager_must_be_named(space):
    with refused(422, "Invalid") as told:
        space.apply("configmaps", data(k="v"), fieldManager=None)
    assert "fieldManager: Required value: is required for apply patch" in told.message


def test_managed_fields_must_not_be_sent(space):
    made = space.apply("configmaps", data(k="v"))
    sent = {"metadata": {"name": "a", "managedFields": made["metadata"]["managedFields"]}}
    with refused(400, "BadRequest") as told:
        space.apply("configmaps", sent)
    assert told.message == "metadata.managedFields must be nil"


def test_a_stale_version_is_a_conflict(space):
    made = space.apply("configmaps", data(k="v"))
    space.apply("configmaps", data(k="w"))
    sent = data(k="x")
    sent["metadata"]["resourceVersion"] = made["metadata"]["resourceVersion"]
    with refused(409, "Conflict") as told:
        space.apply("configmaps", sent)
    assert "the object has been modified" in told.message


def test_a_dry_run_shows_and_stores_nothing(space):
    assert space.apply("configmaps", data(k="v"), dryRun="All")["data"] == {"k": "v"}
    assert space.find("configmaps", "a") is None


def test_what_is_created_by_hand_can_be_applied_afterwards(space):
    space.create("configmaps", config_map("a", k="v"), fieldManager="hand")
    made = space.apply("configmaps", data(k="v", l="w"))
    assert made["data"] == {"k": "v", "l": "w"}
    assert sorted(managers(made)) == [("hand", "Update"), ("team", "Apply")]


def test_status_is_owned_apart(space):
    space.create("deployments", deployment("web", paused=True))
    made = space.until("deployments", "web", lambda body: body.get("status", {}).get("observedGeneration"))
    entries = {each.get("subresource", ""): each["fieldsV1"] for each in made["metadata"]["managedFields"]}
    assert set(entries["status"]) >= {"f:status"}
    assert "f:status" not in entries[""]
