"""Why: a process dies and another goes on. What nobody saw in between is neither good nor bad."""

import pytest
from engine.examples import (
    BITES,
    ERROR_RATE,
    READY,
    STEADY,
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
    within,
)
from engine.test_clocks import bad, good, notice

from chaosctl.engine import events
from chaosctl.engine.clocks import clock_finding
from chaosctl.engine.decide import decide
from chaosctl.engine.evolve import evolve
from chaosctl.engine.judge import Finding, realised
from chaosctl.engine.verdict import Result, verdict
from chaosctl.model import Counts, Interval
from chaosctl.spec import ClockName, Role, Span

ONE = (entry("release", 0, hold=60),)
RECOVER = within(ClockName.RECOVER, 30)
OF = script(ERROR_RATE, RECOVER, entries=ONE)


def errors(start, end):
    return [event for event in good(start, end) if event.check == "errors"]


def broken(start, end):
    return [event for event in bad(start, end) if event.check == "errors"]


def recovering(*during, of=OF, reaction=False):
    """A fault that was felt, hurt from second 2 to 5, and was undone at 6."""
    planned = applied("release", 0, effect=BITES, reaction=reaction)
    before = [at(events.Opened), *planned, level("bites", 1, 1), *broken(2, 6)]
    return fold(*before, *over("release", 6), at(events.Closed, 6), *during, of=of)


def resumed(when):
    return at(events.Resumed, when)


def late(when, start, bad=0):
    """The first reading after a gap: it begins where somebody looks again."""
    reading = Counts(bad=bad, n=100, start=moment(start), end=moment(when))
    return at(events.Measured, when, check="errors", reading=reading)


def test_a_steady_state_must_be_shown_anew_after_a_gap():
    state = recovering(*errors(7, 9), resumed(20))
    state = evolve(state, late(21, 20))

    assert state.judge(ERROR_RATE).evidence.n == 100  # not the 200 from before
    assert state.judge(ERROR_RATE).finding is Finding.OPEN


def test_what_was_shown_as_a_whole_before_the_gap_needs_no_more():
    state = recovering(*errors(7, 20), resumed(90))

    assert decide(state, moment(90)).note == (at(events.Finished, 90),)
    assert clock_finding(state, RECOVER) is Finding.HELD


@pytest.mark.parametrize(
    ("before", "back", "low", "finding"),
    [
        (errors(7, 9), 12, 6, Finding.HELD),  # good on both sides, and in time even at the latest
        (errors(7, 9), 50, 6, Finding.OPEN),  # good before: it may have been good all the time
        ([], 50, 5, Finding.OPEN),  # broken when last seen: it came back at any time since
    ],
)
def test_a_recovery_that_nobody_saw_lies_somewhere_in_the_gap(before, back, low, finding):
    state = recovering(*before, resumed(back - 1), late(back, back - 1), *errors(back + 1, back + 12))

    assert state.clocks[ClockName.RECOVER] == Interval(low=moment(low), high=moment(back))
    assert clock_finding(state, RECOVER) is finding


def test_a_recovery_that_is_still_missing_after_the_gap_is_late():
    state = recovering(resumed(50), late(51, 50, bad=40), *errors(52, 64))

    assert state.clocks[ClockName.RECOVER].low == moment(51)
    assert clock_finding(state, RECOVER) is Finding.REFUTED


def test_an_impact_that_is_first_seen_after_the_gap_may_have_begun_in_it():
    planned = applied("release", 0, effect=BITES)
    state = fold(at(events.Opened), *planned, level("bites", 1, 1), *errors(2, 4), resumed(20), of=OF)
    first = Counts(bad=4, n=100, start=moment(20), end=moment(21), first_bad=moment(20.5))
    state = evolve(state, at(events.Measured, 21, check="errors", reading=first))

    assert state.clocks[ClockName.IMPACT] == Interval(low=moment(3), high=moment(20.5))


def test_a_reaction_in_the_gap_is_not_credited_as_it_may_have_been_our_own_undo():
    rollback = within(ClockName.DETECT, 30)
    planned = applied("release", 0, effect=BITES, reaction=True)
    of = script(ERROR_RATE, rollback, entries=ONE)
    state = fold(at(events.Opened), *planned, level("bites", 1, 1), *broken(2, 6), resumed(90), of=of)

    assert state.censored_at == moment(5)
    assert clock_finding(evolve(state, notice(20)), rollback) is Finding.OPEN


def test_a_break_on_both_sides_of_the_gap_is_not_known_to_have_lasted():
    abort = check("lasting", Role.ABORT, READY, min=3, lasting=moment(10) - moment(0))
    of = script(STEADY, abort, entries=ONE)
    state = fold(at(events.Opened), *applied("release"), *over("release"), of=of)
    state = evolve(evolve(evolve(state, level("lasting", 1, 1)), resumed(30)), level("lasting", 1, 31))

    assert state.stop == ""


def test_what_is_said_of_the_whole_run_is_not_held_where_some_of_it_went_unseen():
    whole = check("errors", Role.EXPECT, ERROR_RATE.probe, max=0.5, over=Span.RUN)
    state = fold(at(events.Opened), *applied("release"), of=script(whole, entries=ONE))
    for event in (counts("errors", 0, 100, 1), resumed(19), late(20, 19)):
        state = evolve(state, event)

    assert realised(whole, state.judge(whole)) is Finding.OPEN


def test_a_run_whose_faults_were_all_undone_is_not_stopped_by_the_gap():
    planned = applied("release", 0, effect=BITES)
    done = fold(at(events.Opened), *planned, level("bites", 1, 1), *over("release", 6), resumed(9), of=OF)

    assert done.stop == ""
    assert decide(done, moment(9)).note == (at(events.Closed, 9),)


def test_a_fault_that_stands_when_the_run_goes_on_is_undone_and_the_run_aborted():
    state = fold(at(events.Opened), *applied("release"), resumed(9), of=OF)

    assert [event.type for event in decide(state, moment(9)).note] == ["reverting"]
    assert verdict(state).result is Result.ABORTED


def test_a_steady_state_that_was_not_yet_shown_starts_over():
    state = fold(level("all ready", 3, 1), level("all ready", 3, 2), resumed(9))

    assert (state.since, state.judges, state.steady) == (moment(9), {}, {})
