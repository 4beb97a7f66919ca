"""Why: whoever runs a drill may die, sleep or be replaced. Somebody else must bring it to its end, once."""

import signal
import sqlite3

import pytest
from controller.place import Installation, asked, until

HOLD = {"inject": {"kind": "scale-down", "replicas": 1}}
LONG = {"timeline": [{"at": "0s", **HOLD, "hold": "10m"}]}
SHORT = {"timeline": [{"at": "0s", **HOLD, "hold": "8s"}]}
SLOWLY_STEADY = {
    "steadyState": [
        {"probe": "ready", "min": 3, "every": "1s", "decide": {"kind": "fixed", "k": 1, "n": 12}}
    ],
    "recoverWithin": "60s",
}


@pytest.fixture
def pair(place, space):
    """Two replicas; one leads."""
    made = Installation(place, space, space)
    made.start()
    made.leader()
    made.start()
    yield made
    made.end()


@pytest.fixture
def one(place, space):
    """One replica that leads."""
    made = Installation(place, space, space)
    made.start()
    made.leader()
    yield made
    made.end()


def standing_by(installation):
    """The other replica, once it stands by."""
    leader = installation.leader()
    other = next(one for one in installation.replicas if one is not leader)
    until(lambda: "serves" in other.said())
    return leader, other


def stop_between_writes(leader, installation):
    """A process that is stopped while it writes to SQLite would keep everybody from it."""

    def stopped():
        leader.signal(signal.SIGSTOP)
        try:
            with sqlite3.connect(installation.home / "store.db", timeout=0.2) as store:
                store.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            leader.signal(signal.SIGCONT)
            return False
        return True

    until(stopped)


def journals(installation):
    """How every run of the installation ended, as `chaosctl runs` has it."""
    with sqlite3.connect(installation.home / "store.db") as store:
        return store.execute("select id, phase, verdict from summaries").fetchall()


def test_a_leader_that_is_killed_while_a_fault_stands_is_followed_and_the_fault_undone(place, pair, space):
    place.furnish(space, **LONG)
    place.apply(asked(space))
    place.injected("first", space)
    leader, _ = standing_by(pair)
    leader.kill()
    status = place.over("first", space)

    assert pair.leader() is not leader
    assert (status["verdict"], status["revert"], status["message"]) == (
        "aborted",
        "clean",
        "the run was interrupted",
    )
    assert place.replicas(space) == 3
    until(lambda: "Aborted" in place.reasons("first", space))
    assert "TakenOver" in place.reasons("first", space)


def test_a_run_whose_leader_is_killed_before_its_fault_starts_over_and_passes(place, pair, space):
    place.furnish(space, **SLOWLY_STEADY)
    place.apply(asked(space))
    place.phase("first", space, "Steady")
    leader, _ = standing_by(pair)
    leader.kill()
    status = place.over("first", space)

    assert (status["verdict"], place.replicas(space)) == ("passed", 3)
    assert "TakenOver" in place.reasons("first", space)


def test_a_run_whose_leader_is_killed_after_its_fault_goes_on_to_show_that_it_recovered(place, pair, space):
    place.furnish(space, **SLOWLY_STEADY)
    place.apply(asked(space))
    place.phase("first", space, "Recovering")
    leader, _ = standing_by(pair)
    leader.kill()
    status = place.over("first", space)

    assert (status["verdict"], place.replicas(space)) == ("passed", 3)


def test_a_leader_that_sleeps_while_another_takes_over_wakes_up_and_changes_nothing(place, pair, space):
    place.furnish(space, **LONG)
    place.apply(asked(space))
    place.injected("first", space)
    leader, _ = standing_by(pair)
    stop_between_writes(leader, pair)
    status = place.over("first", space)
    target = place.version(space)
    run = place.get("runs.chaosctl.dev", "first", space)["metadata"]["resourceVersion"]
    leader.signal(signal.SIGCONT)

    assert leader.ended() == 1
    assert "no longer leads" in leader.said()
    assert (status["verdict"], place.replicas(space), place.version(space)) == ("aborted", 3, target)
    assert place.get("runs.chaosctl.dev", "first", space)["metadata"]["resourceVersion"] == run
    assert [phase for _, phase, _ in journals(pair)] == ["done"]


def test_a_replica_that_is_told_to_end_hands_over_at_once_and_its_run_goes_on_elsewhere(place, pair, space):
    place.furnish(space, **LONG)
    place.apply(asked(space))
    place.injected("first", space)
    leader, other = standing_by(pair)
    leader.signal(signal.SIGTERM)

    assert leader.ended() == 0
    assert pair.leader() is not leader
    assert place.over("first", space)["verdict"] == "aborted"
    assert place.replicas(space) == 3
    assert "reason=Reverted" not in leader.said()  # it undid nothing: its successor answers for the run
    assert "reason=Reverted" in other.said()


def test_a_run_that_is_deleted_while_nobody_is_there_is_undone_by_who_comes_next(place, one, space):
    place.furnish(space, **LONG)
    place.apply(asked(space))
    place.injected("first", space)
    one.leader().kill()
    place.kubectl("delete", "runs", "first", "-n", space, "--timeout=10s")
    assert place.replicas(space) == 1
    one.start()
    until(lambda: place.replicas(space) == 3)

    until(lambda: [(phase, verdict) for _, phase, verdict in journals(one)] == [("done", "aborted")])


def test_a_guardian_undoes_what_nobody_comes_back_for_and_the_verdict_is_given_when_somebody_does(
    place, one, space
):
    place.furnish(space, **SHORT, setUp="5s")
    place.apply(asked(space))
    place.injected("first", space)
    one.leader().kill()
    guardian = one.guardian()
    until(lambda: place.replicas(space) == 3)
    guardian.kill()
    one.start()
    status = place.over("first", space)

    assert (status["verdict"], status["revert"], place.replicas(space)) == ("aborted", "clean", 3)


def test_a_status_that_was_never_written_is_written_from_the_journal(place, one, space):
    place.furnish(space)
    place.apply(asked(space))
    before = place.over("first", space)
    one.leader().kill()
    forget = '[{"op": "remove", "path": "/status"}]'
    place.kubectl("patch", "runs", "first", "-n", space, "--subresource=status", "--type=json", "-p", forget)
    version = place.version(space)
    one.start()

    assert place.over("first", space) == before
    assert place.version(space) == version


def test_a_run_that_was_created_again_while_nobody_was_there_is_not_run(place, one, space):
    place.furnish(space, **LONG)
    place.apply(asked(space))
    place.injected("first", space)
    one.leader().kill()
    place.kubectl("delete", "runs", "first", "-n", space)
    place.apply(asked(space))
    one.start()
    status = place.over("first", space)

    assert (status["verdict"], place.replicas(space)) == ("aborted", 3)
    assert "never runs twice" in status["message"]
    assert len(journals(one)) == 1
