import pytest

DRILLS = "/apis/example.dev/v1/namespaces/default/drills"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
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
        },
        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
}


@pytest.fixture
async def drills(api):
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": SCHEMA},
        "subresources": {"status": {}},
        "additionalPrinterColumns": [{"name": "Target", "type": "string", "jsonPath": ".spec.target"}],
    }
    names = {"plural": "drills", "kind": "Drill", "shortNames": ["dr"]}
    spec = {"group": "example.dev", "scope": "Namespaced", "names": names, "versions": [version]}
    body = {"metadata": {"name": "drills.example.dev"}, "spec": spec}
    made = await api.post(DEFINITIONS, json=body)
    assert made.status_code == 201, made.text
    return made.json()


def drill(**spec: object) -> dict[str, object]:
    return {"apiVersion": "example.dev/v1", "kind": "Drill", "metadata": {"name": "a"}, "spec": spec}


async def test_a_definition_is_established_and_served_at_once(api, drills):
    conditions = {each["type"]: each["status"] for each in drills["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}
    listed = (await api.get("/apis/example.dev/v1")).json()["resources"]
    assert [each["name"] for each in listed] == ["drills", "drills/status"]
    assert (await api.get("/openapi/v3/apis/example.dev/v1")).json()["components"]["schemas"]["Drill"]


@pytest.mark.usefixtures("drills")
async def test_defaults_are_filled_in_and_unknown_fields_dropped(api):
    made = await api.post(
        DRILLS, json=drill(target="web", what=1, free={"any": 1}, steps=[{"at": 1, "x": 2}])
    )
    assert made.json()["spec"] == {"target": "web", "count": 3, "free": {"any": 1}, "steps": [{"at": 1}]}
    assert 'unknown field \\"spec.what\\"' in made.headers["Warning"]


@pytest.mark.usefixtures("drills")
@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({}, "spec.target"),
        ({"target": ""}, "spec.target"),
        ({"target": 1}, "spec.target"),
        ({"target": "web", "count": 0}, "spec.count"),
        ({"target": "web", "count": 10}, "spec.count"),
        ({"target": "web", "count": True}, "spec.count"),
        ({"target": "web", "mode": "other"}, "spec.mode"),
        ({"target": "web", "steps": [{"at": "one"}]}, "spec.steps[0].at"),
    ],
)
async def test_what_the_schema_forbids_is_refused_by_field(api, spec, field):
    refused = await api.post(DRILLS, json=drill(**spec))
    assert refused.status_code == 422
    assert [cause["field"] for cause in refused.json()["details"]["causes"]] == [field]


@pytest.mark.usefixtures("drills")
async def test_strict_validation_refuses_unknown_fields(api):
    refused = await api.post(DRILLS, json=drill(target="web", what=1), params={"fieldValidation": "Strict"})
    assert refused.status_code == 400
    assert 'unknown field "spec.what"' in refused.json()["message"]


@pytest.mark.usefixtures("drills")
async def test_the_status_is_written_apart_and_the_generation_follows_the_spec(api):
    await api.post(DRILLS, json=drill(target="web"))
    merge = {"Content-Type": "application/merge-patch+json"}
    await api.patch(f"{DRILLS}/a/status", json={"status": {"runs": 1}}, headers=merge)
    after = (await api.patch(f"{DRILLS}/a", json={"spec": {"count": 4}, "status": {}}, headers=merge)).json()
    assert (after["status"], after["metadata"]["generation"]) == ({"runs": 1}, 2)


@pytest.mark.usefixtures("drills")
async def test_tables_have_the_columns_of_the_definition(api):
    await api.post(DRILLS, json=drill(target="web"))
    accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
    table = (await api.get(DRILLS, headers=accept)).json()
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Target"]
    assert [row["cells"] for row in table["rows"]] == [["a", "web"]]


@pytest.mark.usefixtures("drills")
async def test_without_its_definition_a_kind_is_gone_with_all_its_objects(api, store):
    await api.post(DRILLS, json=drill(target="web"))
    await api.delete(f"{DEFINITIONS}/drills.example.dev")
    assert (await api.get(DRILLS)).status_code == 404
    assert "drills" not in [resource.plural for resource in store.resources]
