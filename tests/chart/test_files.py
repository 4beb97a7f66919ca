"""Why: what the chart repeats of the code, and what is said of its values, must stay true."""

import json
import re
import subprocess
import sys
from pathlib import Path

import yaml
from chart.granting import CATALOG

from chaosctl.operations import roles

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "chaosctl"
VALUES = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))


def test_the_committed_files_are_what_the_code_makes(tmp_path):
    subprocess.run([sys.executable, ROOT / "helm" / "generate.py", tmp_path], check=True)
    made, there = files(tmp_path), files(CHART / "files")
    stale = sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))
    assert stale == [], "out of date; run: make chart"


def files(folder):
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in found}


def test_the_schema_knows_every_value_and_no_other():
    assert set(paths(VALUES, SCHEMA)) == set(known(SCHEMA)) - {"global"}


def paths(values, schema, place=""):
    for name, value in values.items():
        inner = schema["properties"].get(name, {})
        yield f"{place}{name}"
        if "properties" in inner and "limits" not in inner["properties"]:
            yield from paths(value, inner, f"{place}{name}.")


def known(schema, place=""):
    for name, inner in schema["properties"].items():
        yield f"{place}{name}"
        if "properties" in inner and "limits" not in inner["properties"]:
            yield from known(inner, f"{place}{name}.")


def test_a_misspelt_value_is_an_error_at_every_depth():
    assert [place for place, inner in objects(SCHEMA) if inner["additionalProperties"] is not False] == []


def objects(schema, place=""):
    """Every object with fields of ours."""
    yield place, schema
    for name, inner in schema["properties"].items():
        if "properties" in inner:
            yield from objects(inner, f"{place}.{name}")


def test_every_value_is_documented():
    page = (ROOT / "docs" / "reference" / "chart.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([\w.]+)` \|.*\| \S.* \|$", page, re.MULTILINE))
    leaves = {
        place for place in known(SCHEMA) if not any(one.startswith(f"{place}.") for one in known(SCHEMA))
    }
    assert leaves - {"global"} == documented


def test_by_default_everything_may_be_injected_that_changes_nothing_which_others_share():
    shared = {name for name, rights in roles.faults(CATALOG).items() if writes(rights.cluster)}
    assert shared == {"cordon", "drain"}
    assert VALUES["faults"]["enabled"] == sorted(CATALOG.faults.keys() - shared)
    assert SCHEMA["properties"]["faults"]["properties"]["enabled"]["items"]["enum"] == sorted(CATALOG.faults)


def writes(grants):
    return any(verb not in {"get", "list", "watch"} for grant in grants for verb in grant.rule.verbs)
