"""Why: what one event leaves as it is matters as much as what it changes."""

from datetime import timedelta
from functools import reduce

from engine.examples import (
    BITES,
    ERRORS,
    STEADY,
    applied,
    at,
    check,
    entry,
    fold,
    level,
    moment,
    over,
    script,
)

from chaosctl.engine import events
from chaosctl.engine.decide import Listen, Measure, Revert, decide
from chaosctl.engine.evolve import evolve
from chaosctl.engine.verdict import Result, verdict
from chaosctl.spec import Role

ONE = (entry("scale", 0),)
SKIPPED = [at(events.Skipped, entry=name, why="no") for name in ("scale", "release")]


def active(*during, of=None):
    return fold(at(events.Opened), *during, of=of or script(STEADY, entries=ONE))


def again(state):
    """When a failed undo is due again: the first moment at which it is wanted."""
    moments = (state.at + timedelta(seconds=number / 20) for number in range(1, 300))
    tries = state.lives["scale"].tries
    return next(when for when in moments if Revert("scale", tries) in decide(state, when).now)


def said(state, when):
    return [event.type for event in decide(state, moment(when)).note]


def test_the_deadline_leaves_time_to_set_up_and_for_the_whole_hold():
    state = active(applied()[0])

    assert decide(state, moment(1)).note[0].deadline == moment(1 + 15 + 5)


def test_a_revert_that_failed_is_tried_again_only_after_a_pause_of_at_most_ten_seconds():
    state = active(*applied(), at(events.Reverting, entry="scale"))
    assert Revert("scale", 0) in decide(state, moment(0)).now

    pauses = []
    for tries in range(1, 8):
        state = evolve(state, events.RevertFailed(at=state.at, entry="scale", why="no route"))
        assert Revert("scale", tries) not in decide(state, state.at).now
        pauses.append((again(state) - state.at).total_seconds())
    assert pauses[0] < pauses[-1] <= 10


def test_an_effect_is_not_looked_for_once_the_undo_has_begun():
    state = active(*applied(effect=BITES), at(events.Reverting, entry="scale"))

    assert Measure("bites", 0) not in decide(state, moment(1)).now
    assert not evolve(state, level("bites", 1, 1)).lives["scale"].felt


def test_an_effect_that_compares_with_the_steady_state_is_measured_in_it():
    slower = check("slower", Role.EFFECT, {"kind": "latency"}, min=0.1, from_steady=True)

    def measured(effect):
        state = fold(of=script(STEADY, entries=(entry("scale", 0, effect=effect),)))
        return {activity.check for activity in decide(state, moment(0)).now if isinstance(activity, Measure)}

    assert measured(slower) == {"all ready", "slower"}
    assert measured(BITES) == {"all ready"}


def test_somebody_listens_until_the_end_and_again_after_every_notice():
    noticed = events.Noticed(at=moment(0), by="watchdog", what="errors", when=moment(0))
    state = fold(at(events.Opened), *SKIPPED, at(events.Closed))

    assert Listen(0) in decide(state, moment(0)).now
    assert Listen(1) in decide(evolve(state, noticed), moment(0)).now


def test_one_request_to_stop_still_waits_for_the_recovery():
    state = fold(at(events.Opened), *SKIPPED, at(events.Closed), at(events.Stopped, why="^C"))

    assert not said(state, 1)


def test_what_held_before_the_undo_must_be_shown_anew_after_it():
    good = [level("all ready", 3, when) for when in (1, 2, 3)]
    state = fold(at(events.Opened), *good, *SKIPPED, at(events.Closed, 3))

    assert not said(state, 4)
    assert said(reduce(evolve, [level("all ready", 3, when) for when in (4, 5, 6)], state), 6) == ["finished"]


def test_what_held_before_the_first_fault_shows_nothing_of_the_time_after():
    two = check("two ready", Role.EXPECT, min=2, from_steady=False)
    state = fold(level("two ready", 3, 1), at(events.Opened, 1), of=script(STEADY, two, entries=ONE))

    assert "two ready is not decided: 1 more reading would decide it" in verdict(state).why


def test_the_first_reason_to_stop_is_the_one_that_is_told():
    state = active(at(events.Stopped, why="a person"), at(events.Stopped, why="in a hurry"))

    assert verdict(state).why == ("a person",)


def test_a_reaction_does_not_make_the_hold_longer():
    state = active(*applied(reaction=True), at(events.Restored, 4, entry="scale", by="watchdog"))

    assert not said(state, 4.9)
    assert said(state, 5) == ["reverting"]


def test_a_late_failure_of_an_apply_does_not_move_the_begin_of_its_undo():
    late = at(events.ApplyFailed, 9, entry="scale", why="no answer")
    state = active(*applied()[:2], at(events.Reverting, 5, entry="scale"), late)

    assert state.lives["scale"].reverting_at == moment(5)


def test_whoever_restored_it_first_keeps_the_credit_and_our_undo_after_it_censors_nothing():
    restored = at(events.Restored, 3, entry="scale", by="chaosctl-watchdog")
    state = active(*applied(reaction=True), restored, *over("scale", 5, by="chaosctl"))

    assert state.lives["scale"].restored_by == "chaosctl-watchdog"
    assert state.censored_at is None


def test_an_abort_check_that_breaks_after_the_faults_stops_nothing():
    rule = check("not down", Role.ABORT, ERRORS, max=0.5)
    of = script(STEADY, rule, entries=ONE)
    state = fold(at(events.Opened), SKIPPED[0], at(events.Closed), level("not down", 1, 1), of=of)

    assert state.stop == ""


def test_a_steady_state_that_is_broken_while_a_person_stops_the_run_does_not_fail_it():
    state = active(*applied(effect=BITES), level("all ready", 1, 1), at(events.Stopped, why="a person"))

    assert verdict(state).result is Result.ABORTED


def test_an_expectation_that_breaks_before_the_first_fault_fails_nothing():
    slower = check("slower", Role.EXPECT, {"kind": "latency"}, max=0.1, from_steady=True)
    of = script(STEADY, slower, entries=ONE)
    state = fold(level("slower", 0.5, 1), at(events.Stopped, why="a person"), at(events.Finished), of=of)

    assert verdict(state).result is Result.ABORTED
