"""Why: an editor believes the schema; what it says must be what the loader says."""

import json

import pytest
from catalog.examples import CATALOG

from chaosctl.catalog import schema

PLAYBOOK = schema("playbook", CATALOG)
DRILL = schema("drill", CATALOG)


def nodes(value):
    """Every mapping in a schema."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(inner)


@pytest.mark.parametrize("document", [PLAYBOOK, DRILL])
def test_every_reference_leads_somewhere(document):
    wanted = {node["$ref"].removeprefix("#/$defs/") for node in nodes(document) if "$ref" in node}
    assert wanted <= document["$defs"].keys()
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert json.loads(json.dumps(document)) == document


def test_a_body_is_one_of_the_kinds():
    one_of = [choice["$ref"] for choice in PLAYBOOK["$defs"]["FaultBody"]["oneOf"]]
    assert one_of == ["#/$defs/Fault-release", "#/$defs/Fault-slow"]
    release = PLAYBOOK["$defs"]["Fault-release"]
    assert release["required"] == ["kind", "image"]
    assert release["additionalProperties"] is False
    assert release["description"] == "Roll out another image."
    assert release["properties"]["kind"]["const"] == "release"


def test_the_models_inside_a_body_come_with_it():
    assert {"Steady", "Wobbly"} <= PLAYBOOK["$defs"].keys()


def test_fields_are_written_in_camel_case_and_described():
    check = PLAYBOOK["$defs"]["CheckText"]["properties"]
    assert {"fromSteady", "for", "within"} <= check.keys()
    assert check["for"]["description"].startswith("Broken only when")


def test_a_duration_shows_how_it_is_written():
    hold = PLAYBOOK["$defs"]["EntryText"]["properties"]["hold"]
    assert hold["default"] == "30s"
    assert "90s" in hold["examples"]


def test_a_parameter_may_stand_where_a_value_may():
    arrival = PLAYBOOK["$defs"]["Poisson"]["properties"]["rate"]
    assert any(choice.get("pattern", "").startswith(r"^\$\{") for choice in arrival["anyOf"])
    assert "anyOf" not in PLAYBOOK["$defs"]["Metadata"]["properties"]["name"]


def test_only_what_has_no_default_is_required():
    assert PLAYBOOK["$defs"]["PlaybookSpec"]["required"] == ["summary", "timeline"]
    assert DRILL["$defs"]["TargetText"]["required"] == ["namespace", "workload"]
