"""Validation: what is refused, with which fields, reasons and words."""

import pytest

from conformance.api import refused
from conformance.bodies import config_map, container, deployment, pod, service

INVALID, REQUIRED, FORBIDDEN = "FieldValueInvalid", "FieldValueRequired", "FieldValueForbidden"
NOT_SUPPORTED, DUPLICATE = "FieldValueNotSupported", "FieldValueDuplicate"
TEMPLATE = "spec.template.spec.containers[0]"


def web(*containers, **spec):
    body = deployment("web", 1, *containers)
    return "deployments", {**body, "spec": {**body["spec"], **spec}}


def without(plural, body, *path):
    place = body
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return plural, body


NEW = {
    "negative replicas": (web(replicas=-1), [("spec.replicas", INVALID)]),
    "an empty selector": (web(selector={}), [("spec.selector", INVALID)]),
    "no selector": (without(*web(), "spec", "selector"), [("spec.selector", REQUIRED), ("spec.template.metadata.labels", INVALID)]),
    "a selector that misses the template": (web(selector={"matchLabels": {"app": "x"}}), [("spec.template.metadata.labels", INVALID)]),
    "no containers": (web(template={"metadata": {"labels": {"app": "web"}}, "spec": {"containers": []}}), [("spec.template.spec.containers", REQUIRED)]),
    "no image": (web({"name": "c"}), [(f"{TEMPLATE}.image", REQUIRED)]),
    "a container's bad name": (web({"name": "Bad", "image": "x:1"}), [(f"{TEMPLATE}.name", INVALID)]),
    "one name twice": (web(container(), container()), [("spec.template.spec.containers[1].name", DUPLICATE)]),
    "a variable without a name": (web(container(env=[{"value": "1"}])), [(f"{TEMPLATE}.env[0].name", REQUIRED)]),
    "a request above its limit": (
        web(container(resources={"limits": {"cpu": "1"}, "requests": {"cpu": "2"}})),
        [(f"{TEMPLATE}.resources.requests", INVALID)],
    ),
    "a negative amount": (web(container(resources={"limits": {"cpu": "-1"}})), [(f"{TEMPLATE}.resources.limits[cpu]", INVALID)]),
    "an unknown pull policy": (web(container(imagePullPolicy="Maybe")), [(f"{TEMPLATE}.imagePullPolicy", NOT_SUPPORTED)]),
    "a restart policy that Deployments have not": (
        web(template={"metadata": {"labels": {"app": "web"}}, "spec": {**pod("")["spec"], "restartPolicy": "Never"}}),
        [("spec.template.spec.restartPolicy", NOT_SUPPORTED)],
    ),
    "a mount of no volume": (
        web(container(volumeMounts=[{"name": "v", "mountPath": "/v"}])),
        [(f"{TEMPLATE}.volumeMounts[0].name", "FieldValueNotFound")],
    ),
    "neither surge nor unavailability": (
        web(strategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}),
        [("spec.strategy.rollingUpdate.maxUnavailable", INVALID)],
    ),
    "a deadline before minReadySeconds": (web(minReadySeconds=10, progressDeadlineSeconds=10), [("spec.progressDeadlineSeconds", INVALID)]),
    "a port that is none": (("services", service("web", ports=[{"port": 0, "targetPort": 1}])), [("spec.ports[0].port", INVALID)]),
    "ports without names": (
        ("services", service("web", ports=[{"port": 80}, {"port": 81}])),
        [("spec.ports[0].name", REQUIRED), ("spec.ports[1].name", REQUIRED)],
    ),
    "a Service without ports": (("services", service("web", ports=[])), [("spec.ports", REQUIRED)]),
    "a Service's name with a dot": (("services", service("a.b")), [("metadata.name", INVALID)]),
    "a name with capitals": (("configmaps", config_map("Bad")), [("metadata.name", INVALID)]),
    "a name that is too long": (("configmaps", config_map("a" * 254)), [("metadata.name", INVALID)]),
    "no name": (("configmaps", {"metadata": {}}), [("metadata.name", REQUIRED)]),
    "a label's bad value": (("configmaps", config_map("a", {"k": "not ok"})), [("metadata.labels", INVALID)]),
    "a label's bad key": (("configmaps", config_map("a", {"not ok": "v"})), [("metadata.labels", INVALID)]),
    "a key that is no file name": (("configmaps", {"metadata": {"name": "a"}, "data": {"a/b": "c"}}), [("data[a/b]", INVALID)]),
    "a finalizer without a domain": (("configmaps", {"metadata": {"name": "a", "finalizers": ["mine"]}}), [("metadata.finalizers[0]", INVALID)]),
    "an owner without a UID": (
        ("configmaps", {"metadata": {"name": "a", "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": ""}]}}),
        [("metadata.ownerReferences[0].uid", REQUIRED)],
    ),
    "both budgets": (
        ("poddisruptionbudgets", {"metadata": {"name": "b"}, "spec": {"minAvailable": 1, "maxUnavailable": 1}}),
        [("spec", INVALID)],
    ),
    "a Role without rules that are whole": (
        ("roles", {"metadata": {"name": "r"}, "rules": [{"resources": ["pods"], "apiGroups": [""]}]}),
        [("rules[0].verbs", REQUIRED)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", NEW)
def test_a_new_object_is_refused_for(shared, what):
    (plural, body), causes = NEW[what]
    with refused(422, "Invalid") as told:
        shared.create(plural, body, dryRun="All")
    assert sorted(told.causes) == sorted(causes), told.status


def test_a_refusal_names_kind_name_field_and_value(space):
    with refused(422, "Invalid") as told:
        space.create("deployments", deployment("web", -1))
    why = "spec.replicas: Invalid value: -1: must be greater than or equal to 0"
    assert told.message == f'Deployment.apps "web" is invalid: {why}'
    details = told.status["details"]
    assert (details["name"], details["group"], details["kind"]) == ("web", "apps", "Deployment")
    cause = {"reason": INVALID, "message": why.partition(": ")[2], "field": "spec.replicas"}
    assert details["causes"] == [cause]


def test_a_bad_name_is_refused_in_the_words_that_people_search_for(space):
    with refused(422, "Invalid") as told:
        space.create("configmaps", config_map("Bad_Name"))
    assert told.message.startswith(
        'ConfigMap "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": '
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'"
    )


def test_several_causes_stand_in_brackets(space):
    with refused(422, "Invalid") as told:
        space.create("services", service("web", ports=[{"port": 80}, {"port": 81}]))
    assert told.message == (
        'Service "web" is invalid: [spec.ports[0].name: Required value, spec.ports[1].name: Required value]'
    )


FIXED = {
    "a Deployment's selector": ("deployments", {"spec": {"selector": {"matchLabels": {"app": "x"}}, "template": {"metadata": {"labels": {"app": "x"}}}}}, "spec.selector"),
    "a Job's template": ("jobs", {"spec": {"template": {"spec": {"restartPolicy": "OnFailure"}}}}, "spec.template.spec"),
    "a Job's completions": ("jobs", {"spec": {"completions": 3}}, "spec.completions"),
    "a Service's address": ("services", {"spec": {"clusterIP": "None"}}, "spec.clusterIPs[0]"),
    "a pod's node": ("pods", {"spec": {"nodeName": "elsewhere"}}, "spec"),
    "a pod's command": ("pods", {"spec": {"containers": [{"name": "main", "image": "x:1", "command": ["x"]}]}}, "spec"),
    "an immutable ConfigMap's data": ("configmaps", {"data": {"k": "w"}}, "data"),
    "an immutable ConfigMap's promise": ("configmaps", {"immutable": False}, "immutable"),
    "an immutable Secret's data": ("secrets", {"data": {"k": "eA=="}}, "data"),
}  # fmt: skip


@pytest.mark.parametrize("what", FIXED)
def test_an_update_may_not_change(space, what):
    from conformance.bodies import job

    plural, patch, field = FIXED[what]
    space.create(plural, {
        "deployments": deployment("a", paused=True),
        "jobs": job("a", "true", suspend=True),
        "services": service("a"),
        "pods": pod("a", nodeSelector={"no": "such"}),
        "configmaps": {**config_map("a", k="v"), "immutable": True},
        "secrets": {"metadata": {"name": "a"}, "immutable": True},
    }[plural])  # fmt: skip
    with refused(422, "Invalid") as told:
        space.patch(plural, "a", patch)
    assert told.causes[0][0] == field, told.status


def test_a_role_binding_keeps_its_role(space):
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"}
    space.create("rolebindings", {"metadata": {"name": "b"}, "roleRef": reference})
    with refused(422, "Invalid") as told:
        space.patch("rolebindings", "b", {"roleRef": {"name": "other"}})
    assert told.causes == [("roleRef", INVALID)]
    assert told.message.endswith("field is immutable")


def test_a_pods_image_may_change(space):
    space.create("pods", pod("a", nodeSelector={"no": "such"}))
    patch = {"spec": {"containers": [{"name": "main", "image": "other:1"}]}}
    changed = space.patch("pods", "a", patch, "strategic")
    assert changed["spec"]["containers"][0]["image"] == "other:1"


@pytest.mark.parametrize(("mode", "code"), [("Strict", 400), ("Warn", 201), ("Ignore", 201), (None, 201)])
def test_unknown_fields_are_refused_warned_of_or_ignored(space, mode, code):
    body = {"apiVersion": "apps/v1", "kind": "Deployment", **deployment("web", paused=True, replicsa=3)}
    answer = space.api.send("POST", space.path("deployments"), body, fieldValidation=mode)
    assert answer.code == code
    told = answer.json.get("message", "") if code == 400 else answer.headers.get("Warning", "")
    assert ("unknown field" in told) is (mode != "Ignore")
    assert "replicsa" not in space.get("deployments", "web")["spec"] if code == 201 else True


def test_a_misspelt_field_is_named_with_its_path(space):
    with refused(400, "BadRequest") as told:
        space.create("deployments", deployment("web", replicsa=3), fieldValidation="Strict")
    assert told.message.endswith('strict decoding error: unknown field "spec.replicsa"')


def test_a_value_outside_an_enumeration_lists_those_inside(space):
    with refused(422, "Invalid") as told:
        space.create("services", service("web", type="Magic"))
    assert told.causes == [("spec.type", NOT_SUPPORTED)]
    assert 'supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"' in told.message


def test_an_amount_that_is_none_is_a_bad_request(space):
    with refused(400, "BadRequest") as told:
        space.create("pods", pod("a", container(resources={"limits": {"cpu": "lots"}})))
    assert "quantities must match the regular expression" in told.message
