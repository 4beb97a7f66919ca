"""Why: a verdict is worth something only if it is withheld where nothing was shown, and never borrowed."""

import pytest
from cli.background import Results, asked, background
from cli.installation import Cluster, Installation, finished, until
from cli.playbooks import playbook

LANES = 5
DEPLOYMENT = "apis/apps/v1/namespaces/models/deployments/sample-model"
WATCHDOG = "apis/apps/v1/namespaces/chaosctl-system/deployments/chaosctl-watchdog"
ONE_REPLICA = {"kind": "scale-down", "replicas": 1}


def report(installation: Installation, *arguments: str):
    done = installation("run", *arguments, "--sandbox", "--output", "json")
    return {"code": done.code, "document": done.json}


def without_data(installation: Installation):
    """An expectation that reads a metric of a Prometheus that is not there."""
    installation.up()
    nowhere = {"kind": "prometheus", "url": "http://127.0.0.1:9", "query": "up"}
    expect = [{"probe": "metric", "max": 1}]
    file = playbook(installation.home, {"kind": "noop"}, probes={"metric": nowhere}, expect=expect)
    return report(installation, file)


def disturbed(installation: Installation, replicas: int):
    """Somebody sets the replicas while they are scaled down."""
    cluster = installation.up()
    file = playbook(installation.home, ONE_REPLICA, hold="10s")
    running = installation.start("run", file, "--sandbox", "--output", "json")
    until(lambda: cluster.model()["spec"]["replicas"] == 1)
    until(lambda: len(cluster.pods()) == 1)
    cluster.edit(DEPLOYMENT, {"spec": {"replicas": replicas}})
    done = finished(running)
    left = cluster.model()["spec"]["replicas"]
    cluster.edit(DEPLOYMENT, {"spec": {"replicas": 3}})
    page = installation("runs", "show", done.json["run"])
    return {
        "code": done.code,
        "document": done.json,
        "left": left,
        "ledgers": cluster.ledgers(),
        "shown": page.out,
        "postmortem": _page(done.json),
    }


def changed_meanwhile(installation: Installation):
    return disturbed(installation, 2)


def ended_early(installation: Installation):
    return disturbed(installation, 3)


def watchdog_off(installation: Installation):
    return wrong_weights(installation, installation.up("--no-watchdog"))


def watchdog_gone(installation: Installation):
    cluster = installation.up()
    cluster.edit(WATCHDOG, {"spec": {"replicas": 0}})
    until(lambda: len(cluster.items("pods", "chaosctl-system")) == 1)
    return wrong_weights(installation, cluster)


def wrong_weights(installation: Installation, cluster: Cluster):
    before = cluster.picture()
    found = report(installation, "wrong-release")
    return {**found, "before": before, "after": cluster.picture(), "postmortem": _page(found["document"])}


def _page(document):
    with open(document["postmortem"]["md"], encoding="utf-8") as file:  # noqa: PTH123 - a path from a report
        return file.read()


CASES = {
    case.__name__: case
    for case in (watchdog_off, watchdog_gone, changed_meanwhile, ended_early, without_data)
}
WITHOUT_WATCHDOG = ("watchdog_off", "watchdog_gone")


@pytest.fixture(scope="session")
def runs(request, tmp_path_factory):
    """Every case that a selected test asks for, at once, each on its own sandbox."""
    wanted = asked(request, "case", __file__)
    cases = {name: case for name, case in CASES.items() if name in wanted}
    with background(tmp_path_factory, "proofs", cases, LANES) as results:
        yield results


def case(*names):
    return pytest.mark.parametrize("case", names)


@case("without_data")
def test_a_probe_without_data_makes_a_run_inconclusive(case, runs: Results):
    document = runs[case]["document"]
    metric = next(check for check in document["checks"] if check["role"] == "expect")
    assert (runs[case]["code"], document["verdict"]) == (4, "inconclusive")
    assert metric["verdict"] == "inconclusive"
    assert document["revert"] == "clean"


@case("changed_meanwhile")
def test_a_field_that_somebody_changed_during_the_hold_is_left_alone(case, runs: Results):
    found = runs[case]
    (entry,) = found["document"]["entries"]
    assert (found["left"], entry["state"], found["document"]["revert"]) == (2, "superseded", "superseded")
    assert found["ledgers"] == ["closed"]


@case("changed_meanwhile", "ended_early")
def test_who_ended_an_effect_is_told_in_the_report_and_in_the_post_mortem(case, runs: Results):
    (entry,) = runs[case]["document"]["entries"]
    assert "kubectl-edit" in entry["why"]
    assert "kubectl-edit" in runs[case]["postmortem"]
    assert runs[case]["code"] != 0


@case("ended_early")
def test_an_effect_that_somebody_ended_early_is_nobodys_failure_and_nobodys_proof(case, runs: Results):
    found = runs[case]
    assert (found["left"], found["document"]["revert"]) == (3, "clean")
    assert found["document"]["verdict"] == "inconclusive"


@case(*WITHOUT_WATCHDOG)
def test_a_wrong_release_without_a_watchdog_fails(case, runs: Results):
    found = runs[case]
    failed = [check["name"] for check in found["document"]["checks"] if check["verdict"] == "failed"]
    assert found["code"] == 1
    assert {"detect within 30 s", "rollback within 45 s"} <= set(failed)
    assert found["before"] == found["after"]


@case(*WITHOUT_WATCHDOG)
def test_our_own_undo_is_never_credited_as_a_rollback(case, runs: Results):
    document = runs[case]["document"]
    assert [entry["restoredBy"] for entry in document["entries"]] == ["chaosctl"]
    assert [name for name in ("detect", "rollback", "timeToRollBack") if name in document["clocks"]] == []
