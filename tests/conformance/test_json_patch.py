"""JSON Patch (RFC 6902): operations, and what a failed test looks like."""

import pytest

from conformance.api import refused
from conformance.bodies import config_map, deployment

REJECTED = "the server rejected our request due to an error in our request"


def at(space):
    return space.create("configmaps", config_map("a", {"l": "1"}, k="v"))


def patch(space, *operations, **query):
    return space.patch("configmaps", "a", [dict(each) for each in operations], "json", **query)


def op(op, path, **more):
    return {"op": op, "path": path, **more}


def test_add_replace_remove_move_and_copy(space):
    at(space)
    changed = patch(
        space,
        op("test", "/data/k", value="v"),
        op("add", "/data/new", value="n"),
        op("replace", "/data/k", value="w"),
        op("copy", "/data/copied", **{"from": "/data/k"}),
        op("move", "/data/moved", **{"from": "/data/new"}),
        op("remove", "/metadata/labels"),
    )
    assert changed["data"] == {"k": "w", "copied": "w", "moved": "n"}
    assert "labels" not in changed["metadata"]


def test_slashes_and_tildes_are_escaped(space):
    at(space)
    changed = patch(
        space,
        op("add", "/metadata/annotations", value={}),
        op("add", "/metadata/annotations/x.dev~1a", value="1"),
    )
    assert changed["metadata"]["annotations"] == {"x.dev/a": "1"}


def test_a_failed_test_is_invalid_and_says_no_more(space):
    at(space)
    with refused(422, "Invalid") as told:
        patch(space, op("test", "/data/k", value="w"), op("replace", "/data/k", value="x"))
    assert told.message == REJECTED
    assert told.status.get("details", {}) == {}
    assert space.get("configmaps", "a")["data"] == {"k": "v"}


def test_a_test_of_the_version_pins_a_patch(space):
    version = at(space)["metadata"]["resourceVersion"]
    pin = op("test", "/metadata/resourceVersion", value=version)
    assert patch(space, pin, op("replace", "/data/k", value="w"))["data"] == {"k": "w"}
    with refused(422, "Invalid") as told:
        patch(space, pin, op("replace", "/data/k", value="x"))
    assert told.message == REJECTED


@pytest.mark.parametrize(
    "operation",
    [
        op("remove", "/data/none"),
        op("add", "/none/deep", value="x"),
        op("test", "/data/none", value="x"),
        op("move", "/data/b", **{"from": "/data/none"}),
    ],
    ids=lambda operation: f"{operation['op']} {operation['path']}",
)
def test_a_path_that_is_not_there_is_invalid(space, operation):
    at(space)
    with refused(422, "Invalid") as told:
        patch(space, operation)
    assert told.message == REJECTED


def test_replace_adds_a_member_that_is_not_there(space):
    at(space)
    assert patch(space, op("replace", "/data/none", value="x"))["data"]["none"] == "x"


def test_a_test_for_null_passes_where_nothing_is(space):
    at(space)
    assert (
        patch(space, op("test", "/data/none", value=None), op("add", "/data/none", value="x"))["data"]["none"]
        == "x"
    )


@pytest.mark.parametrize("sent", [{"op": "add"}, "text"], ids=["object", "text"])
def test_a_patch_that_is_no_list_is_a_bad_request(space, sent):
    at(space)
    with refused(400, "BadRequest"):
        space.patch("configmaps", "a", sent, "json")


def test_an_unknown_operation_is_refused(space):
    at(space)
    with refused(422, "Invalid") as told:
        patch(space, op("increase", "/data/k", value="w"))
    assert told.message == REJECTED


def test_a_result_that_is_not_valid_says_which_field(space):
    space.create("deployments", deployment("web", paused=True))
    with refused(422, "Invalid") as told:
        space.patch("deployments", "web", [op("replace", "/spec/replicas", value=-1)], "json")
    assert told.causes == [("spec.replicas", "FieldValueInvalid")]
    assert told.message.startswith('Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1: ')


def test_a_result_of_the_wrong_type_is_refused(space):
    space.create("deployments", deployment("web", paused=True))
    with refused(422, "Invalid"):
        space.patch("deployments", "web", [op("replace", "/spec/replicas", value="many")], "json")


def test_elements_of_lists_have_numbers_and_minus_is_the_end(space):
    space.create("deployments", deployment("web", paused=True))
    place = "/spec/template/spec/containers/0/env"
    changed = space.patch(
        "deployments",
        "web",
        [
            op("add", place, value=[{"name": "B", "value": "2"}]),
            op("add", f"{place}/0", value={"name": "A", "value": "1"}),
            op("add", f"{place}/-", value={"name": "C", "value": "3"}),
            op("remove", f"{place}/1"),
        ],
        "json",
    )
    env = changed["spec"]["template"]["spec"]["containers"][0]["env"]
    assert [each["name"] for each in env] == ["A", "C"]


def test_a_value_is_tested_as_it_is_stored_not_as_it_was_written(space):
    limits = {"resources": {"limits": {"cpu": "0.5"}}}
    body = deployment("web", paused=True)
    body["spec"]["template"]["spec"]["containers"][0] |= limits
    space.create("deployments", body)
    path = "/spec/template/spec/containers/0/resources/limits/cpu"
    with refused(422, "Invalid"):
        space.patch("deployments", "web", [op("test", path, value="0.5")], "json")
    space.patch("deployments", "web", [op("test", path, value="500m")], "json")


@pytest.mark.parametrize("value", [[], [{}]], ids=str)
def test_managed_fields_can_be_emptied(space, value):
    at(space)
    emptied = patch(space, op("replace", "/metadata/managedFields", value=value))
    assert "managedFields" not in emptied["metadata"]


def test_the_writer_is_named_by_the_field_manager(space):
    at(space)
    changed = patch(space, op("replace", "/data/k", value="w"), fieldManager="chaos")
    entry = next(each for each in changed["metadata"]["managedFields"] if each["manager"] == "chaos")
    assert (entry["operation"], entry["apiVersion"], entry["fieldsType"]) == ("Update", "v1", "FieldsV1")
    assert entry["fieldsV1"] == {"f:data": {"f:k": {}}}
