"""Rights: reviews that tell beforehand, and refusals that tell afterwards."""

import pytest

from conformance.api import Refusal, Space, poll, refused
from conformance.bodies import config_map

RBAC = "rbac.authorization.k8s.io"


@pytest.fixture
def robot(space, as_token):
    """A ServiceAccount that may read ConfigMaps and change one of them: its API, and its name."""
    space.create("serviceaccounts", {"metadata": {"name": "robot"}})
    rules = [
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]},
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["patch"], "resourceNames": ["mine"]},
        {"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["get"]},
    ]
    space.create("roles", {"metadata": {"name": "robot"}, "rules": rules})
    subjects = [{"kind": "ServiceAccount", "name": "robot", "namespace": space.name}]
    role = {"apiGroup": RBAC, "kind": "Role", "name": "robot"}
    space.create("rolebindings", {"metadata": {"name": "robot"}, "roleRef": role, "subjects": subjects})
    asked = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": 600},
    }
    answer = space.create("serviceaccounts", asked, on="robot", part="token")
    robot = Space(as_token(answer["status"]["token"]), space.name)
    poll(lambda: may(robot, verb="list", resource="configmaps"), "the role counts")
    return robot


def may(space, **asked):
    attributes = {"namespace": space.name, **asked}
    review = Space(space.api, "").create(
        "selfsubjectaccessreviews", {"spec": {"resourceAttributes": attributes}}
    )
    return review["status"]["allowed"]


def test_an_account_may_what_its_role_allows(space, robot):
    space.create("configmaps", config_map("mine", k="v"))
    assert robot.names("configmaps").count("mine") == 1
    assert robot.patch("configmaps", "mine", {"data": {"k": "w"}})["data"] == {"k": "w"}


def test_a_refusal_says_who_may_not_do_what_to_what_and_where(space, robot):
    with refused(403, "Forbidden") as told:
        robot.list("secrets")
    who = f"system:serviceaccount:{space.name}:robot"
    assert told.message == (
        f'secrets is forbidden: User "{who}" cannot list resource "secrets" in API group "" '
        f'in the namespace "{space.name}"'
    )
    assert told.status["details"] == {"kind": "secrets"}


def test_a_refusal_about_one_object_names_it(space, robot):
    with refused(403, "Forbidden") as told:
        robot.patch("configmaps", "other", {"data": {"k": "w"}})
    who = f"system:serviceaccount:{space.name}:robot"
    assert told.message == (
        f'configmaps "other" is forbidden: User "{who}" cannot patch resource "configmaps" in API group "" '
        f'in the namespace "{space.name}"'
    )
    assert told.status["details"] == {"name": "other", "kind": "configmaps"}


def test_a_refusal_about_a_part_or_the_whole_cluster_says_so(space, robot, cluster):
    with refused(403, "Forbidden") as told:
        robot.patch("deployments", "web", {"spec": {"replicas": 0}}, part="scale")
    assert 'cannot patch resource "deployments/scale" in API group "apps" in the namespace' in told.message
    with refused(403, "Forbidden") as told:
        Space(robot.api, "").list("nodes")
    assert told.message.endswith('cannot list resource "nodes" in API group "" at the cluster scope')


def test_who_may_not_read_does_not_learn_what_is_there(robot):
    with refused(403, "Forbidden"):
        robot.get("secrets", "not-there")


def test_a_review_of_oneself_answers_for_verb_kind_part_and_name(robot):
    assert may(robot, verb="list", resource="configmaps")
    assert not may(robot, verb="delete", resource="configmaps")
    assert may(robot, verb="patch", resource="configmaps", name="mine")
    assert not may(robot, verb="patch", resource="configmaps", name="other")
    assert not may(robot, verb="patch", resource="configmaps")
    assert may(robot, verb="get", resource="deployments", group="apps", subresource="scale")
    assert not may(robot, verb="get", resource="deployments", group="apps")


def test_a_review_is_an_answer_and_shows_what_was_asked(space):
    asked = {"verb": "get", "resource": "pods", "namespace": space.name}
    answer = space.api.send(
        "POST",
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        {"spec": {"resourceAttributes": asked}},
    )
    assert answer.code == 201
    assert answer.json["spec"] == {"resourceAttributes": asked}
    assert answer.json["status"]["allowed"] is True


def test_a_review_needs_a_question(cluster):
    with refused(422, "Invalid"):
        cluster.create("selfsubjectaccessreviews", {"spec": {}})


def test_a_review_of_ones_rules_lists_them(robot, space):
    review = Space(robot.api, "").create("selfsubjectrulesreviews", {"spec": {"namespace": space.name}})
    rules = review["status"]["resourceRules"]
    assert {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]} in rules
    named = [each for each in rules if each.get("resourceNames") == ["mine"]]
    assert [each["verbs"] for each in named] == [["patch"]]


def test_a_review_of_somebody_else_answers_for_them(robot, space, cluster):
    asked = {"verb": "list", "resource": "configmaps", "namespace": space.name}
    for user, allowed in ((f"system:serviceaccount:{space.name}:robot", True), ("nobody", False)):
        review = cluster.create("subjectaccessreviews", {"spec": {"user": user, "resourceAttributes": asked}})
        assert review["status"]["allowed"] is allowed


def test_whoever_asks_learns_who_they_are(robot, space):
    found = Space(robot.api, "").create("selfsubjectreviews", {})["status"]["userInfo"]
    assert found["username"] == f"system:serviceaccount:{space.name}:robot"
    assert set(found["groups"]) == {
        "system:serviceaccounts",
        f"system:serviceaccounts:{space.name}",
        "system:authenticated",
    }


def test_an_administrator_may_act_as_somebody_else(space):
    space.create("configmaps", config_map("a"))
    with refused(403, "Forbidden") as told:
        space.api.ask("GET", space.path("configmaps", "a"), headers={"Impersonate-User": "jane"})
    assert 'User "jane" cannot get resource "configmaps"' in told.message


def test_an_account_may_act_as_nobody_else(robot):
    with refused(403, "Forbidden") as told:
        robot.api.ask("GET", robot.path("configmaps"), headers={"Impersonate-User": "jane"})
    assert "cannot impersonate" in told.message


def test_a_right_that_is_taken_away_is_gone_at_once(space, robot):
    assert robot.list("configmaps")
    space.delete("rolebindings", "robot")

    def refuses():
        try:
            robot.list("configmaps")
        except Refusal as refusal:
            return refusal.code == 403

    poll(refuses, "rights that were taken away are refused")


def test_nobody_grants_more_than_they_have(space, robot):
    rule = {"apiGroups": [RBAC], "resources": ["roles", "rolebindings"], "verbs": ["create"]}
    space.patch("roles", "robot", [{"op": "add", "path": "/rules/-", "value": rule}], "json")
    poll(lambda: may(robot, verb="create", resource="roles", group=RBAC), "the role counts")
    rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]
    with refused(403, "Forbidden") as told:
        robot.create("roles", {"metadata": {"name": "more"}, "rules": rules})
    assert "is attempting to grant RBAC permissions not currently held" in told.message
    robot.create(
        "roles",
        {
            "metadata": {"name": "less"},
            "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}],
        },
    )


def test_a_token_that_is_none_is_unauthorized(as_token):
    with refused(401, "Unauthorized"):
        as_token("nonsense").ask("GET", "/api/v1/namespaces")


def test_everybody_may_ask_for_version_and_health(robot):
    assert robot.api.ask("GET", "/version")["major"] == "1"
    assert robot.api.send("GET", "/healthz").body == b"ok"
