import json
import os
from pathlib import Path

import pytest
from report.journals import ENDINGS, records

from chaosctl.report import Chain, compose, data, html, junit, markdown, svg

GOLDEN = Path(__file__).parents[2] / "postmortems"
CHAIN = Chain("9f2c" * 16, intact=True)


@pytest.fixture(scope="module")
def documents():
    return {name: compose(records(journal()), CHAIN) for name, journal in ENDINGS.items()}


def compare(name, text):
    """Equal to the file in postmortems/; with WRITE_GOLDEN=1 the file is written instead."""
    path = GOLDEN / name
    if os.environ.get("WRITE_GOLDEN"):
        path.write_text(text)
    assert path.read_text() == text, f"{path} differs: look at it, then write it anew with WRITE_GOLDEN=1"


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_post_mortem_of_every_ending_reads_as_its_example(documents, ending):
    compare(f"{ending}.md", markdown(documents[ending]))


def test_every_format_of_a_passed_run_is_as_its_example(documents):
    passed = documents["passed"]
    compare("passed.html", html(passed))
    compare("passed.svg", svg(passed.figure))
    compare("passed.json", json.dumps(data(passed, {"md": "postmortem.md"}), indent=1) + "\n")


def test_the_junit_file_of_all_endings_is_as_its_example(documents):
    compare("junit.xml", junit(documents.values()))
