"""Why: a shipped playbook must be found by its name from wherever one stands."""

from pathlib import Path

import pytest

from chaosctl.catalog import check_file, find_playbook, installed, library
from chaosctl.errors import Invalid
from chaosctl.spec.problems import Severity


def test_a_path_is_taken_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    assert find_playbook("folder") == Path("folder")
    assert find_playbook("my/own.yaml") == Path("my/own.yaml")
    assert find_playbook("own.yaml") == Path("own.yaml")


def test_a_name_that_nothing_has_is_refused():
    for name in ("nothing-like-it", "x" * 5000, "a\0b"):
        with pytest.raises(Invalid, match="is no file, and nothing that ships is called so"):
            find_playbook(name)


def test_shipped_playbooks_are_found_by_name():
    assert all(find_playbook(name) == path for name, path in library().items())


@pytest.mark.parametrize("what", ["playbooks", "drills"])
def test_what_ships_has_no_errors(what):
    found = [problem for path in library(what).values() for problem in check_file(path, installed())]
    assert [problem.render() for problem in found if problem.severity is Severity.ERROR] == []
