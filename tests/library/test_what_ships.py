"""Why: people approve a playbook by its digest, so nobody may change one that ships without noticing."""

import json
from pathlib import Path

import pytest
from cli.installation import ROOT

from chaosctl.operations.documents import lint
from chaosctl.operations.order import SAMPLE, Access, order

APPROVED = json.loads(Path(__file__).with_name("digests.json").read_text())
PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yaml"))


def digest(playbook):
    return order(playbook, SAMPLE, (), Access(), "auto", 7).scripts[0].digest


def test_every_shipped_playbook_has_the_digest_that_was_approved():
    assert {name: digest(name) for name in PLAYBOOKS} == APPROVED


def test_a_digest_covers_the_target():
    changed = order("noop", "other/Deployment/model", (), Access(), "auto", 7).scripts[0].digest
    assert changed != digest("noop")


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_shipped_playbook_has_no_errors_and_no_warnings(playbook):
    assert [problem.render() for problem in lint([playbook])] == []
