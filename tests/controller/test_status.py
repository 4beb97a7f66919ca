"""Why: `kubectl get runs` and `kubectl describe run` are all that many people will ever see of a run."""

from functools import reduce

import pytest
from report.journals import ENDINGS, START, moment

from chaosctl.catalog.crds import definitions
from chaosctl.controller.progress import PartView, Progress, Told
from chaosctl.controller.sayings import sayings, verdict_of
from chaosctl.controller.status import status
from chaosctl.engine.evolve import evolve
from chaosctl.engine.state import State
from chaosctl.engine.tables import Phase
from chaosctl.engine.verdict import verdict
from chaosctl.sandbox.api.resources import Resource
from chaosctl.sandbox.api.structural import check

COLUMNS = ("phase", "verdict", "revert", "exit")


def part(ending, playbook="bad-release", until=None):
    state = reduce(evolve, ENDINGS[ending]()[:until], State())
    return PartView(playbook, "7f3k", state, verdict(state) if state.phase is Phase.DONE else None)


def shown(*parts, over=True, **fields):
    return status(Progress(START, 1, "models/fraud", parts, over=over, **fields))


def conditions(body):
    return {one["type"]: one["status"] for one in body["conditions"]}


@pytest.mark.parametrize(
    ("ending", "columns", "true", "false"),
    [
        ("passed", ("Done", "passed", "clean", 0), "SteadyBefore Injected Felt Reverted Recovered", ""),
        ("failed", ("Done", "failed", "clean", 1), "SteadyBefore Injected Felt Reverted Recovered", ""),
        ("aborted", ("Done", "aborted", "superseded", 3), "SteadyBefore Injected Reverted Recovered", "Felt"),
        (
            "inconclusive",
            ("Done", "inconclusive", "clean", 4),
            "SteadyBefore Injected Reverted",
            "Felt Recovered",
        ),
        ("refused", ("Refused", "refused", "clean", 2), "", ""),
        (
            "incomplete",
            ("Done", "failed", "incomplete", 5),
            "SteadyBefore Injected",
            "Felt Reverted Recovered",
        ),
        (
            "not-steady",
            ("Done", "aborted", "clean", 3),
            "Reverted",
            "SteadyBefore Injected Felt Recovered",
        ),
    ],
)
def test_every_way_to_end_shows_in_the_columns_and_in_the_conditions(ending, columns, true, false):
    body = shown(part(ending))
    wanted = dict.fromkeys(["Accepted", *true.split(), "Finished"], "True") | dict.fromkeys(
        false.split(), "False"
    )

    assert tuple(body.get(name, "") for name in COLUMNS) == columns
    assert conditions(body) == wanted


def test_a_run_that_goes_on_says_how_far_it_is_and_has_no_verdict_yet():
    body = shown(part("unfinished"), over=False)

    assert (body["phase"], body["message"], "verdict" in body) == ("Active", "release applied", False)
    assert conditions(body) == {
        **dict.fromkeys(("Accepted", "SteadyBefore", "Injected"), "True"),
        **dict.fromkeys(("Felt", "Reverted", "Recovered"), "Unknown"),
        "Finished": "False",
    }


def test_clocks_are_told_as_in_every_report():
    assert shown(part("passed"))["clocks"]["detect"] == "15.4 s"
    assert shown(part("passed"))["clocks"]["recover"] == "18.4 s [17.9 s, 18.9 s]"
    assert "clocks" not in shown(part("failed"))  # it came back by our own undo only


def test_conditions_say_when_by_the_journal_so_that_whoever_writes_them_later_writes_the_same():
    when = {one["type"]: one["lastTransitionTime"] for one in shown(part("passed"))["conditions"]}

    assert (when["SteadyBefore"], when["Injected"], when["Finished"]) == tuple(
        moment(n).isoformat().replace("+00:00", "Z") for n in (13, 19, 90)
    )


def test_of_several_playbooks_the_worst_decides_and_each_is_shown():
    body = shown(part("passed", "first"), part("failed", "second"), part("passed", "third"))

    assert tuple(body[name] for name in COLUMNS) == ("Done", "failed", "clean", 1)
    assert body["message"].startswith("second: correct over the run did not hold")
    assert [(one["playbook"], one["verdict"]) for one in body["parts"]] == [
        ("first", "passed"),
        ("second", "failed"),
        ("third", "passed"),
    ]


def test_a_run_that_was_cut_short_has_not_passed():
    body = shown(part("passed", "first"), PartView("second", "x"), cut=True)

    assert tuple(body[name] for name in COLUMNS) == ("Done", "aborted", "clean", 3)
    assert body["parts"][1] == {"playbook": "second", "run": "x", "phase": "Pending"}


def test_what_cannot_be_run_is_not_accepted_and_says_why():
    body = shown(told=Told("spec.drill: there is no Drill", invalid=True))

    assert (body["phase"], body.get("verdict", ""), body["exit"]) == ("Done", "", 2)
    accepted = body["conditions"][0]
    assert (accepted["status"], accepted["reason"], accepted["message"]) == (
        "False",
        "Invalid",
        "spec.drill: there is no Drill",
    )


def test_what_waits_says_what_for_and_what_was_stopped_before_it_began_is_aborted():
    waiting = shown(PartView("noop", "x"), over=False, note="waiting for first")
    stopped = shown(told=Told("stopped before it began: not today"))

    assert (waiting["phase"], waiting["message"]) == ("Pending", "waiting for first")
    assert tuple(stopped.get(name, "") for name in COLUMNS) == ("Done", "aborted", "", 3)


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_status_on_the_way_is_one_that_the_api_server_takes(ending):
    definition = definitions()["runs"]
    resource = Resource("chaosctl.dev/v1", "runs", "Run", namespaced=True)
    for until in range(0, len(ENDINGS[ending]()), 7):
        body = {"status": shown(part(ending, until=until or None), over=False), "spec": {"drill": "x"}}
        assert check(resource, body, definition) == []


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ("passed", "Started Injected Felt Detected Restored Recovered Reverted Passed"),
        ("failed", "Started Injected Felt Reverted Recovered Failed"),
        ("aborted", "Started Injected Stopped Superseded Recovered Aborted"),
        ("refused", "Refused"),
        ("incomplete", "Started Injected TakenOver Stuck Failed"),
    ],
)
def test_people_hear_what_matters_and_each_thing_once(ending, said):
    state, heard = State(), []
    for event in ENDINGS[ending]():
        before, state = state, evolve(state, event)
        heard += sayings(before, event, state)
    heard += [] if state.refused else [verdict_of(state, verdict(state))]

    assert [one.reason for one in heard] == said.split()
    assert len({one.key for one in heard}) == len(heard)


def test_what_is_left_is_said_with_the_command_that_repairs_it():
    state = part("incomplete").state

    assert "chaosctl recover" in verdict_of(state, verdict(state)).message
