"""Why: the rules at the top of the engine are only rules if something breaks when they do."""

from functools import reduce

import pytest
from engine.examples import (
    BITES,
    STEADY,
    WORKLOAD,
    applied,
    at,
    check,
    counts,
    entry,
    fold,
    level,
    moment,
    over,
    script,
)
from hypothesis import given
from hypothesis import strategies as st

from chaosctl.engine import events
from chaosctl.engine.decide import (
    MAX_TRIES,
    MAX_TROUBLES,
    MAX_UNHEARD,
    Apply,
    Keep,
    Listen,
    Measure,
    Play,
    Prepare,
    Revert,
    decide,
    failed,
    lane,
)
from chaosctl.engine.evolve import evolve
from chaosctl.engine.state import State
from chaosctl.engine.tables import ENTRY, OVER, RUN, Phase, Stage
from chaosctl.engine.verdict import Result, RevertStatus, verdict, worst
from chaosctl.errors import Illegal
from chaosctl.spec import KOfN, Role


def reachable(start, without=()):
    """Every stage that the table leads to."""
    found, todo = set(), [start]
    while todo:
        stage = todo.pop()
        if stage not in found and stage not in without:
            found.add(stage)
            todo.extend(ENTRY.get(stage, {}).values())
    return found


@pytest.mark.parametrize("stage", [Stage.APPLYING, Stage.APPLIED])
def test_every_path_from_applying_to_the_end_passes_reverting(stage):
    assert reachable(stage) & OVER
    assert not reachable(stage, without={Stage.REVERTING}) & OVER


def test_applying_is_entered_only_from_a_plan_that_is_written_down():
    assert [stage for stage, row in ENTRY.items() if events.Applying in row] == [Stage.PLANNED]


def test_every_entry_can_end_and_the_end_is_final():
    assert all(reachable(stage) & OVER for stage in Stage)
    assert not OVER & set(ENTRY)
    assert Phase.DONE not in RUN


def test_a_run_cannot_close_over_an_entry_that_is_not_over():
    with pytest.raises(Illegal, match="scale"):
        fold(at(events.Opened), *applied(), at(events.Closed))


def test_an_event_out_of_place_is_illegal():
    with pytest.raises(Illegal, match="while pending"):
        fold(at(events.Opened), at(events.Applied, entry="scale"))
    with pytest.raises(Illegal, match="while steady"):
        fold(at(events.Closed))
    with pytest.raises(Illegal, match="while steady"):
        fold(*applied())


@pytest.mark.parametrize(
    "event", [at(events.Measured, check="nothing", reading=None), at(events.Skipped, entry="nothing")]
)
def test_an_event_about_something_that_the_script_does_not_have_is_illegal(event):
    with pytest.raises(Illegal, match="'nothing'"):
        fold(at(events.Opened), event)


def test_a_run_that_has_not_started_has_no_script():
    with pytest.raises(Illegal, match="not started"):
        _ = State().plot


def test_a_stop_reverts_at_once_and_keeps_nothing_going():
    state = fold(at(events.Opened), *applied(), at(events.Stopped, why="a person"))

    want = decide(state, moment(0))

    assert {"reverting", "skipped"} == {event.type for event in want.note}
    assert not any(isinstance(activity, (Keep, Apply, Prepare)) for activity in want.now)


def test_an_apply_that_could_not_be_cancelled_may_finish_while_reverting():
    late = fold(at(events.Opened), *applied()[:2], at(events.Reverting, entry="scale"))

    for outcome in (at(events.Applied, entry="scale"), at(events.ApplyFailed, entry="scale", why="late")):
        assert evolve(late, outcome).lives["scale"].stage is Stage.REVERTING


def test_the_clock_alone_starts_what_is_due():
    state = fold(at(events.Opened))

    def due(when):
        wanted = decide(state, moment(when)).now
        return {activity.entry for activity in wanted if isinstance(activity, Prepare)}

    assert due(0) == {"scale"}
    assert due(1) == {"scale", "release"}


def test_a_hold_ends_at_its_time_and_never_after_the_deadline():
    state = fold(at(events.Opened), *applied())

    assert Keep("scale") in decide(state, moment(4.9)).now
    assert [event.type for event in decide(state, moment(5)).note] == ["reverting"]
    short = reduce(
        evolve,
        [
            at(events.Planned, entry="scale", plan=()),
            at(events.Applying, entry="scale", deadline=moment(2)),
            at(events.Applied, entry="scale"),
        ],
        fold(at(events.Opened)),
    )
    assert [event.type for event in decide(short, moment(2)).note] == ["reverting"]


def test_failed_reverts_are_tried_again_with_growing_pauses_and_then_a_person_is_asked():
    state = fold(at(events.Opened), *applied(), at(events.Reverting, entry="scale"))
    pauses = []
    for turn in range(MAX_TRIES):
        wake = decide(state, state.at).wake
        pauses.append((wake - state.at).total_seconds() if wake and turn else 0)
        state = evolve(state, events.RevertFailed(at=wake or state.at, entry="scale", why="no route"))

    gave_up = [event for event in decide(state, moment(99)).note if isinstance(event, events.GaveUp)]

    assert pauses == sorted(pauses)
    assert gave_up[0].why == "no route"
    assert verdict(evolve(state, gave_up[0])).exit_code == 5


def test_an_api_server_that_is_away_for_minutes_does_not_end_the_undoing():
    state, now = fold(at(events.Opened), *applied(), at(events.Reverting, entry="scale")), moment(0)
    began = now
    for _ in range(MAX_UNHEARD):
        assert not [event for event in decide(state, now).note if isinstance(event, events.GaveUp)]
        lost = events.RevertFailed(at=now, entry="scale", why="no route", unheard=True)
        state = evolve(state, lost)
        now = decide(state, now).wake or now

    assert (now - began).total_seconds() > 120
    assert [event.type for event in decide(state, now).note] == ["gave-up"]


def test_a_steady_state_opens_the_run_and_an_unsteady_one_stops_it():
    held = fold(*[level("all ready", 3, when) for when in (1, 2, 3)])
    broken = fold(level("all ready", 2))

    assert [event.type for event in decide(held, moment(3)).note] == ["opened"]
    assert "all ready does not hold" in decide(broken, moment(1)).note[0].why


def test_a_steady_state_that_is_not_shown_in_time_stops_the_run():
    state = fold(level("all ready", None))

    assert "could not be shown in time" in decide(state, moment(60)).note[0].why
    assert decide(state, moment(1)).wake is not None


def test_a_run_that_stops_before_it_opened_ends_at_once_and_is_aborted():
    state = fold(at(events.Stopped, why="a person"))

    assert [event.type for event in decide(state, moment(1)).note] == ["finished"]
    assert verdict(evolve(state, at(events.Finished))).exit_code == 3


def test_resumed_starts_over_while_steady_stops_while_active_and_goes_on_while_recovering():
    assert fold(level("all ready", 3), at(events.Resumed)).judges == {}
    assert fold(at(events.Opened), at(events.Resumed)).stop == "the run was interrupted"
    skipped = [at(events.Skipped, entry=name) for name in ("scale", "release")]
    recovering = fold(at(events.Opened), *skipped, at(events.Closed), at(events.Resumed))
    assert (recovering.stop, recovering.resumed_at) == ("", (moment(0),))


def test_a_run_ends_when_the_steady_state_is_back_or_the_time_is_over_or_somebody_is_in_a_hurry():
    skipped = [at(events.Skipped, entry=name, why="no") for name in ("scale", "release")]
    state = fold(at(events.Opened), *skipped, at(events.Closed))
    back = reduce(evolve, [level("all ready", 3, when) for when in (1, 2, 3)], state)
    hurried = reduce(evolve, [at(events.Stopped, why="^C")] * 2, state)

    assert not decide(state, moment(1)).note
    for ended, when in ((back, 3), (state, 60), (hurried, 1)):
        assert [event.type for event in decide(ended, moment(when)).note] == ["finished"]


def test_the_workload_plays_and_somebody_listens_until_they_fail_too_often():
    state = fold(at(events.Opened), of=script(workload=WORKLOAD))
    trouble = [at(events.Trouble, what="play", why="no")] * MAX_TROUBLES

    assert {Play(0), Listen(0)} <= decide(state, moment(0)).now
    assert Play(1) in decide(evolve(state, trouble[0]), moment(0)).now
    assert not any(
        isinstance(activity, Play) for activity in decide(reduce(evolve, trouble, state), moment(0)).now
    )


def test_activities_of_different_kinds_are_never_taken_for_each_other():
    assert (
        len({Prepare("a"), Apply("a"), Keep("a"), Revert("a", 0), Measure("a", 0), Play(0), Listen(0)}) == 7
    )


def test_every_activity_that_fails_is_an_event():
    activities = {
        Prepare("a"): "skipped",
        Apply("a"): "apply-failed",
        Keep("a"): "effect-lost",
        Revert("a", 0): "revert-failed",
        Measure("a", 0): "measured",
        Play(0): "trouble",
        Listen(0): "trouble",
    }

    assert {activity: failed(activity, "why", moment(0)).type for activity in activities} == activities
    assert len({lane(activity) for activity in activities}) == 4


def test_only_what_is_needed_is_measured_in_each_phase():
    checks = (
        STEADY,
        check("expected", Role.EXPECT, min=1),
        check("not blind", Role.ABORT, min=1),
        check("slower", Role.EXPECT, probe={"kind": "latency"}, max=0.1, from_steady=True),
    )

    def measured(state):
        return {activity.check for activity in decide(state, moment(0)).now if isinstance(activity, Measure)}

    steady = fold(of=script(*checks))
    active = evolve(steady, at(events.Opened))
    ended = [at(events.Skipped, entry=name) for name in ("scale", "release")]
    recovering = reduce(evolve, [*ended, at(events.Closed)], active)
    assert measured(steady) == {"all ready", "slower"}
    assert measured(active) == {"all ready", "expected", "not blind", "slower"}
    assert measured(recovering) == {"all ready", "expected", "slower"}


def test_an_effect_is_measured_while_its_entry_is_applied_and_then_felt():
    state = fold(at(events.Opened), *applied(effect=BITES))

    assert Measure("bites", 0) in decide(state, moment(0)).now
    assert evolve(state, level("bites", 3, 1)).lives["scale"].felt is False
    assert reduce(evolve, [level("bites", 1, 1), level("bites", 3, 2)], state).lives["scale"].felt is True


ONE = (entry("scale", 0),)


def one_run(*during, of=None, after=(), **planned):
    """A run with one entry, whatever happened during its hold, and the steady state after it."""
    before = [at(events.Opened), *applied(effect=BITES, **planned), level("bites", 1, 1)]
    back = after or [level("all ready", 3, when) for when in (11, 12, 13)]
    end = [*over("scale", 10), at(events.Closed, 10), *back, at(events.Finished, 14)]
    return fold(*before, *during, *end, of=of or script(STEADY, entries=ONE))


def test_a_run_passes_when_everything_was_shown():
    assert verdict(one_run()) == (Result.PASSED, RevertStatus.CLEAN, ())


def test_a_fault_that_nobody_felt_is_inconclusive():
    state = fold(
        at(events.Opened), *applied(effect=BITES), level("bites", 3, 1), of=script(STEADY, entries=ONE)
    )
    ended = [*over("scale", 10), at(events.Closed, 10), *[level("all ready", 3, t) for t in (11, 12, 13)]]

    assert verdict(reduce(evolve, ended, state)).why == ("scale: no effect measured",)


def test_an_effect_that_ended_early_is_inconclusive_and_says_so():
    state = fold(
        at(events.Opened), *applied(effect=BITES), level("bites", 1, 1), of=script(STEADY, entries=ONE)
    )
    lost = at(events.EffectLost, 2, entry="scale", why="put back by kubectl")
    ended = [lost, over("scale", 3)[1], at(events.Closed, 3), *[level("all ready", 3, t) for t in (4, 5, 6)]]

    found = verdict(reduce(evolve, ended, state))

    assert (found.exit_code, found.why) == (4, ("scale: ended early: put back by kubectl",))


def test_a_refuted_expectation_stays_refuted_and_fails_the_run():
    of = script(STEADY, check("two ready", Role.EXPECT, min=2), entries=ONE)

    failed_run = verdict(one_run(level("two ready", 1, 2), level("two ready", 3, 3), of=of))

    assert (failed_run.exit_code, failed_run.why) == (1, ("two ready did not hold",))


def test_an_expectation_without_data_is_never_a_pass():
    of = script(STEADY, check("two ready", Role.EXPECT, min=2), entries=ONE)

    found = verdict(one_run(level("two ready", None, 2), of=of))

    assert (found.exit_code, found.why) == (
        4,
        ("two ready is not decided: 1 more reading would decide it",),
    )


def test_a_steady_state_that_is_known_not_to_come_back_fails_and_one_that_is_unknown_is_inconclusive():
    assert verdict(one_run(after=[level("all ready", 1, 11)])).exit_code == 1
    assert verdict(one_run(after=[level("all ready", None, 11)])).exit_code == 4


def test_an_abort_check_stops_the_run_when_it_breaks_for_long_enough():
    rule = check("not down", Role.ABORT, probe={"kind": "error-rate"}, max=0.5, lasting=moment(3) - moment(0))
    of = script(STEADY, rule, entries=ONE)
    broken = [counts("not down", 50, 50, when) for when in (1, 2, 3)]

    state = fold(at(events.Opened), *applied(), *broken[:2], of=of)
    assert not state.stop
    assert "not down" in evolve(state, broken[2]).stop
    healed = reduce(evolve, [counts("not down", 0, 50, 3), counts("not down", 50, 50, 4)], state)
    assert not healed.stop


def test_an_abort_check_without_data_for_two_readings_stops_the_run():
    of = script(STEADY, check("not blind", Role.ABORT, decision=KOfN(k=2, n=3), min=0))
    blind = [level("not blind", None)] * 2

    assert not fold(at(events.Opened), blind[0], of=of).stop
    assert fold(at(events.Opened), *blind, of=of).stop


def test_over_the_run_is_a_fact_about_all_of_it():
    rule = check("errors over the run", Role.EXPECT, probe={"kind": "error-rate"}, max=0.02, over="run")
    of = script(STEADY, rule, entries=ONE)

    fine = one_run(counts(rule.name, 3, 100, 2), counts(rule.name, 0, 100, 3), of=of)
    bad = one_run(counts(rule.name, 3, 100, 2), of=of)

    assert [verdict(state).exit_code for state in (fine, bad, one_run(of=of))] == [0, 1, 4]


def test_refuted_beats_stopped_and_stuck_beats_all():
    of = script(STEADY, check("two ready", Role.EXPECT, min=2), entries=ONE)
    state = fold(
        at(events.Opened),
        *applied(effect=BITES),
        level("two ready", 1, 2),
        at(events.Stopped, why="^C"),
        of=of,
    )
    stuck = [at(events.Reverting, entry="scale"), at(events.GaveUp, entry="scale", why="no rights")]

    failed_run, stuck_run = verdict(state), verdict(reduce(evolve, stuck, state))

    assert (failed_run.result, failed_run.exit_code) == (Result.FAILED, 1)
    assert (stuck_run.revert, stuck_run.exit_code) == (RevertStatus.INCOMPLETE, 5)


def test_superseded_never_fails_a_run_and_is_said():
    state = fold(
        at(events.Opened), *applied(effect=BITES), level("bites", 1, 1), of=script(STEADY, entries=ONE)
    )
    ended = [
        at(events.Reverting, 10, entry="scale"),
        at(events.Superseded, 10, entry="scale", outcomes=()),
        at(events.Closed, 10),
        *[level("all ready", 3, when) for when in (11, 12, 13)],
    ]

    found = verdict(reduce(evolve, ended, state))

    assert (found.exit_code, found.revert) == (0, RevertStatus.SUPERSEDED)


def test_a_refused_run_touched_nothing_and_exits_2():
    state = evolve(State(), at(events.Refused, run="r", script=script(), reasons=("halted",)))

    assert (state.phase, verdict(state).exit_code, verdict(state).why) == (Phase.DONE, 2, ("halted",))
    assert decide(state, moment(0)).done


def test_of_several_runs_the_worst_decides():
    assert worst([]) == 0
    assert [worst([0, 4]), worst([4, 3]), worst([3, 1]), worst([1, 2]), worst([2, 70]), worst([70, 5])] == [
        4,
        3,
        1,
        2,
        70,
        5,
    ]


@given(st.lists(st.sampled_from([3.0, 2.0, None]), max_size=12), st.integers(0, 12))
def test_the_state_is_the_same_fold_wherever_it_is_cut(values, cut):
    of = script(STEADY, check("two ready", Role.EXPECT, min=2, decision=KOfN(k=2, n=3)))
    readings = [
        level(name, value, when)
        for when, value in enumerate(values, 1)
        for name in ("all ready", "two ready")
    ]
    started = at(events.Started, run="r", script=of)
    whole = [started, at(events.Opened), *applied(), *readings]

    prefix = reduce(evolve, whole[:cut], State())

    assert reduce(evolve, whole[cut:], prefix) == reduce(evolve, whole, State())


@given(st.integers(0, 30), st.sampled_from(["pending", "applying", "applied", "reverting"]))
def test_after_a_stop_no_write_is_wanted_but_reverts(when, stage):
    path = {"pending": [], "applying": applied()[:2], "applied": applied()}
    path["reverting"] = [*path["applied"], at(events.Reverting, entry="scale")]
    state = fold(at(events.Opened), *path[stage], at(events.Stopped, why="^C"))

    for _ in range(20):
        want = decide(state, moment(when))
        assert not any(isinstance(activity, (Apply, Prepare, Keep)) for activity in want.now)
        lanes = [lane(activity) for activity in want.now]
        assert len(lanes) == len(set(lanes))
        if not want.note:
            break
        state = evolve(state, want.note[0])
    if stage != "pending":
        assert Revert("scale", 0) in decide(state, moment(when)).now
