"""Why: what ships must do what it says, as it is, on a cluster with real pods, and leave nothing behind."""

from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from cli.background import Results, asked, background
from cli.installation import ROOT, Installation, until

LANES = 5
TRIES = 3
STARVED = "this process was stopped, or too busy"  # as a run says of itself
PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yaml"))
UNDONE, BY_ITSELF, WATCHDOG = "chaosctl", None, "chaosctl-watchdog"


class Row(NamedTuple):
    """How a playbook must end on the sample model. `decides`: the checks that its verdict hangs on.

    `beside`: who undid the entries after the first one.
    """

    exit: int
    verdict: str
    restored_by: str | None
    decides: dict[str, str]
    clocks: tuple[str, ...] = ()
    beside: tuple[str | None, ...] = ()


TABLE = {
    "bad-artifact": Row(
        0,
        "passed",
        WATCHDOG,
        {"detect within 45 s": "passed", "bad-artifact: released": "passed"},
        ("detect", "rollback", "timeToRollBack"),
    ),
    "bandwidth": Row(
        0, "passed", UNDONE, {"bandwidth: connections touched": "passed"}, ("mitigate", "recover")
    ),
    "body-change": Row(
        0,
        "passed",
        UNDONE,
        {"body-change: requests touched": "passed", "recover within 45 s": "passed"},
        ("impact", "recover"),
    ),
    "burst": Row(
        0,
        "passed",
        BY_ITSELF,
        {
            "burst: requests sent": "passed",
            "broken ≤ 1 % over the run": "passed",
            "recover within 30 s": "passed",
        },
    ),
    "cordon": Row(
        0,
        "passed",
        UNDONE,
        {"cordon: nodes closed": "passed", "pod-kill: pods gone": "passed", "recover within 30 s": "passed"},
        beside=(BY_ITSELF,),
    ),
    "config-removed": Row(0, "passed", UNDONE, {"config: restarted": "passed"}),
    "crash-release": Row(
        0,
        "passed",
        WATCHDOG,
        {"detect within 45 s": "passed", "rollback within 60 s": "passed", "release: released": "passed"},
        ("detect", "rollback", "timeToDetect", "timeToRollBack"),
    ),
    "disconnect": Row(0, "passed", UNDONE, {"recover within 45 s": "passed"}, ("impact", "recover")),
    "drain": Row(0, "passed", UNDONE, {"drain: nodes empty": "passed", "recover within 45 s": "passed"}),
    "errors": Row(0, "passed", UNDONE, {"recover within 45 s": "passed"}, ("impact", "recover")),
    "healthy-release": Row(0, "passed", UNDONE, {"no detect": "passed", "release: released": "passed"}),
    "hpa": Row(
        0, "passed", UNDONE, {"hpa: autoscaler changed": "passed", "ready ≥ 3 replicas (expect)": "passed"}
    ),
    "latency": Row(0, "passed", UNDONE, {"latency: requests touched": "passed"}, ("mitigate", "recover")),
    "nobody-feels-it": Row(4, "inconclusive", BY_ITSELF, {"pod-kill: errors ≥ 90 %": "inconclusive"}),
    "noop": Row(0, "passed", UNDONE, {"noop: labelled": "passed"}),
    "partition": Row(
        0,
        "passed",
        UNDONE,
        {"partition: requests fail": "passed", "recover within 45 s": "passed"},
        ("impact", "recover"),
    ),
    "pod-kill": Row(
        0, "passed", BY_ITSELF, {"pod-kill: pods gone": "passed", "recover within 30 s": "passed"}
    ),
    "pod-kill-half": Row(
        0, "passed", BY_ITSELF, {"pod-kill: pods gone": "passed", "recover within 30 s": "passed"}
    ),
    "quota": Row(
        0,
        "passed",
        UNDONE,
        {"quota: quota enforced": "passed", "pod-kill: pods gone": "passed", "recover within 90 s": "passed"},
        ("recover",),
        beside=(BY_ITSELF,),
    ),
    "resource-squeeze": Row(
        0,
        "passed",
        WATCHDOG,
        {"detect within 45 s": "passed", "resource-squeeze: released": "passed"},
        ("detect", "rollback", "timeToRollBack"),
    ),
    "scale-down": Row(
        0, "passed", UNDONE, {"scale-down: scaled down": "passed", "slow ≤ 500 ms": "passed"}, ("recover",)
    ),
    "slow-body": Row(0, "passed", UNDONE, {"slow-body: requests touched": "passed"}, ("mitigate", "recover")),
    "slow-release": Row(
        1, "failed", UNDONE, {"rollback within 20 s": "failed", "release: released": "passed"}
    ),
    "wrong-release": Row(
        0,
        "passed",
        WATCHDOG,
        {"detect within 30 s": "passed", "rollback within 45 s": "passed", "recover within 60 s": "passed"},
        ("impact", "detect", "rollback", "recover", "timeToDetect", "timeToRollBack", "timeToRecover"),
    ),
    "zone-outage": Row(0, "passed", BY_ITSELF, {"zone-outage: zone empty": "passed"}, ("recover",)),
}
AUTOSCALER = {
    "metadata": {"name": "sample-model"},
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "sample-model"},
        "minReplicas": 3,
        "maxReplicas": 6,
    },
}
BRINGS = {"hpa": {"apis/autoscaling/v2/namespaces/models/horizontalpodautoscalers": AUTOSCALER}}
LONGEST_FIRST = ("slow-release", "healthy-release", "crash-release", "wrong-release", "config-removed")


@pytest.fixture(scope="session")
def runs(request, tmp_path_factory):
    """One run of every playbook that a selected test asks for; many at once, each on its own sandbox."""
    order = sorted(asked(request, "playbook", __file__), key=lambda name: name not in LONGEST_FIRST)
    cases = {name: _case(name) for name in order}
    with background(tmp_path_factory, "library", cases, LANES) as results:
        yield results


def _case(playbook):
    def run(installation: Installation):
        cluster = installation.up()
        with _furnished(cluster, playbook):
            before = cluster.picture()
            done = _run(playbook, installation)
            until(lambda: cluster.picture()["pods"] == before["pods"], 30)
            return {
                "code": done.code,
                "document": done.json,
                "before": before,
                "after": cluster.picture(),
                "ledgers": cluster.ledgers(),
                "history": installation("runs", "verify", done.json["run"]).out,
            }

    return run


@contextmanager
def _furnished(cluster, playbook):
    """With what the playbook needs and a sandbox does not have; other runs of the lane must not find it."""
    brought = BRINGS.get(playbook, {})
    for path, body in brought.items():
        cluster.request("POST", path, body)
    yield
    for path, body in brought.items():
        cluster.request("DELETE", f"{path}/{body['metadata']['name']}")


def _run(playbook, installation: Installation):
    """A run that says that its machine did not let it see enough is no evidence, and is done again."""
    for _ in range(TRIES):
        done = installation("run", playbook, "--sandbox", "--seed", "7", "--output", "json")
        page = Path(done.json["postmortem"]["md"]).read_text(encoding="utf-8")
        if done.code == TABLE[playbook].exit or STARVED not in page:
            break
    return done


def test_the_table_names_every_playbook_that_ships():
    assert sorted(TABLE) == PLAYBOOKS


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_shipped_playbook_ends_as_it_says(playbook, runs: Results):
    row, found = TABLE[playbook], runs[playbook]
    document = found["document"]
    verdicts = {check["name"]: check["verdict"] for check in document["checks"]}
    told = (found["code"], document["exit"], document["verdict"], document["revert"], document["why"])
    assert told[:4] == (row.exit, row.exit, row.verdict, "clean"), told
    assert [entry["restoredBy"] for entry in document["entries"]] == [row.restored_by, *row.beside]
    assert {name: verdicts.get(name) for name in row.decides} == row.decides
    assert [name for name in row.clocks if name not in document["clocks"]] == []
    assert "intact" in found["history"]


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_shipped_playbook_leaves_its_target_as_it_was(playbook, runs: Results):
    found = runs[playbook]
    assert found["before"] == found["after"]
    assert set(found["ledgers"]) <= {"closed"}


@pytest.mark.parametrize("playbook", [name for name in PLAYBOOKS if name.endswith("-release")])
def test_a_reaction_to_a_release_is_timed_only_where_it_was_not_ours(playbook, runs: Results):
    clocks = runs[playbook]["document"]["clocks"]
    reacted = TABLE[playbook].restored_by == WATCHDOG
    assert ("rollback" in clocks, "detect" in clocks) == (reacted, reacted)
    assert [name for name, found in clocks.items() if found["low"] > found["high"]] == []
