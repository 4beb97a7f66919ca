"""Verbs: what each answers, and whom it refuses."""

import pytest

from conformance.api import Refusal, refused
from conformance.bodies import config_map, deployment, pod, service
from conformance.differences import differs


def test_create_answers_with_the_whole_object(space):
    answer = space.api.send(
        "POST", space.path("configmaps"), {"kind": "ConfigMap", "apiVersion": "v1"} | config_map("a", k="v")
    )
    made = answer.json
    assert answer.code == 201
    assert (made["kind"], made["apiVersion"], made["data"]) == ("ConfigMap", "v1", {"k": "v"})
    metadata = made["metadata"]
    assert (metadata["name"], metadata["namespace"]) == ("a", space.name)
    assert metadata.keys() >= {"uid", "resourceVersion", "creationTimestamp", "managedFields"}
    assert space.get("configmaps", "a") == made


def test_create_needs_neither_kind_nor_version_in_the_body(space):
    made = space.api.ask("POST", space.path("configmaps"), config_map("a"))
    assert (made["kind"], made["apiVersion"]) == ("ConfigMap", "v1")


def test_a_name_can_be_given_once(space):
    space.create("configmaps", config_map("a"))
    with refused(409, "AlreadyExists") as told:
        space.create("configmaps", config_map("a"))
    assert told.message == 'configmaps "a" already exists'
    assert told.status["details"] == {"name": "a", "kind": "configmaps"}


def test_what_is_not_there_is_not_found(space):
    with refused(404, "NotFound") as told:
        space.get("deployments", "a")
    assert told.message == 'deployments.apps "a" not found'
    assert told.status["details"] == {"name": "a", "group": "apps", "kind": "deployments"}


@pytest.mark.parametrize("verb", ["update", "patch", "delete"])
def test_what_is_not_there_cannot_be_changed(space, verb):
    call = {
        "update": lambda: space.update("configmaps", config_map("a")),
        "patch": lambda: space.patch("configmaps", "a", {"data": {"k": "v"}}),
        "delete": lambda: space.delete("configmaps", "a"),
    }[verb]
    with refused(404, "NotFound") as told:
        call()
    assert told.message == 'configmaps "a" not found'


def test_a_namespace_that_is_not_there_lists_nothing_and_takes_nothing(api):
    from conformance.api import Space

    nowhere = Space(api, "conf-nowhere")
    assert nowhere.list("configmaps")["items"] == []
    with refused(404, "NotFound") as told:
        nowhere.create("configmaps", config_map("a"))
    assert told.message == 'namespaces "conf-nowhere" not found'


def test_an_unknown_kind_is_not_found(api):
    with refused(404, "NotFound") as told:
        api.ask("GET", "/apis/apps/v1/rockets")
    assert told.message == "the server could not find the requested resource"


def test_a_verb_that_a_path_does_not_know_is_not_allowed(space):
    with refused(405, "MethodNotAllowed") as told:
        space.api.ask("PUT", space.path("configmaps"), config_map("a"))
    assert told.message == "the server does not allow this method on the requested resource"


def test_update_replaces_everything_but_what_the_server_owns(space):
    made = space.create("configmaps", config_map("a", {"l": "1"}, k="v", old="x"))
    changed = space.update("configmaps", config_map("a", k="w"))
    assert changed["data"] == {"k": "w"}
    assert "labels" not in changed["metadata"]
    same = ("uid", "creationTimestamp", "name", "namespace")
    assert [changed["metadata"][key] for key in same] == [made["metadata"][key] for key in same]
    assert changed["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]


def test_a_change_that_changes_nothing_keeps_the_version(space):
    made = space.create("configmaps", config_map("a", k="v"))
    again = space.update("configmaps", made)
    assert again["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


def test_a_stale_version_is_a_conflict(space):
    stale = space.create("configmaps", config_map("a", k="v"))
    space.patch("configmaps", "a", {"data": {"k": "w"}})
    with refused(409, "Conflict") as told:
        space.update("configmaps", stale)
    assert told.message == (
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    assert told.status["details"] == {"name": "a", "kind": "configmaps"}
    assert space.get("configmaps", "a")["data"] == {"k": "w"}


def test_a_patch_may_name_the_version_that_it_means(space):
    made = space.create("configmaps", config_map("a", k="v"))
    version = made["metadata"]["resourceVersion"]
    space.patch("configmaps", "a", {"metadata": {"resourceVersion": version}, "data": {"k": "w"}})
    with refused(409, "Conflict"):
        space.patch("configmaps", "a", {"metadata": {"resourceVersion": version}, "data": {"k": "x"}})


def test_an_update_of_another_uid_is_a_conflict(space):
    made = space.create("configmaps", config_map("a", k="v"))
    made["metadata"]["uid"] = "00000000-0000-0000-0000-000000000000"
    with refused(409, "Conflict") as told:
        space.update("configmaps", made)
    assert "Precondition failed: UID in precondition: 00000000-" in told.message


def test_the_name_in_the_body_must_be_that_of_the_path(space):
    space.create("configmaps", config_map("a"))
    with refused(400, "BadRequest") as told:
        space.api.ask(
            "PUT", space.path("configmaps", "a"), {"apiVersion": "v1", "kind": "ConfigMap", **config_map("b")}
        )
    assert told.message == "the name of the object (b) does not match the name on the URL (a)"


def test_the_namespace_in_the_body_must_be_that_of_the_path(space):
    body = config_map("a")
    body["metadata"]["namespace"] = "default"
    with refused(400, "BadRequest") as told:
        space.create("configmaps", body)
    assert (
        "the namespace of the provided object does not match the namespace sent on the request"
        in told.message
    )


def test_the_kind_in_the_body_must_be_that_of_the_path(space):
    with refused(400, "BadRequest") as told:
        space.api.ask(
            "POST", space.path("configmaps"), {"apiVersion": "v1", "kind": "Secret", **config_map("a")}
        )
    assert 'Secret in version "v1" cannot be handled as a ConfigMap' in told.message


def test_the_version_in_the_body_must_be_that_of_the_path(space):
    with refused(400, "BadRequest") as told:
        space.api.ask(
            "POST",
            space.path("deployments"),
            {"apiVersion": "apps/v1beta1", "kind": "Deployment", **deployment("a")},
        )
    assert (
        "the API version in the data (apps/v1beta1) does not match the expected API version (apps/v1)"
        in told.message
    )


@pytest.mark.parametrize("body", [b"{not json", b"[1]", b'"text"'])
def test_a_body_that_is_no_object_is_a_bad_request(space, body):
    with refused(400, "BadRequest"):
        space.api.ask("POST", space.path("configmaps"), body)


def test_a_value_of_the_wrong_type_is_a_bad_request_that_names_the_kind(space):
    with refused(400, "BadRequest") as told:
        space.create("deployments", deployment("a") | {"spec": {"replicas": "many"}})
    assert told.message.startswith('Deployment in version "v1" cannot be handled as a Deployment: ')


def test_a_media_type_that_is_no_patch_is_unsupported(space):
    space.create("configmaps", config_map("a"))
    with refused(415, "UnsupportedMediaType") as told:
        space.api.ask("PATCH", space.path("configmaps", "a"), {"data": {"k": "v"}})
    assert told.message == "415: Unsupported Media Type"


def test_a_media_type_that_is_no_object_is_unsupported(space):
    with refused(415, "UnsupportedMediaType") as told:
        space.api.ask("POST", space.path("configmaps"), b"{}", kind="text/plain")
    start = "the body of the request was in an unknown format - accepted media types include: "
    assert told.message == f"{start}application/json, application/yaml, application/vnd.kubernetes.protobuf"


def test_delete_answers_with_success_and_the_uid(space):
    made = space.create("configmaps", config_map("a"))
    answer = space.delete("configmaps", "a")
    assert (answer["kind"], answer["status"]) == ("Status", "Success")
    assert answer["details"] == {"name": "a", "kind": "configmaps", "uid": made["metadata"]["uid"]}
    assert space.find("configmaps", "a") is None


@pytest.mark.parametrize(
    ("plural", "body"), [("pods", pod("a", nodeSelector={"no": "such"})), ("services", service("a"))]
)
def test_delete_of_some_kinds_answers_with_the_object(space, plural, body):
    space.create(plural, body)
    answer = space.delete(plural, "a")
    assert (answer["kind"], answer["metadata"]["name"]) == (
        {"pods": "Pod", "services": "Service"}[plural],
        "a",
    )


def test_delete_of_another_uid_is_a_conflict(space):
    uid = space.create("configmaps", config_map("a"))["metadata"]["uid"]
    with refused(409, "Conflict") as told:
        space.delete("configmaps", "a", {"preconditions": {"uid": "other"}})
    assert told.message == (
        f'Operation cannot be fulfilled on ConfigMap "a": the UID in the precondition (other) does not match '
        f"the UID in record ({uid}). The object might have been deleted and then recreated"
    )
    space.delete("configmaps", "a", {"preconditions": {"uid": uid}})
    assert space.find("configmaps", "a") is None


def test_delete_of_another_version_is_a_conflict(space):
    made = space.create("configmaps", config_map("a"))
    with refused(409, "Conflict"):
        space.delete("configmaps", "a", {"preconditions": {"resourceVersion": "1"}})
    space.delete(
        "configmaps", "a", {"preconditions": {"resourceVersion": made["metadata"]["resourceVersion"]}}
    )
    assert space.find("configmaps", "a") is None


def test_deletecollection_deletes_what_its_selector_selects(space):
    for name, half in (("a", "0"), ("b", "1"), ("c", "1")):
        space.create("configmaps", config_map(name, {"half": half}))
    answer = space.api.ask("DELETE", space.path("configmaps"), labelSelector="half=1")
    assert answer["kind"] == "ConfigMapList"
    assert [each["metadata"]["name"] for each in answer["items"]] == ["b", "c"]
    assert space.names("configmaps", labelSelector="half") == ["a"]


def test_deletecollection_without_a_selector_deletes_all_of_the_namespace(space, make_space):
    other = make_space()
    for each in (space, other):
        each.create("leases", {"metadata": {"name": "a"}, "spec": {}})
    space.api.ask("DELETE", space.path("leases"))
    assert space.names("leases") == []
    assert other.names("leases") == ["a"]


def test_a_name_can_be_made_from_a_beginning(space):
    made = [space.create("configmaps", {"metadata": {"generateName": "run-"}}) for _ in range(3)]
    names = {each["metadata"]["name"] for each in made}
    assert len(names) == 3
    assert all(len(name) == 9 and name.startswith("run-") for name in names)
    assert {each["metadata"]["generateName"] for each in made} == {"run-"}


def test_list_says_what_it_is_and_leaves_that_out_of_its_items(space):
    space.create("configmaps", config_map("b"))
    space.create("configmaps", config_map("a"))
    found = space.list("configmaps")
    assert (found["kind"], found["apiVersion"]) == ("ConfigMapList", "v1")
    assert found["metadata"]["resourceVersion"].isdigit()
    names = [each["metadata"]["name"] for each in found["items"]]
    assert names == sorted(names)
    assert not any({"kind", "apiVersion"} & each.keys() for each in found["items"])


def test_list_reaches_all_namespaces(space, make_space, cluster):
    other = make_space()
    for each in (space, other):
        each.create("leases", {"metadata": {"name": "conf", "labels": {"of": space.name}}, "spec": {}})
    found = cluster.items("leases", labelSelector=f"of={space.name}")
    assert sorted(each["metadata"]["namespace"] for each in found) == sorted([space.name, other.name])


def test_an_object_may_be_too_large(space):
    with pytest.raises(Refusal) as told:
        space.create("configmaps", config_map("a", k="x" * (1024 * 1024 + 1)))
    assert told.value.code == 422
    assert told.value.causes == [("[]", "FieldValueTooLong")]


def test_a_list_is_not_a_body_to_create(space):
    """kubectl takes a List apart; the server knows no such kind."""
    listed = {"kind": "List", "apiVersion": "v1", "items": [config_map("a")]}
    with refused(400, "BadRequest") as told:
        space.create("configmaps", listed)
    assert told.message.startswith('List in version "v1" cannot be handled as a ConfigMap')


@differs(
    "the sandbox serves one version of each built-in kind, and chaosctl asks for autoscaling/v2",
    real=("HorizontalPodAutoscaler", "autoscaling/v1", 50),
    sandbox="NotFound",
)
def test_an_autoscaler_can_be_read_at_an_older_version(space, expected):
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": target, "maxReplicas": 3, "metrics": [{"type": "Resource", "resource": cpu}]}
    space.create("horizontalpodautoscalers", {"metadata": {"name": "a"}, "spec": spec})
    try:
        body = space.get("horizontalpodautoscalers.autoscaling/v1/HorizontalPodAutoscaler", "a")
        found = (body["kind"], body["apiVersion"], body["spec"]["targetCPUUtilizationPercentage"])
    except Refusal as refusal:
        found = refusal.reason
    assert found == expected
