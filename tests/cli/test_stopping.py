"""Why: whoever sees that a drill does harm stops it, and everything is as before, however it was stopped."""

import signal

import pytest
from cli.background import Results, background
from cli.installation import Cluster, Installation, finished, until
from cli.playbooks import playbook

LANES = 5
GUARDIAN = "apis/apps/v1/namespaces/chaosctl-system/deployments/chaosctl-guardian"
ONE_REPLICA = {"kind": "scale-down", "replicas": 1}


def broken(installation: Installation, *options: str):
    """A run in its hold: the model has one replica instead of three."""
    cluster = installation.up()
    before = cluster.picture()
    file = playbook(installation.home, ONE_REPLICA, hold="100s")
    running = installation.start("run", file, "--sandbox", *options)
    until(lambda: cluster.model()["spec"]["replicas"] == 1)
    return cluster, before, running


def ended(cluster: Cluster, before, running):
    done = finished(running)
    until(lambda: cluster.picture()["pods"] == before["pods"])
    told = {"code": done.code, "out": done.out, "err": done.err}
    return {**told, "same": cluster.picture() == before, "ledgers": cluster.ledgers()}


def interrupted(installation: Installation):
    cluster, before, running = broken(installation)
    running.send_signal(signal.SIGINT)
    return ended(cluster, before, running)


def interrupted_twice(installation: Installation):
    cluster, before, running = broken(installation)
    running.send_signal(signal.SIGINT)
    until(lambda: cluster.model()["spec"]["replicas"] == 3)
    running.send_signal(signal.SIGINT)
    return ended(cluster, before, running)


def aborted(installation: Installation):
    cluster, before, running = broken(installation)
    (name,) = [
        run["id"] for run in installation("runs", "list", "--output", "json").json if not run["verdict"]
    ]
    said = installation("abort", "--all")
    return {**ended(cluster, before, running), "said": said.out, "run": name}


def halted(installation: Installation):
    cluster, before, running = broken(installation)
    said = installation("halt", "--sandbox").out
    found = ended(cluster, before, running)
    refused = installation("run", "noop", "--sandbox")
    resumed = installation("resume", "--sandbox").out
    plan = installation("plan", "noop", "--sandbox")
    return {
        **found,
        "said": said,
        "refused": [refused.code, refused.err],
        "resumed": resumed,
        "plan": plan.code,
    }


def killed(installation: Installation):
    """Nobody reverts by itself here: no guardian, and the runner is dead."""
    installation.up().edit(GUARDIAN, {"spec": {"replicas": 0}})
    cluster, before, running = broken(installation, "--guardian", "none")
    until(lambda: len(cluster.pods()) == 1)
    running.send_signal(signal.SIGKILL)
    code = finished(running).code
    dry = installation("recover", "--sandbox", "--dry-run")
    still = cluster.model()["spec"]["replicas"]
    real = installation("recover", "--sandbox", "--output", "json")
    until(lambda: cluster.picture()["pods"] == before["pods"])
    again = installation("recover", "--sandbox")
    (run,) = installation("runs", "list", "--output", "json").json
    page = installation.home / "runs" / run["id"] / "postmortem.md"
    return {
        "code": code,
        "dry": [dry.code, dry.out],
        "still": still,
        "real": [real.code, real.json],
        "same": cluster.picture() == before,
        "ledgers": cluster.ledgers(),
        "again": again.out,
        "run": run,
        "page": page.read_text(),
        "intact": installation("runs", "verify", run["id"]).code,
    }


CASES = {case.__name__: case for case in (interrupted, interrupted_twice, aborted, halted, killed)}
STOPPED = ("interrupted", "interrupted_twice", "aborted", "halted")


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Every case at once, each on its own sandbox."""
    with background(tmp_path_factory, "stopping", CASES, LANES) as results:
        yield results


@pytest.mark.parametrize("case", STOPPED)
def test_a_run_that_is_stopped_puts_everything_back_and_says_so(case, runs: Results):
    found = runs[case]
    assert (found["code"], found["same"], found["ledgers"]) == (3, True, ["closed"]), found["err"]
    assert "ABORTED  reverted clean" in found["out"]
    assert found["err"] == ""


def test_an_interrupted_run_still_certifies_that_the_target_recovered(runs: Results):
    assert "interrupted (SIGINT)" in runs["interrupted"]["out"]
    assert "scale-down: everything is as before (undone)" in runs["interrupted"]["out"]


def test_abort_names_the_run_and_the_way_to_watch_it(runs: Results):
    assert f"chaosctl runs watch {runs['aborted']['run']}" in runs["aborted"]["said"]
    assert "a person asked for it" in runs["aborted"]["out"]


def test_a_halt_stops_what_runs_and_what_would_start_until_it_is_lifted(runs: Results):
    found = runs["halted"]
    assert found["said"] == "namespace models: drills halted\n"
    assert "drills are halted in models" in found["out"]
    assert found["refused"][0] == 2
    assert "`chaosctl resume` allows them again" in found["refused"][1]
    assert found["resumed"] == "namespace models: drills allowed\n"
    assert found["plan"] == 0


def test_recovering_on_trial_only_says_what_it_would_do(runs: Results):
    code, said = runs["killed"]["dry"]
    assert (code, runs["killed"]["still"]) == (0, 1)
    assert "would be reverted" in said


def test_a_run_that_was_killed_is_reverted_and_gets_its_post_mortem(runs: Results):
    found = runs["killed"]
    assert found["code"] == -signal.SIGKILL
    code, recovered = found["real"]
    assert code == 0, recovered
    assert [one["verdict"] for one in recovered["finished"]] == ["aborted"]
    assert (found["same"], found["ledgers"], found["again"]) == (True, [], "nothing to recover\n")
    assert (found["run"]["phase"], found["run"]["verdict"], found["intact"]) == ("done", "aborted", 0)
    assert "EXERCISE" in found["page"]
