"""Why: a drill is worth what is left of it: it can be read, watched, handed over and proven."""

from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import pytest
from cli.installation import Finished

ESCAPE = "\x1b"


class Run(NamedTuple):
    """A finished run of noop, and what its command left."""

    id: str
    done: Finished
    junit: Path
    report: Path
    document: Any


@pytest.fixture(scope="session")
def run(installation, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    junit, report = folder / "out.xml", folder / "out.json"
    options = ("--report", f"junit={junit}", "--report", f"json={report}", "--output", "json")
    done = installation("run", "noop", "--sandbox", *options)
    assert done.code == 0, done.err
    return Run(done.json["run"], done, junit, report, done.json)


def test_json_is_one_document_alone_on_stdout(run: Run):
    assert (run.document["playbook"], run.document["verdict"], run.document["exit"]) == ("noop", "passed", 0)
    assert run.done.err == ""
    assert run.report.read_text() == run.done.out.rstrip("\n")


def test_junit_has_a_test_case_for_each_check_and_no_failure(run: Run):
    (suite,) = ET.parse(run.junit).getroot()  # noqa: S314 - our own file
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")
    names = {case.get("name") for case in suite}
    assert {check["name"] for check in run.document["checks"]} <= names


def test_runs_list_shows_the_newest_first(installation, run: Run):
    lines = installation("runs", "list").out.splitlines()
    assert lines[0].split() == ["RUN", "PLAYBOOK", "TARGET", "STARTED", "PHASE", "VERDICT"]
    row = next(line.split() for line in lines if line.startswith(run.id))
    assert (row[1], row[2], row[-1]) == ("noop", "models/sample-model", "passed")
    assert any(one["id"] == run.id for one in installation("runs", "list", "--output", "json").json)


def test_runs_show_tells_the_same_as_the_run_did(installation, run: Run):
    assert installation("runs", "show", run.id, "--output", "json").json == run.document
    text = installation("runs", "show", run.id[:4]).out
    assert text.startswith("PASSED")
    assert "exit 0" in text


def test_runs_watch_shows_a_run_to_its_end_without_colours_on_a_pipe(installation, run: Run):
    done = installation("runs", "watch", run.id)
    assert done.code == 0
    assert "noop: everything is as before (undone)" in done.out
    assert "PASSED" in done.out
    assert ESCAPE not in done.out


def test_an_exported_run_is_intact_anywhere_and_one_changed_byte_is_noticed(installation, run: Run, tmp_path):
    bundle = tmp_path / "evidence.chaosctl"
    assert installation("runs", "export", run.id, "--out", str(bundle)).code == 0
    verified = installation("runs", "verify", str(bundle))
    assert (verified.code, "intact" in verified.out) == (0, True)
    content = bytearray(bundle.read_bytes())
    content[content.index(b"Applied" if b"Applied" in content else b"applied")] ^= 1
    bundle.write_bytes(content)
    changed = installation("runs", "verify", str(bundle))
    assert (changed.code, changed.out) == (1, "")
    assert "CHANGED" in changed.err


def test_a_run_in_the_store_can_be_verified_by_name(installation, run: Run):
    done = installation("runs", "verify", run.id)
    assert (done.code, "intact" in done.out) == (0, True)


def test_writing_a_post_mortem_anew_keeps_what_people_wrote(installation, run: Run, tmp_path):
    first = installation("postmortem", "render", run.id, "--out", str(tmp_path)).out.split()
    assert [Path(path).name for path in first] == ["postmortem.md", "postmortem.html"]
    page = tmp_path / "postmortem.md"
    begin = "<!-- people: luck -->\n"
    head, _, rest = page.read_text().partition(begin)
    end = rest[rest.index("<!-- end of people: luck -->") :]
    page.write_text(f"{head}{begin}It was a quiet Monday.\n{end}")
    written = page.read_text()
    assert installation("postmortem", "render", run.id, "--out", str(tmp_path)).code == 0
    assert page.read_text() == written
    assert "It was a quiet Monday." in (tmp_path / "postmortem.html").read_text()


def test_the_html_page_needs_nothing_from_elsewhere(run: Run):
    page = Path(run.document["postmortem"]["html"]).read_text()
    assert "EXERCISE" in page
    assert [word for word in ("<script src", "<link rel", "@import", "url(http") if word in page] == []


@pytest.mark.parametrize("unknown", ["runs show zzz", "runs watch zzz", "runs verify zzz", "abort zzz"])
def test_a_run_that_is_not_there_is_named_with_the_way_to_the_list(installation, unknown):
    done = installation(*unknown.split())
    assert (done.code, done.out) == (2, "")
    assert "zzz" in done.err
    assert "chaosctl runs" in done.err


def test_a_run_that_has_ended_cannot_be_stopped(installation, run: Run):
    done = installation("abort", run.id)
    assert (done.code, done.err) == (2, f"chaosctl: {run.id} has ended already\n")


@pytest.mark.parametrize("options", [(), ("--quiet",), ("--output", "json")])
def test_a_refusal_is_on_stderr_however_quiet_the_run_is(installation, options):
    done = installation("run", "noop", "--sandbox", "--target", "models/Deployment/nothing", *options)
    assert done.code == 2
    assert "Deployment models/nothing does not exist" in done.err
    assert ESCAPE not in done.out + done.err
    assert "--output" not in options or done.json["verdict"] == "refused"


def test_a_quiet_run_prints_its_verdict_and_nothing_else(installation):
    done = installation("run", "noop", "--sandbox", "--quiet")
    assert (done.code, done.err) == (0, "")
    assert done.out.split() == ["PASSED", "reverted", "clean", "exit", "0"]


def test_lint_and_plan_have_documents_for_programs(installation):
    assert installation("lint", "noop", "--output", "json").json == []
    plan = installation("plan", "noop", "--sandbox", "--output", "json").json
    assert plan["wouldRun"] is True
    assert {guard["refusal"] for guard in plan["plans"][0]["guards"]} == {None}
