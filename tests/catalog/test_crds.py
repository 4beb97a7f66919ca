"""Why: a file that the loader takes, an API server must take too; and what is wrong in it, it should find."""

import json
from copy import deepcopy

import httpx
import pytest
import yaml
from catalog.examples import PLAYBOOK, changed

from chaosctl.catalog import library
from chaosctl.catalog.crds import CONSTRAINTS, KINDS, definition, definitions
from chaosctl.sandbox.api.server import ApiServer
from chaosctl.sandbox.api.store import Store
from chaosctl.spec.run import Run, RunStatus

CRDS = definitions()
SHIPPED = [*library("playbooks").values(), *library("drills").values()]
OPEN, EITHER = "x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string"
KNOWN = {
    "type", "description", "properties", "required", "additionalProperties", "items", "enum", "format",
    "pattern", "minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", OPEN, EITHER, "x-kubernetes-validations", "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
}  # fmt: skip


@pytest.fixture
async def api():
    server = ApiServer(Store())
    url = await server.start()
    async with httpx.AsyncClient(base_url=url) as client:
        for body in CRDS.values():
            made = await client.post(
                "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", json=deepcopy(body)
            )
            assert made.status_code == 201, made.text
        yield client
    await server.stop()


def schema(plural):
    return CRDS[plural]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def nodes(body, place=""):
    """Every schema in a schema, with its place."""
    yield place, body
    for name, inner in body.get("properties", {}).items():
        yield from nodes(inner, f"{place}.{name}")
    for key in ("items", "additionalProperties"):
        if key in body:
            yield from nodes(body[key], f"{place}[]")


def body_of(path_or_text):
    text = path_or_text if isinstance(path_or_text, str) else path_or_text.read_text(encoding="utf-8")
    return yaml.safe_load(text)


async def posted(api, body):
    where = f"/apis/chaosctl.dev/v1/namespaces/default/{body['kind'].lower()}s"
    return await api.post(where, json=body, params={"fieldValidation": "Strict"})


@pytest.mark.parametrize("plural", CRDS)
def test_a_schema_is_structural(plural):
    for place, node in nodes(schema(plural)):
        assert node.keys() <= KNOWN, place
        typed = "type" in node
        assert typed or node.get(OPEN) or node.get(EITHER), place
        assert not (typed and node.get(EITHER)), place
        assert not ("properties" in node and "additionalProperties" in node), place
        assert node.get("type") != "array" or {"items", "maxItems"} <= node.keys(), place


def test_every_column_shows_a_field_that_there_is():
    for kind in KINDS:
        places = {place for place, _ in nodes(schema(kind.plural))} | {".metadata.creationTimestamp"}
        clocks = {".status.clocks.detect", ".status.clocks.recover"}
        assert {column.path for column in kind.columns} - clocks <= places


def test_a_run_is_followed_by_looking_at_it():
    shown = [column.name for column in KINDS[2].columns if not column.priority]
    assert shown == ["Playbook", "Target", "Phase", "Verdict", "Revert", "Detect", "Recover", "Age"]
    assert CRDS["runs"]["spec"]["versions"][0]["subresources"] == {"status": {}}
    assert "subresources" not in CRDS["playbooks"]["spec"]["versions"][0]


def test_the_rules_are_of_models_that_there_are():
    known = {place: node for body in map(definition, KINDS) for place, node in nodes(_schema(body))}
    rules = [rule["rule"] for node in known.values() for rule in node.get("x-kubernetes-validations", ())]
    assert {rule for rules_of in CONSTRAINTS.values() for rule, _ in rules_of} <= set(rules)


def _schema(body):
    return body["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
async def test_whatever_ships_is_a_custom_resource_as_it_is(api, path):
    body = body_of(path)
    made = await posted(api, body)
    assert made.status_code == 201, made.text
    assert made.json()["spec"] == body["spec"]


@pytest.mark.parametrize(
    "change",
    [
        ("hold: 3m", 'hold: "${hold}"'),
        ("hold: 3m", "hold: 1h30m"),
        ("at: 20s", "at: 0"),
        ("rate: 50/s", 'rate: "${rate}"'),
        ("max: 250ms", "max: 0.25"),
        ("max: 250ms", "max: -1"),
        ("max: 250ms", 'max: "${limit}"'),
        ("over: run", 'over: "${over}"'),
        ("over: run", 'decide: {kind: fixed, k: "${k}", n: 3}'),
        ("over: run", 'decide: {kind: eProcess, alpha: "${alpha}"}'),
        ("over: run", 'fromSteady: "${yes}"'),
        ("hold: 3m", 'repeat: {every: 5s, times: "${times}"}'),
        ("the release to try,", "the release to try, default: 1.50,"),
    ],
    ids=lambda change: change[1],
)
async def test_numbers_texts_and_parameters_stand_where_they_may_in_a_file(api, change):
    made = await posted(api, body_of(changed(change)))
    assert made.status_code == 201, made.text


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (("hold: 3m", "hold: soon"), "spec.timeline[0].hold"),
        (("hold: 3m", "hold: 1.5"), "spec.timeline[0].hold"),
        (("hold: 3m", "hold: [3m]"), "spec.timeline[0].hold"),
        (("hold: 3m", "repeat: {every: 5s, times: 1001}"), "spec.timeline[0].repeat.times"),
        (("rate: 50/s", "rate: 50"), "spec.workload.arrival.rate"),
        (("rate: 50/s", 'rate: "a${rate}"'), "spec.workload.arrival.rate"),
        (("process: poisson", "process: bursts"), "spec.workload.arrival.process"),
        (("{kind: error-rate}", "{sort: error-rate}"), "spec.probes.errors.kind"),
        (("{kind: latency}", "{kind: 5}"), "spec.probes.slow.kind"),
        (("over: run", "over: walk"), "spec.expect[3].over"),
        (("over: run", "decide: {kind: fixed, k: 0}"), "spec.expect[3].decide.k"),
        (("over: run", "decide: {kind: guess}"), "spec.expect[3].decide.kind"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[1],
)
async def test_what_can_be_told_from_the_schema_is_refused_at_once(api, change, field):
    refused = await posted(api, body_of(changed(change)))
    assert refused.status_code == 422, refused.text
    assert [cause["field"] for cause in refused.json()["details"]["causes"]] == [field]


@pytest.mark.parametrize("change", [("hold: 3m", "hodl: 3m"), ("summary:", "sumary:")])
async def test_a_misspelt_field_is_found(api, change):
    refused = await posted(api, body_of(changed(change)))
    assert refused.status_code in {400, 422}
    assert change[1].partition(":")[0] in refused.text or "summary" in refused.text


async def test_the_fields_of_a_kind_are_kept_whatever_they_are(api):
    body = body_of(PLAYBOOK)
    body["spec"]["timeline"][0]["inject"] = {"kind": "of-a-plug-in", "deep": {"er": [1, "two", {"three": 3}]}}
    assert (await posted(api, body)).json()["spec"]["timeline"] == body["spec"]["timeline"]


async def test_a_status_is_kept_as_its_model_writes_it(api):
    status = RunStatus.model_validate(
        {
            "phase": "Done", "verdict": "passed", "exit": 0, "clocks": {"detect": "2.3 s"}, "target": "t",
            "started": "2026-01-01T00:00:00Z",
            "parts": [{"playbook": "noop", "run": "abcdefghij", "phase": "Done", "clocks": {"x": "y"}}],
            "conditions": [
                {"type": "Ended", "status": "True", "reason": "Passed",
                 "lastTransitionTime": "2026-01-01T00:00:00Z"}
            ],
        }
    )  # fmt: skip
    written = json.loads(status.model_dump_json(by_alias=True, exclude_none=True))
    run = {"apiVersion": "chaosctl.dev/v1", "kind": "Run", "metadata": {"name": "a"}, "spec": {"drill": "d"}}
    Run.model_validate(run)
    assert (await posted(api, run)).status_code == 201
    where = "/apis/chaosctl.dev/v1/namespaces/default/runs/a/status"
    merge = {"Content-Type": "application/merge-patch+json"}
    kept = await api.patch(where, json={"status": written}, headers=merge)
    assert kept.status_code == 200, kept.text
    assert kept.json()["status"] == written
