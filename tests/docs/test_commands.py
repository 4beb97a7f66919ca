"""Why: the first thing that a reader does is to copy a command; it must work as it stands."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from chaosctl.cli import app
from chaosctl.traffic.proxy.settings import OPTIONS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
EXAMPLE = DOCS / "how-to" / "examples" / "own-server"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md"), *DOCS.glob("how-to/*.md")])
PROGRAM = re.compile(r"^(?:    )?(?:\.venv/bin/)?chaosctl (.+)$", re.MULTILINE)


def read(path):
    return path.read_text(encoding="utf-8")


def written(page):
    """The commands of a page, in blocks and in lines of text."""
    blocks = re.findall(r"^```sh\n(.*?)^```", read(page), re.MULTILINE | re.DOTALL)
    inline = re.findall(r"`chaosctl ([a-z][^`]*)`", read(page))
    return [*(line for block in blocks for line in PROGRAM.findall(block)), *inline]


def chaosctl(*arguments, home, cwd=ROOT):
    command = [sys.executable, "-m", "chaosctl", *arguments]
    environment = {**os.environ, "CHAOSCTL_HOME": str(home)}
    environment.pop("KUBECONFIG", None)
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, check=False)


def kubectl(*arguments, home):
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not on PATH")
    command = ["kubectl", "--kubeconfig", home / "sandbox" / "kubeconfig", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_in_a_document_exists_with_its_options(page):
    for line in written(page):
        command, rest = get_command(app), shlex.split(line)
        while rest and rest[0] in getattr(command, "commands", {}):
            command = command.commands[rest.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        options |= {f"--{name}" for name, *_ in OPTIONS} if command.name == "proxy" else set()
        used = {word.partition("=")[0] for word in rest if word.startswith("-")}
        assert used <= options, line


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    images = home / "images.yaml"
    images.write_text(read(EXAMPLE / "images.yaml").replace("HERE", str(EXAMPLE)))
    up = chaosctl("sandbox", "up", "--config", str(images), home=home)
    assert up.returncode == 0, up.stderr
    yield home
    assert chaosctl("sandbox", "down", home=home).returncode == 0


def test_what_the_tutorial_writes_is_a_playbook_that_would_run(sandbox, tmp_path):
    named, text = re.search(
        r"<!-- file: (\S+) -->\n```yaml\n(.*?)```", read(DOCS / "tutorial.md"), re.DOTALL
    ).groups()
    (tmp_path / named).write_text(text)
    assert chaosctl("lint", named, home=sandbox, cwd=tmp_path).stdout == "1 file: 0 errors, 0 warnings\n"
    plan = chaosctl("plan", named, "--sandbox", home=sandbox, cwd=tmp_path)
    assert plan.stdout.endswith("Would run.\n"), plan.stdout


def test_the_mistakes_that_the_tutorial_shows_are_found_as_it_shows_them(tmp_path):
    text = read(DOCS / "tutorial.md")
    wrong = re.search(r"<!-- file: \S+ -->\n```yaml\n(.*?)```", text, re.DOTALL)[1]
    wrong = wrong.replace("probe: slow, max: 10%", "probe: slwo, max: 10%").replace("hold: 10s", "hold: 10")
    (tmp_path / "wrong.yaml").write_text(wrong)
    found = chaosctl("lint", "wrong.yaml", home=tmp_path, cwd=tmp_path)
    assert found.returncode == 2
    assert found.stderr in text


def test_every_guard_that_a_plan_shows_is_in_the_reference(sandbox):
    plan = chaosctl("plan", "pod-kill", "--sandbox", home=sandbox).stdout
    shown = re.findall(r"^  [✓✗] ([^:\n]+)", plan, re.MULTILINE)
    reference = read(DOCS / "reference" / "guards.md")
    assert shown
    assert [name for name in shown if f"| {name} |" not in reference] == []


def test_a_halt_refuses_a_run_until_it_is_taken_back(sandbox):
    assert chaosctl("halt", "--sandbox", home=sandbox).stdout == "namespace models: drills halted\n"
    refused = chaosctl("plan", "noop", "--sandbox", home=sandbox)
    assert refused.returncode == 2
    assert "chaosctl resume" in refused.stdout
    assert chaosctl("resume", "--sandbox", home=sandbox).stdout == "namespace models: drills allowed\n"


def test_nothing_is_to_be_recovered_where_nothing_was_broken(sandbox):
    assert chaosctl("recover", "--sandbox", "--dry-run", home=sandbox).stdout == "nothing to recover\n"


def test_the_server_of_the_guide_serves_in_the_sandbox_and_its_drill_would_run(sandbox):
    kubectl("apply", "-f", EXAMPLE / "model.yaml", home=sandbox)
    kubectl("-n", "mine", "rollout", "status", "deployment/threshold", "--timeout=60s", home=sandbox)
    plan = chaosctl("plan", str(EXAMPLE / "drill.yaml"), "--sandbox", home=sandbox)
    assert plan.returncode == 0, plan.stdout
    assert "/env" in plan.stdout


def test_the_rights_of_the_guide_are_enough_for_their_faults_and_for_no_other(sandbox, tmp_path):
    kubectl("apply", "-f", DOCS / "how-to" / "examples" / "rights" / "rights.yaml", home=sandbox)
    token = kubectl("-n", "models", "create", "token", "chaosctl", home=sandbox).strip()
    config = yaml.safe_load(read(sandbox / "sandbox" / "kubeconfig"))
    config["users"][0]["user"] = {"token": token}
    server = config["clusters"][0]["cluster"]["server"]
    config["clusters"][0]["cluster"]["server"] = server.partition("/t/")[
        0
    ]  # without the administrator's token
    (tmp_path / "limited").write_text(yaml.safe_dump(config))
    target = ("--target", "models/Deployment/sample-model", "--kubeconfig", str(tmp_path / "limited"))
    for playbook in ("noop", "scale-down", "wrong-release", "pod-kill"):
        plan = chaosctl("plan", playbook, *target, home=sandbox)
        assert plan.stdout.endswith("Would run.\n"), plan.stdout
    refused = chaosctl("plan", "latency", *target, home=sandbox)
    assert refused.returncode == 2
    assert "services is forbidden" in refused.stdout


def test_a_pipeline_gets_its_reports_and_evidence_that_can_be_verified(sandbox, tmp_path):
    reports = ("--report", "junit=chaos.xml", "--report", "json=chaos.json")
    done = chaosctl("run", "noop", "--sandbox", "--quiet", *reports, home=sandbox, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    run = json.loads(read(tmp_path / "chaos.json"))
    assert run["verdict"] == "passed"
    assert 'failures="0" errors="0"' in read(tmp_path / "chaos.xml")
    export = chaosctl("runs", "export", run["run"], "--out", "evidence.zip", home=sandbox, cwd=tmp_path)
    assert export.returncode == 0, export.stderr
    assert ": intact: " in chaosctl("runs", "verify", "evidence.zip", home=sandbox, cwd=tmp_path).stdout
