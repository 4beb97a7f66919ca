"""Why: the image's tag is the wheel's version, so the wheel is whole, and the same every time."""

import os
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def build(folder):
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    command += ["--no-index", "--disable-pip-version-check", "--wheel-dir", folder, "."]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "SOURCE_DATE_EPOCH": "1580601600"}, check=True)
    [wheel] = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build(tmp_path_factory.mktemp("wheel"))


def names(wheel):
    return set(zipfile.ZipFile(wheel).namelist())


def test_it_is_named_by_its_version(wheel):
    assert wheel.name == f"chaosctl-{version('chaosctl')}-py3-none-any.whl"


def test_built_twice_it_is_the_same_file(wheel, tmp_path):
    assert build(tmp_path).read_bytes() == wheel.read_bytes()


@pytest.mark.parametrize("room", ["playbooks", "drills"])
def test_the_library_is_in_it(wheel, room):
    shipped = {f"chaosctl/library/{room}/{path.name}" for path in (ROOT / room).glob("*.yaml")}
    assert shipped
    assert shipped <= names(wheel)


def test_what_is_no_code_is_in_it_too(wheel):
    wanted = {path for path in (ROOT / "chaosctl").rglob("*") if path.suffix not in {"", ".py", ".pyc"}}
    assert {str(path.relative_to(ROOT)) for path in wanted if path.is_file()} <= names(wheel)


def test_nothing_else_is_in_it(wheel):
    places = {name.split("/")[0] for name in names(wheel)}
    assert places == {"chaosctl", f"chaosctl-{version('chaosctl')}.dist-info"}
    assert not [name for name in names(wheel) if name.endswith(".pyc") or "/tests/" in name]


def test_its_command_is_the_light_one(wheel):
    with zipfile.ZipFile(wheel) as opened:
        [points] = [name for name in opened.namelist() if name.endswith("entry_points.txt")]
        assert "chaosctl = chaosctl.__main__:main" in opened.read(points).decode()
