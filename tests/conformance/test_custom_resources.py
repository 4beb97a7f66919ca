"""Custom resources: definitions, schemas, defaults, columns, and their objects."""

import secrets

import pytest

from conformance.api import Refusal, poll, refused
from conformance.differences import differs

SCHEMA = {
    "type": "object",
    "required": ["spec"],
    "properties": {
        "spec": {
            "type": "object",
            "required": ["target"],
            "properties": {
                "target": {"type": "string", "minLength": 1},
                "count": {"type": "integer", "minimum": 1, "maximum": 9, "default": 3},
                "mode": {"type": "string", "enum": ["fast", "slow"]},
                "steps": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"at": {"type": "integer"}}},
                },
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            },
            "x-kubernetes-validations": [{"rule": "self.target != 'nothing'", "message": "name something"}],
        },
        "status": {
            "type": "object",
            "properties": {"phase": {"type": "string"}, "runs": {"type": "integer"}},
        },
    },
}
COLUMNS = [
    {"name": "Target", "type": "string", "jsonPath": ".spec.target"},
    {"name": "Phase", "type": "string", "jsonPath": ".status.phase"},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
]


def definition(group):
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": SCHEMA},
        "subresources": {"status": {}},
        "additionalPrinterColumns": COLUMNS,
    }
    names = {"plural": "trials", "kind": "Trial", "shortNames": ["tr"], "categories": ["trying"]}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    return {"metadata": {"name": f"trials.{group}"}, "spec": spec}


@pytest.fixture(scope="module")
def trials(cluster):
    """How the kind is named; all tests share one definition, in a group of its own."""
    group = f"conf-{secrets.token_hex(3)}.example.dev"
    cluster.create("customresourcedefinitions", definition(group))
    plural = f"trials.{group}/v1/Trial"

    poll(lambda: is_served(cluster, plural), "the kind is served")
    yield plural
    cluster.delete("customresourcedefinitions", f"trials.{group}")


def is_served(cluster, plural):
    """First nobody knows it, then its storage is being opened."""
    try:
        return cluster.list(plural)
    except Refusal as refusal:
        assert refusal.code in {404, 429}, refusal
        return None


def trial(**spec):
    return {"metadata": {"name": "a"}, "spec": spec}


def group_of(trials):
    return trials.partition(".")[2].partition("/")[0]


def test_a_definition_is_accepted_and_established(cluster, trials):
    body = cluster.get("customresourcedefinitions", f"trials.{group_of(trials)}")
    conditions = {each["type"]: (each["status"], each["reason"]) for each in body["status"]["conditions"]}
    assert conditions["NamesAccepted"] == ("True", "NoConflicts")
    assert conditions["Established"] == ("True", "InitialNamesAccepted")
    assert body["status"]["storedVersions"] == ["v1"]
    assert body["spec"]["names"]["listKind"] == "TrialList"
    assert body["spec"]["names"]["singular"] == "trial"
    assert body["spec"]["conversion"] == {"strategy": "None"}


def test_a_defined_kind_is_discovered(api, trials):
    root = f"/apis/{group_of(trials)}/v1"
    found = {each["name"]: each for each in api.ask("GET", root)["resources"]}
    assert (found["trials"]["kind"], found["trials"]["shortNames"], found["trials"]["categories"]) == (
        "Trial",
        ["tr"],
        ["trying"],
    )
    assert "trials/status" in found
    poll(lambda: root[1:] in api.ask("GET", "/openapi/v3")["paths"], "it is documented")


def test_objects_live_through_all_verbs(space, trials):
    made = space.create(trials, trial(target="web"))
    assert (made["kind"], made["apiVersion"], made["metadata"]["generation"]) == (
        "Trial",
        f"{group_of(trials)}/v1",
        1,
    )
    changed = space.update(trials, {**made, "spec": {"target": "other"}})
    assert changed["spec"] == {"target": "other", "count": 3}
    assert changed["metadata"]["generation"] == 2
    assert space.names(trials) == ["a"]
    answer = space.delete(trials, "a")
    assert (answer["status"], answer["details"]["group"]) == ("Success", group_of(trials))
    assert space.find(trials, "a") is None


def test_items_of_a_list_of_custom_resources_say_what_they_are(space, trials):
    space.create(trials, trial(target="web"))
    found = space.list(trials)
    assert found["kind"] == "TrialList"
    assert [each["kind"] for each in found["items"]] == ["Trial"]


def test_defaults_are_filled_in_and_unknown_fields_are_dropped(space, trials):
    made = space.create(trials, trial(target="web", what=1, free={"any": [1]}, steps=[{"at": 1, "x": 2}]))
    assert made["spec"] == {"target": "web", "count": 3, "free": {"any": [1]}, "steps": [{"at": 1}]}


@pytest.mark.parametrize(
    ("spec", "cause"),
    [
        ({}, ("spec.target", "FieldValueRequired")),
        ({"target": ""}, ("spec.target", "FieldValueInvalid")),
        ({"target": 1}, ("spec.target", "FieldValueTypeInvalid")),
        ({"target": "web", "count": 0}, ("spec.count", "FieldValueInvalid")),
        ({"target": "web", "count": 10}, ("spec.count", "FieldValueInvalid")),
        ({"target": "web", "mode": "other"}, ("spec.mode", "FieldValueNotSupported")),
        ({"target": "web", "steps": [{"at": "one"}]}, ("spec.steps[0].at", "FieldValueTypeInvalid")),
    ],
    ids=str,
)
def test_what_the_schema_forbids_is_refused_by_field(space, trials, spec, cause):
    with refused(422, "Invalid") as told:
        space.create(trials, trial(**spec))
    assert cause in told.causes, told.status
    assert told.message.startswith(f'Trial.{group_of(trials)} "a" is invalid: ')


@differs(
    "the sandbox keeps rules in CEL and has no interpreter for them; chaosctl checks the same where it reads",
    real=("Invalid", [("spec", "FieldValueInvalid")], "name something"),
    sandbox="created",
)
def test_what_a_rule_of_the_schema_forbids_is_refused(space, trials, expected):
    try:
        space.create(trials, trial(target="nothing"))
        found = "created"
    except Refusal as refusal:
        found = (refusal.reason, refusal.causes, refusal.message.rpartition(": ")[2])
    assert found == expected


@differs(
    "the sandbox has no interpreter for CEL, so it cannot tell a rule that is none",
    real=[("spec.validation.openAPIV3Schema.x-kubernetes-validations[0].rule", "FieldValueInvalid")],
    sandbox=[],
)
def test_a_rule_that_cannot_be_compiled_is_refused_with_its_definition(cluster, expected):
    group = f"conf-{secrets.token_hex(3)}.example.dev"
    body = definition(group)
    broken = {**SCHEMA, "x-kubernetes-validations": [{"rule": "self.nowhere == 1"}]}
    body["spec"]["versions"][0]["schema"] = {"openAPIV3Schema": broken}
    try:
        cluster.create("customresourcedefinitions", body, dryRun="All")
        found = []
    except Refusal as refusal:
        found = refusal.causes
    assert found == expected


def test_strict_validation_refuses_unknown_fields(space, trials):
    with refused(400, "BadRequest") as told:
        space.create(trials, trial(target="web", what=1), fieldValidation="Strict")
    assert 'unknown field "spec.what"' in told.message


def test_the_status_is_written_apart(space, trials):
    made = space.create(trials, {**trial(target="web"), "status": {"phase": "Sent"}})
    assert "status" not in made
    changed = space.patch(trials, "a", {"status": {"phase": "Done"}, "spec": {"count": 9}}, part="status")
    assert (changed["status"], changed["spec"]["count"]) == ({"phase": "Done"}, 3)
    assert changed["metadata"]["generation"] == 1
    later = space.patch(trials, "a", {"status": {"phase": "Lost"}, "spec": {"count": 4}})
    assert (later["status"], later["spec"]["count"], later["metadata"]["generation"]) == (
        {"phase": "Done"},
        4,
        2,
    )


def test_the_status_has_a_schema_too(space, trials):
    space.create(trials, trial(target="web"))
    with refused(422, "Invalid"):
        space.patch(trials, "a", {"status": {"runs": "many"}}, part="status")


def test_an_update_needs_a_version(space, trials):
    space.create(trials, trial(target="web"))
    with refused(422, "Invalid") as told:
        space.update(trials, trial(target="other"))
    assert told.causes == [("metadata.resourceVersion", "FieldValueInvalid")]
    assert "must be specified for an update" in told.message


def test_strategic_merge_patches_are_not_for_custom_resources(space, trials):
    space.create(trials, trial(target="web"))
    with refused(415, "UnsupportedMediaType"):
        space.patch(trials, "a", {"spec": {"count": 4}}, "strategic")


def test_other_patches_are(space, trials):
    space.create(trials, trial(target="web"))
    assert (
        space.patch(trials, "a", [{"op": "replace", "path": "/spec/count", "value": 4}], "json")["spec"][
            "count"
        ]
        == 4
    )
    assert space.patch(trials, "a", {"spec": {"count": None}})["spec"]["count"] == 3


def test_they_are_applied_server_side(space, trials):
    space.apply(trials, trial(target="web", count=4))
    with refused(409, "Conflict") as told:
        space.apply(trials, trial(target="web", count=5), "other")
    assert told.causes == [(".spec.count", "FieldManagerConflict")]
    assert "count" in space.apply(trials, trial(target="web"))["spec"]


def test_tables_have_the_columns_of_the_definition(space, trials):
    space.create(trials, trial(target="web"))
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
    table = space.api.ask("GET", space.path(trials), accept=accept)
    assert [each["name"] for each in table["columnDefinitions"]] == ["Name", "Target", "Phase", "Age"]
    assert table["rows"][0]["cells"][:2] == ["a", "web"]


def test_watches_see_them(space, trials):
    with space.watch(trials) as events:
        space.create(trials, trial(target="web"))
        event = next(events)
    assert (event.type, event.object["spec"]["target"]) == ("ADDED", "web")


def test_finalizers_and_owners_work_for_them_too(space, trials):
    from conformance.bodies import config_map, owned

    owner = space.create(trials, trial(target="web"))
    space.create("configmaps", owned(config_map("child"), owner))
    space.delete(trials, "a")
    space.until_gone("configmaps", "child")


def test_a_definition_whose_name_does_not_fit_is_refused(cluster):
    body = definition("bad.example.dev")
    body["metadata"]["name"] = "other.bad.example.dev"
    with refused(422, "Invalid") as told:
        cluster.create("customresourcedefinitions", body)
    assert told.causes[0][0] == "metadata.name"


def test_without_its_definition_a_kind_and_all_its_objects_are_gone(cluster, space):
    group = f"conf-{secrets.token_hex(3)}.example.dev"
    cluster.create("customresourcedefinitions", definition(group))
    plural = f"trials.{group}/v1/Trial"

    def created():
        try:
            return space.create(plural, trial(target="web"))
        except Refusal:
            return None

    poll(created, "the kind is served")
    cluster.delete("customresourcedefinitions", f"trials.{group}")
    cluster.until_gone("customresourcedefinitions", f"trials.{group}")

    def gone():
        try:
            space.list(plural)
        except Refusal as refusal:
            return refusal.code == 404
        return False

    poll(gone, "the kind is gone")
