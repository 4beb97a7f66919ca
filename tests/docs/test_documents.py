"""Why: a reader follows links, copies code and believes lists; each of them must be true."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from chaosctl.stats import samples_needed

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MODULES = {"changes", "copying", "errors", "image", "model", "ports", "runner"}


def named(path):
    return str(path.relative_to(ROOT))


def read(path):
    return path.read_text(encoding="utf-8")


def without_code(text):
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(path):
    titles = re.findall(r"^#+ (.+)$", without_code(read(path)), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(page):
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(read(page))):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_document_can_be_reached_from_the_readme():
    seen, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        seen.add(page)
        names = re.findall(r"\]\(([^)\s#]+\.md)", without_code(read(page)))
        local = [(page.parent / name).resolve() for name in names if "://" not in name]
        waiting += [path for path in local if path not in seen]
    assert {named(path) for path in PAGES} - {named(path) for path in seen} == set()


@pytest.mark.parametrize("page", ["add-a-fault.md", "add-a-probe.md"])
def test_code_that_is_shown_whole_is_the_code(page):
    shown = re.findall(
        r"<!-- source: (\S+) -->\n```python\n(.*?)\n```", read(DOCS / "how-to" / page), re.DOTALL
    )
    assert shown
    for path, code in shown:
        assert code == read(ROOT / path).strip()


def test_the_architecture_names_every_room_and_no_other():
    rooms = {path.parent.name for path in (ROOT / "chaosctl").glob("*/__init__.py")}
    table = read(DOCS / "architecture.md").split("## Rooms")[1].split("## Layers")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == rooms
    single = {path.stem for path in (ROOT / "chaosctl").glob("*.py") if not path.stem.startswith("__")}
    assert single == MODULES
    assert all(f"`{name}`" in table for name in single)


def test_the_architecture_draws_the_layers_that_are_enforced():
    enforced = PROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    drawn = re.search(r"<!-- layers -->\n```text\n(.*?)\n```", read(DOCS / "architecture.md"), re.DOTALL)
    assert drawn[1].splitlines() == [layer.replace("chaosctl.", "") for layer in enforced]


@pytest.mark.parametrize(
    ("section", "extra"), [("To run", None), ("To build", "build"), ("To develop", "dev")]
)
def test_every_dependency_has_its_reason_and_no_other_is_listed(section, extra):
    project = PROJECT["project"]
    wanted = project["optional-dependencies"][extra] if extra else project["dependencies"]
    table = read(DOCS / "dependencies.md").split(f"## {section}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([a-z0-9-]+) \| (\S.*?) \| (\S.*?) \|$", table, re.MULTILINE)
    listed = {name for name, _, _ in rows if name != "package"}
    assert listed == {re.match(r"[a-z0-9-]+", name)[0] for name in wanted}


def test_every_decision_is_in_the_list_and_says_context_decision_and_consequences():
    folder = DOCS / "decisions"
    listed = set(re.findall(r"\((\d{4}-[a-z-]+\.md)\)", read(folder / "README.md")))
    assert listed == {path.name for path in folder.glob("0*.md")}
    for name in listed:
        assert re.search(r"\*\*Context\.\*\*.+\*\*Decision\.\*\*.+\*\*Conseq", read(folder / name), re.DOTALL)


def test_the_statistics_page_tells_how_many_answers_a_certificate_needs():
    assert f"\n{samples_needed(0.01)} {samples_needed(0.05)}\n" in read(
        DOCS / "explanation" / "statistics.md"
    )


def test_every_make_target_that_a_document_names_exists():
    targets = set(re.findall(r"^([a-z0-9-]+):", read(ROOT / "Makefile"), re.MULTILINE))
    texts = [*map(read, PAGES), read(ROOT / ".pre-commit-config.yaml")]
    named = {
        name for text in texts for name in re.findall(r"(?:`|^    |: )make ([a-z0-9-]+)", text, re.MULTILINE)
    }
    assert named
    assert named <= targets


def test_hooks_before_a_commit_come_from_this_repository_alone():
    repositories = yaml.safe_load(read(ROOT / ".pre-commit-config.yaml"))["repos"]
    assert {one["repo"] for one in repositories} == {"local"}


def test_published_schemas_are_json_schemas():
    for path in (DOCS / "reference").glob("*.schema.json"):
        assert json.loads(read(path))["$schema"] == "https://json-schema.org/draft/2020-12/schema"
