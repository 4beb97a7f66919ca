"""Why: the example drills are what people copy first, so they run as they are."""

import pytest
from cli.background import Results, asked, background
from cli.installation import ROOT, Installation, until

DRILLS = sorted(path.stem for path in (ROOT / "drills").glob("*.yaml"))
TABLE = {
    "release-gate": [
        ("wrong-release", "passed", "chaosctl-watchdog"),
        ("healthy-release", "passed", "chaosctl"),
    ],
    "sample-game-day": [
        ("pod-kill", "passed", None),
        ("errors", "passed", "chaosctl"),
        ("crash-release", "passed", "chaosctl-watchdog"),
    ],
    "weekly-drill": [("pod-kill", "passed", None)],
}


@pytest.fixture(scope="session")
def drills(request, tmp_path_factory):
    """One run of every drill that a selected test asks for, each on its own sandbox."""
    cases = {name: _case(name) for name in asked(request, "drill", __file__)}
    with background(tmp_path_factory, "drills", cases, len(DRILLS)) as results:
        yield results


def _case(drill):
    def run(installation: Installation):
        cluster = installation.up()
        before = cluster.picture()
        done = installation("run", drill, "--sandbox", "--output", "json")
        until(lambda: cluster.picture()["pods"] == before["pods"], 30)
        return {"code": done.code, "document": done.json, "same": cluster.picture() == before}

    return run


def test_the_table_names_every_drill_that_ships():
    assert sorted(TABLE) == DRILLS


@pytest.mark.parametrize("drill", DRILLS)
def test_a_shipped_drill_runs_its_playbooks_in_order_and_passes(drill, drills: Results):
    found = drills[drill]
    document = found["document"]
    runs = [(one["playbook"], one["verdict"], one["entries"][0]["restoredBy"]) for one in document["runs"]]
    assert runs == TABLE[drill], [one["why"] for one in document["runs"]]
    assert (found["code"], document["drill"], found["same"]) == (0, drill, True)


def test_a_drill_takes_no_target_from_the_command_line(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    done = Installation(home)(
        "run", "release-gate", "--sandbox", "--target", "models/Deployment/sample-model"
    )
    assert (done.code, "a drill names its own" in done.err) == (2, True)
