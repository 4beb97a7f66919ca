"""Discovery, OpenAPI and tables: what clients find out before they ask, and how answers are shown."""

import pytest

from conformance.api import KINDS, poll, refused
from conformance.bodies import MISSING, config_map, deployment, pod, service
from conformance.differences import differs
from conformance.looks import rolled_out

V2 = "application/com.github.proto-openapi.spec.v2"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
PARTIAL = "application/json;as=PartialObjectMetadata{};v=v1;g=meta.k8s.io,application/json"
VERBS = {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


@pytest.mark.parametrize("plural", sorted(KINDS))
def test_a_kind_is_described_as_clients_need_it(api, plural):
    group_version, kind = KINDS[plural]
    root = "/api/v1" if group_version == "v1" else f"/apis/{group_version}"
    found = {each["name"]: each for each in api.ask("GET", root)["resources"]}
    assert found[plural]["kind"] == kind
    verbs = (
        {"create"}
        if kind.endswith("Review")
        else VERBS - ({"deletecollection"} if kind == "Namespace" else set())
    )
    assert set(found[plural]["verbs"]) == verbs
    assert found[plural]["singularName"] == kind.lower()


@pytest.mark.parametrize(
    ("plural", "short", "parts"),
    [
        (
            "pods",
            ["po"],
            {
                "status",
                "log",
                "exec",
                "attach",
                "portforward",
                "proxy",
                "eviction",
                "binding",
                "ephemeralcontainers",
            },
        ),
        ("services", ["svc"], {"status", "proxy"}),
        ("deployments", ["deploy"], {"status", "scale"}),
        ("replicasets", ["rs"], {"status", "scale"}),
        ("jobs", None, {"status"}),
        ("namespaces", ["ns"], {"status", "finalize"}),
        ("serviceaccounts", ["sa"], {"token"}),
        ("configmaps", ["cm"], set()),
        ("poddisruptionbudgets", ["pdb"], {"status"}),
    ],
)
def test_short_names_and_parts_are_listed(api, plural, short, parts):
    group_version, _ = KINDS[plural]
    listed = api.ask("GET", "/api/v1" if group_version == "v1" else f"/apis/{group_version}")["resources"]
    found = {each["name"]: each for each in listed}
    assert found[plural].get("shortNames") == short
    assert {name.partition("/")[2] for name in found if name.startswith(f"{plural}/")} >= parts


def test_groups_are_listed_in_two_forms(api):
    names = {each["name"] for each in api.ask("GET", "/apis")["groups"]}
    items = api.ask("GET", "/apis", accept=AGGREGATED)["items"]
    assert {"apps", "batch", "policy", "discovery.k8s.io", "coordination.k8s.io"} <= names
    assert {each["metadata"]["name"] for each in items} == names
    apps = next(each for each in items if each["metadata"]["name"] == "apps")
    resources = {each["resource"]: each for each in apps["versions"][0]["resources"]}
    assert resources["deployments"]["scope"] == "Namespaced"
    assert {each["subresource"] for each in resources["deployments"]["subresources"]} == {"status", "scale"}


def test_a_version_is_told(api):
    found = api.ask("GET", "/version")
    assert found["gitVersion"].startswith(f"v{found['major']}.{found['minor']}")


@pytest.mark.parametrize(
    ("accept", "answered"),
    [(f"{V2}@v1.0+protobuf", f"{V2}.v1.0+protobuf"), ("application/json", "application/json")],
    ids=["protobuf", "json"],
)
def test_the_older_openapi_is_served_as_clients_ask_for_it(api, accept, answered):
    answer = api.send("GET", "/openapi/v2", accept=accept)
    assert (answer.code, answer.headers["Content-Type"]) == (200, answered)
    assert b"2.0" in answer.body[:20]


@differs(
    "OpenAPI is made from the Python client's models, and has their names",
    real="io.k8s.api.apps.v1.DeploymentSpec",
    sandbox="V1DeploymentSpec",
)
def test_openapi_lists_documents_and_describes_fields(api, expected):
    paths = api.ask("GET", "/openapi/v3")["paths"]
    assert {"api/v1", "apis/apps/v1"} <= set(paths)
    document = api.ask("GET", "/openapi/v3/apis/apps/v1")
    schema = document["components"]["schemas"][expected]["properties"]
    assert schema["replicas"]["type"] == "integer"
    assert schema["replicas"]["description"]


@pytest.mark.parametrize(
    ("plural", "columns"),
    [
        ("pods", ["Name", "Ready", "Status", "Restarts", "Age", "IP", "Node", "Nominated Node", "Readiness Gates"]),
        ("deployments", ["Name", "Ready", "Up-to-date", "Available", "Age", "Containers", "Images", "Selector"]),
        ("replicasets", ["Name", "Desired", "Current", "Ready", "Age", "Containers", "Images", "Selector"]),
        ("services", ["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "Selector"]),
        ("configmaps", ["Name", "Data", "Age"]),
        ("secrets", ["Name", "Type", "Data", "Age"]),
        ("jobs", ["Name", "Status", "Completions", "Duration", "Age", "Containers", "Images", "Selector"]),
        ("leases", ["Name", "Holder", "Age"]),
        ("namespaces", ["Name", "Status", "Age"]),
        ("poddisruptionbudgets", ["Name", "Min Available", "Max Unavailable", "Allowed Disruptions", "Age"]),
        ("endpointslices", ["Name", "AddressType", "Ports", "Endpoints", "Age"]),
        ("serviceaccounts", ["Name", "Age"]),
        ("roles", ["Name", "Created At"]),
        ("networkpolicies", ["Name", "Pod-Selector", "Age"]),
    ],
)  # fmt: skip
def test_tables_have_the_columns_that_people_know(space, plural, columns):
    table = space.api.ask("GET", space.path(plural), accept=TABLE)
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert [each["name"] for each in table["columnDefinitions"]] == columns


def cells(space, plural):
    table = space.api.ask("GET", space.path(plural), accept=TABLE)
    names = [each["name"] for each in table["columnDefinitions"]]
    return [dict(zip(names, row["cells"], strict=True)) for row in table["rows"]]


def test_rows_of_deployments_sets_and_pods(space):
    space.create("deployments", deployment("web", 2))
    space.until("deployments", "web", rolled_out)
    (row,) = cells(space, "deployments")
    assert (row["Name"], row["Ready"], row["Up-to-date"], row["Available"]) == ("web", "2/2", 2, 2)
    assert (row["Containers"], row["Images"], row["Selector"]) == ("main", "knode.local/web:1", "app=web")
    (row,) = cells(space, "replicasets")
    assert (row["Desired"], row["Current"], row["Ready"]) == (2, 2, 2)
    assert [(row["Ready"], row["Status"], row["Restarts"]) for row in cells(space, "pods")] == [
        ("1/1", "Running", "0")
    ] * 2


def test_the_row_of_a_pod_says_what_is_wrong_with_it(space):
    space.create("pods", pod("a", {"name": "main", "image": MISSING}))
    poll(lambda: cells(space, "pods")[0]["Status"] in {"ErrImagePull", "ImagePullBackOff"}, "the row says so")
    space.create("pods", pod("b", nodeSelector={"no": "such"}))
    assert cells(space, "pods")[1]["Status"] == "Pending"


def test_the_row_of_a_service_says_where_it_is(space):
    address = space.create("services", service("web"))["spec"]["clusterIP"]
    (row,) = cells(space, "services")
    assert (row["Type"], row["Cluster-IP"], row["External-IP"], row["Port(s)"], row["Selector"]) == (
        "ClusterIP",
        address,
        "<none>",
        "80/TCP",
        "app=web",
    )


def test_rows_carry_what_clients_sort_and_filter_by(space):
    space.create("configmaps", config_map("a", {"l": "1"}))
    table = space.api.ask("GET", space.path("configmaps", "a"), accept=TABLE)
    (row,) = table["rows"]
    assert row["object"]["kind"] == "PartialObjectMetadata"
    assert row["object"]["metadata"]["labels"] == {"l": "1"}
    whole = space.api.ask("GET", space.path("configmaps", "a"), accept=TABLE, includeObject="Object")
    assert whole["rows"][0]["object"]["kind"] == "ConfigMap"


def test_metadata_can_be_read_alone(space):
    space.create("configmaps", config_map("a", {"l": "1"}, k="v"))
    one = space.api.ask("GET", space.path("configmaps", "a"), accept=PARTIAL.format(""))
    assert one.keys() == {"kind", "apiVersion", "metadata"}
    many = space.api.ask("GET", space.path("configmaps"), accept=PARTIAL.format("List"), labelSelector="l")
    assert many["kind"] == "PartialObjectMetadataList"
    assert [each["metadata"]["name"] for each in many["items"]] == ["a"]


def test_a_form_that_there_is_not_is_not_acceptable(space):
    with refused(406, "NotAcceptable"):
        space.api.ask("GET", space.path("configmaps"), accept="application/json;as=Poem;v=v1;g=meta.k8s.io")


def test_bodies_may_be_yaml(space):
    text = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n"
    made = space.api.ask("POST", space.path("configmaps"), text, kind="application/yaml")
    assert made["data"] == {"k": "v"}
