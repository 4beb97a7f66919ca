"""Why: an image is trusted for what is not in it and what it cannot do, so its recipe is read."""

import json
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from chaosctl.sandbox.node.images import SAMPLE_MODELS

ROOT = Path(__file__).parents[2]
RECIPE = (ROOT / "Containerfile").read_text()
BUILD = (ROOT / "tests" / "cluster" / "image" / "images").read_text()


def instructions(text):
    """Each instruction with its arguments, lines joined, comments left out."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def stages():
    """Every stage by its name, as its instructions; the last one has no name."""
    found, name = {}, None
    for word, rest in instructions(RECIPE):
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found[name] = [("FROM", base)]
        elif name is not None:
            found[name].append((word, rest))
    return found


STAGES = stages()
SHIPPED = ("chaosctl", "model")


def the(stage, word):
    return [rest for each, rest in STAGES[stage] if each == word]


def test_nobody_is_root_and_kubernetes_can_tell():
    assert the("chaosctl", "USER") == ["65532:65532"]
    assert the("model", "USER") == []


@pytest.mark.parametrize("stage", SHIPPED)
def test_it_starts_without_a_shell(stage):
    [start] = the(stage, "ENTRYPOINT")
    assert all(isinstance(word, str) for word in json.loads(start))


@pytest.mark.parametrize("stage", SHIPPED)
def test_nothing_is_run_in_what_ships_so_any_base_will_do(stage):
    assert the(stage, "RUN") == []


def test_what_ships_comes_from_the_base_and_nothing_that_builds_comes_along():
    assert STAGES["chaosctl"][0] == ("FROM", "${BASE}")
    assert STAGES["model"][0] == ("FROM", "chaosctl")
    assert STAGES[""] == [("FROM", "chaosctl")]
    assert the("chaosctl", "COPY") == ["--from=imported /opt/chaosctl /opt/chaosctl", "--from=own /own /"]


def test_packages_come_with_their_hashes_or_from_what_came_so():
    commands = [each for stage in STAGES for each in the(stage, "RUN")]
    fetching = re.findall(r"pip [^&]*(?:download|install|wheel) [^&]*", " && ".join(commands))
    assert fetching
    assert all("--no-index" in each or "--require-hashes" in each for each in fetching)


def test_no_address_is_in_the_recipe():
    assert "://" not in RECIPE + BUILD


def test_what_is_copied_is_there_and_reaches_the_build():
    ignored = (ROOT / ".containerignore").read_text().splitlines()
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    copied = {word for stage in STAGES for each in the(stage, "COPY") for word in each.split()[:-1]}
    wanted = {word for word in copied if not word.startswith(("--from", "/"))}
    assert wanted == let_in
    assert all((ROOT / name).exists() for name in wanted)


def test_the_labels_are_those_that_registries_show():
    labels = " ".join(the("chaosctl", "LABEL"))
    for name in ("title", "description", "version", "licenses"):
        assert f"org.opencontainers.image.{name}=" in labels


def test_every_version_of_the_sample_model_is_a_stage():
    found = {}
    for name, stage in STAGES.items():
        if name.startswith("sample-model-"):
            assert [word for word, _ in stage] == ["FROM", "ENV"]
            assert stage[0] == ("FROM", "model")
            version = stage[1][1].removeprefix("CHAOSCTL_MODEL_VERSION=")
            found[f"chaosctl.dev/{name.replace('model-', 'model:', 1)}"] = version
    assert found == {name: name.partition(":")[2] for name in SAMPLE_MODELS}


def test_a_build_is_repeated_when_anything_that_goes_into_it_has_changed():
    script = (ROOT / "tests" / "cluster" / "image" / "build").read_text()
    looked_at = re.search(r"inputs=\((.*?)\)", script, re.DOTALL)[1].split()
    let_in = {
        line[1:] for line in (ROOT / ".containerignore").read_text().splitlines() if line.startswith("!")
    }
    for name in (*let_in, "Containerfile", "tests/cluster/image/images"):
        assert any(fnmatch(name, f"{each}*") for each in looked_at), name
