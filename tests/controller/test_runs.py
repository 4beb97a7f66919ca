"""Why: people apply an object and look at it; that must be enough to run, follow and stop a drill."""

import pytest
from controller.objects import TARGET, drill, playbook
from controller.place import asked, here, until

pytestmark = pytest.mark.usefixtures("installation")

LONG = {"timeline": [{"at": "0s", "inject": {"kind": "scale-down", "replicas": 1}, "hold": "10m"}]}


def target(space):
    return {**TARGET, "namespace": space}


def condition(status, kind):
    return next(one for one in status["conditions"] if one["type"] == kind)


def test_a_run_that_is_applied_runs_and_shows_how_it_went(place, space):
    place.furnish(space)
    place.apply(asked(space))
    status = place.over("first", space)

    assert (status["phase"], status["verdict"], status["revert"], status["exit"]) == (
        "Done",
        "passed",
        "clean",
        0,
    )
    assert {one["type"]: one["status"] for one in status["conditions"]} == dict.fromkeys(
        ("Accepted", "SteadyBefore", "Injected", "Felt", "Reverted", "Recovered", "Finished"), "True"
    )
    assert place.replicas(space) == 3
    row = place.kubectl("get", "runs", "-n", space).splitlines()[1].split()
    assert row[:6] == ["first", "shrink", f"{space}/ranker", "Done", "passed", "clean"]
    until(lambda: "Passed" in place.reasons("first", space))
    heard = place.reasons("first", space)
    assert heard[:2] == ["Accepted", "Started"]
    assert heard[-1] == "Passed"
    assert {"Injected", "Reverted", "Recovered"} <= set(heard)
    assert len(heard) == len(set(heard))


def test_a_run_goes_through_its_phases_in_sight(place, space):
    place.furnish(space, **LONG)
    place.apply(asked(space))
    place.injected("first", space)
    status = place.phase("first", space, "Active")

    assert (status["playbook"], status["target"], status.get("verdict", "")) == (
        "shrink",
        f"{space}/ranker",
        "",
    )
    assert status["message"].startswith("scale-down appl")
    place.kubectl(
        "patch", "runs", "first", "-n", space, "--type=merge", "-p", '{"spec":{"abort":"it hurts"}}'
    )
    ended = place.over("first", space)

    assert (ended["verdict"], ended["revert"], ended["message"]) == (
        "aborted",
        "clean",
        "it hurts (spec.abort)",
    )
    assert place.replicas(space) == 3


def test_a_run_that_cannot_be_understood_is_not_accepted_and_touches_nothing(place, space):
    place.furnish(space)
    version = place.version(space)
    place.apply(asked(space, drill="weekly"))
    status = place.over("first", space)

    accepted = condition(status, "Accepted")
    assert (status["phase"], status.get("verdict", ""), accepted["status"]) == ("Done", "", "False")
    assert f'there is no Drill "weekly" in namespace {space}' in accepted["message"]
    assert place.version(space) == version


def test_a_run_that_a_guard_refuses_says_every_reason_and_touches_nothing(place, space):
    place.furnish(space, drills="", timeline=[{"at": "0s", "inject": {"kind": "scale-down", "replicas": 0}}])
    version = place.version(space)
    place.apply(asked(space))
    status = place.over("first", space)

    assert (status["phase"], status["verdict"], status["exit"]) == ("Refused", "refused", 2)
    assert "namespace opted in: " in status["message"]
    assert "replicas left: " in status["message"]
    assert place.version(space) == version


def test_two_runs_on_one_target_come_one_after_the_other(place, space):
    place.furnish(space)
    place.apply(asked(space, "first"))
    place.phase("first", space, "Steady", "Active")
    place.apply(asked(space, "second"))
    until(
        lambda: (
            place.status("second", space).get("message") == "waiting for first, which runs on the same target"
        )
    )
    first, second = place.over("first", space), place.over("second", space)

    assert (first["verdict"], second["verdict"]) == ("passed", "passed")
    assert first["ended"] <= second["started"]


def test_a_run_that_is_deleted_while_it_runs_is_gone_at_once_and_its_fault_with_it(place, space):
    place.furnish(space, **LONG)
    place.apply(asked(space))
    place.injected("first", space)
    place.kubectl("delete", "runs", "first", "-n", space, "--timeout=10s")

    assert place.get("runs.chaosctl.dev", "first", space) is None
    until(lambda: place.replicas(space) == 3)


def test_a_run_that_is_created_again_is_not_run_again_but_shows_how_it_ended(place, space):
    place.furnish(space)
    place.apply(asked(space))
    before = place.over("first", space)
    place.kubectl("delete", "runs", "first", "-n", space)
    version = place.version(space)
    place.apply(asked(space))
    after = place.over("first", space)

    assert (after["verdict"], after["run"], after["ended"]) == ("passed", before["run"], before["ended"])
    assert "never runs twice" in after["message"]
    assert place.version(space) == version


def test_one_that_is_created_again_while_the_first_is_being_undone_waits_for_how_that_ends(place, space):
    place.furnish(space, **LONG)
    place.apply(asked(space))
    place.injected("first", space)
    place.kubectl("delete", "runs", "first", "-n", space)
    place.apply(asked(space))
    status = place.over("first", space)

    assert (status["verdict"], place.replicas(space)) == ("aborted", 3)
    assert "its Run was deleted" in status["message"]


def test_a_drill_runs_its_playbooks_in_order_and_the_worst_verdict_decides(place, space):
    place.furnish(space)
    unfelt = playbook(
        "unfelt",
        timeline=[
            {"at": "0s", "inject": {"kind": "noop"}, "hold": "1s", "effect": {"probe": "ready", "max": 1}}
        ],
    )
    place.apply(here(space, unfelt), here(space, drill("shrink", "unfelt")))
    place.apply(asked(space, drill="weekly"))
    status = place.over("first", space)

    assert [(one["playbook"], one["verdict"]) for one in status["parts"]] == [
        ("shrink", "passed"),
        ("unfelt", "inconclusive"),
    ]
    assert (status["verdict"], status["exit"]) == ("inconclusive", 4)
    assert status["parts"][0]["ended"] <= status["parts"][1]["started"]


def test_halting_a_namespace_stops_what_runs_in_it_and_what_waits_is_refused(place, space):
    place.furnish(space, **LONG)
    place.apply(asked(space, "first"))
    place.injected("first", space)
    place.apply(asked(space, "second"))
    place.kubectl("label", "namespace", space, "--overwrite", "chaosctl.dev/drills=halted")
    first, second = place.over("first", space), place.over("second", space)

    assert (first["verdict"], second["verdict"]) == ("aborted", "refused")
    assert place.replicas(space) == 3


def test_what_is_stopped_before_it_began_never_begins(place, space):
    place.furnish(space)
    version = place.version(space)
    place.apply(asked(space, playbook={"name": "shrink"}, target=target(space), abort="not today"))
    status = place.over("first", space)

    assert (status["verdict"], status["message"]) == (
        "aborted",
        "stopped before it began: not today (spec.abort)",
    )
    assert place.version(space) == version


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_replica_that_leads_is_alive_and_ready(installation, path):
    assert installation.leader().ask(path) == (200, "ok\n")


def test_the_numbers_of_a_controller_are_there_for_prometheus(place, installation, space):
    place.furnish(space)
    place.apply(asked(space))
    place.over("first", space)
    _, text = installation.leader().ask("/metrics")
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))

    assert float(values['chaosctl_runs_total{verdict="passed"}']) >= 1
    assert values["chaosctl_leader"] == "1"
    assert float(values["chaosctl_sweeps_total"]) > 0
