"""Why: a clock that stops too early flatters, one that is never stopped must never read as fast."""

from datetime import timedelta
from functools import reduce

import pytest
from engine.examples import (
    BITES,
    ERROR_RATE,
    SERVED,
    STEADY,
    applied,
    at,
    counts,
    entry,
    fold,
    level,
    moment,
    over,
    script,
    within,
)

from chaosctl.engine import events
from chaosctl.engine.clocks import clock_finding
from chaosctl.engine.decide import decide
from chaosctl.engine.evolve import evolve
from chaosctl.engine.judge import Finding
from chaosctl.engine.verdict import verdict
from chaosctl.errors import Illegal
from chaosctl.model import Interval, Level
from chaosctl.spec import Check, ClockName, Role

ONE = (entry("release", 0, hold=60),)
DETECT, ROLLBACK, RECOVER = (
    within(name, limit)
    for name, limit in ((ClockName.DETECT, 10), (ClockName.ROLLBACK, 20), (ClockName.RECOVER, 30))
)
OF = script(ERROR_RATE, SERVED, DETECT, ROLLBACK, RECOVER, entries=ONE)


def good(start, end):
    """A second each without an error, the old version answering."""
    for when in range(start, end):
        yield counts("errors", 0, 100, when)
        yield level("serving", 1.0, when)


def bad(start, end, share=40):
    for when in range(start, end):
        first = moment(when - 0.5)
        yield counts("errors", share, 100, when, first_bad=first, last_bad=moment(when - 0.1))
        yield level("serving", 0.6, when)


def notice(when):
    return events.Noticed(at=moment(when), by="watchdog", what="errors 40 %", when=moment(when))


def release(*during, reaction=True, of=OF):
    planned = applied("release", 0, effect=BITES, reaction=reaction)
    return fold(at(events.Opened), *planned, level("bites", 1, 1), *during, of=of)


def moved(event, when):
    return event.model_copy(update={"at": moment(when)})


def finding(state, check):
    return clock_finding(state, check)


def test_a_reaction_in_time_stops_every_clock_and_says_how_sure_it_is():
    restored = at(events.Restored, 8, entry="release", by="chaosctl-watchdog")
    state = release(*bad(2, 6), notice(7), restored, *good(8, 20))

    assert state.clocks[ClockName.INJECT] == Interval(low=moment(0), high=moment(0))
    assert state.clocks[ClockName.EFFECT] == Interval(low=moment(0), high=moment(1))
    assert state.clocks[ClockName.IMPACT] == Interval(low=moment(1.5), high=moment(1.5))
    assert state.clocks[ClockName.DETECT] == Interval(low=moment(7), high=moment(7))
    assert state.clocks[ClockName.ROLLBACK] == Interval(low=moment(7), high=moment(8))
    assert state.clocks[ClockName.MITIGATE] == Interval(low=moment(7), high=moment(8))
    assert state.clocks[ClockName.RECOVER] == Interval(low=moment(7), high=moment(8))
    assert {finding(state, check) for check in (DETECT, ROLLBACK, RECOVER)} == {Finding.HELD}


def test_the_hold_ends_early_when_the_reaction_restored_everything_and_every_clock_is_decided():
    restored = at(events.Restored, 8, entry="release", by="chaosctl-watchdog")
    early = release(*bad(2, 6), notice(7), restored, *good(8, 10))
    later = reduce(evolve, good(10, 20), early)

    assert not decide(early, moment(10)).note
    assert "restored by chaosctl-watchdog" in decide(later, moment(20)).note[0].why


def test_our_own_revert_is_never_credited_as_their_rollback():
    reverted = over("release", 25)
    state = release(
        *bad(2, 25), reverted[0], *good(26, 30), reverted[1], at(events.Closed, 30), *good(31, 50)
    )

    assert state.clocks[ClockName.ROLLBACK].low >= state.censored_at
    assert [finding(state, check) for check in (DETECT, ROLLBACK, RECOVER)] == [
        Finding.REFUTED,
        Finding.REFUTED,
        Finding.OPEN,
    ]
    assert verdict(evolve(state, at(events.Finished, 50))).exit_code == 1


def test_a_first_bad_answer_in_our_own_undo_gives_nobody_more_time():
    reverted = over("release", 25)
    state = release(
        *good(2, 25),
        reverted[0],
        *bad(26, 27),
        *good(27, 30),
        reverted[1],
        at(events.Closed, 30),
        *good(31, 50),
    )

    assert state.clocks[ClockName.IMPACT].low >= state.censored_at
    assert [finding(state, check) for check in (DETECT, ROLLBACK)] == [Finding.REFUTED, Finding.REFUTED]


def test_a_revert_that_nobody_was_expected_to_do_is_a_recovery():
    reverted = over("release", 10)
    state = release(*bad(2, 10), *reverted, *good(11, 20), reaction=False)

    assert state.censored_at is None
    assert finding(state, RECOVER) is Finding.HELD


def test_a_relapse_takes_the_recovery_back():
    state = release(*bad(2, 5), *good(5, 15))
    assert ClockName.RECOVER in state.clocks

    relapsed = reduce(evolve, bad(15, 17), state)
    assert not {ClockName.RECOVER, ClockName.MITIGATE, ClockName.ROLLBACK} & set(relapsed.clocks)

    again = reduce(evolve, good(17, 40), relapsed)
    assert again.clocks[ClockName.RECOVER] == Interval(low=moment(16), high=moment(17))


def test_an_impact_after_a_certified_good_time_must_be_recovered_from_anew():
    state = release(*good(2, 15))
    assert finding(state, RECOVER) is Finding.HELD

    hit = evolve(state, counts("errors", 1, 100, 15))
    assert finding(hit, RECOVER) is Finding.OPEN
    assert reduce(evolve, good(16, 30), hit).clocks[ClockName.RECOVER].low >= moment(14)


def test_a_reaction_that_is_over_between_two_readings_stops_the_rollback_clock():
    restored = at(events.Restored, 2, entry="release", by="chaosctl-watchdog")
    state = release(restored, *good(3, 12))

    assert state.clocks[ClockName.ROLLBACK] == Interval(low=moment(2), high=moment(3))


def test_without_impact_the_recovery_holds_if_the_steady_state_never_broke():
    state = release(*good(2, 15))

    assert ClockName.IMPACT not in state.clocks
    assert finding(state, RECOVER) is Finding.HELD


def test_what_never_happened_is_refuted_when_its_time_is_over_and_open_before():
    assert finding(release(*bad(2, 8)), DETECT) is Finding.OPEN
    assert finding(release(*bad(2, 15)), DETECT) is Finding.REFUTED
    assert finding(fold(of=OF), DETECT) is Finding.OPEN


def test_what_was_late_is_refuted_and_what_sampling_leaves_open_is_open():
    late = release(*bad(2, 14), notice(13))
    assert finding(late, DETECT) is Finding.REFUTED

    vague = release(counts("errors", 10, 100, 5), notice(14.5))
    assert vague.clocks[ClockName.IMPACT] == Interval(low=moment(4), high=moment(5))
    assert finding(vague, DETECT) is Finding.OPEN


def test_a_recovery_that_began_in_time_but_lacks_samples_is_open_not_refuted():
    state = release(*bad(2, 28), *good(28, 33))

    assert finding(state, RECOVER) is Finding.OPEN
    assert finding(reduce(evolve, good(33, 60), state), RECOVER) is Finding.HELD
    assert finding(release(*bad(2, 40), *good(40, 42)), RECOVER) is Finding.REFUTED


def test_noticing_something_before_the_injection_is_no_detection():
    state = fold(at(events.Opened), notice(0), *applied("release", 1), of=OF)

    assert ClockName.DETECT not in state.clocks
    assert len(state.notices) == 1


def test_a_clock_that_must_never_stop_holds_only_at_the_end():
    never = Check(name="nobody reacts", role=Role.EXPECT, clock=ClockName.DETECT, never=True)
    of = script(ERROR_RATE, SERVED, never, entries=ONE)
    quiet = release(*good(2, 20), of=of)
    ended = reduce(evolve, [*over("release", 20), at(events.Closed, 20), *good(21, 40)], quiet)

    assert finding(quiet, never) is Finding.OPEN
    assert finding(ended, never) is Finding.HELD
    assert finding(evolve(quiet, notice(20)), never) is Finding.REFUTED


def test_a_check_that_reads_no_clock_has_no_clock_to_judge():
    with pytest.raises(Illegal, match="reads no clock"):
        finding(fold(of=OF), STEADY)


def test_readings_that_ended_before_the_injection_move_no_clock():
    state = fold(at(events.Opened), counts("errors", 5, 100, 1), *applied("release", 1), of=OF)

    assert set(reduce(evolve, [counts("errors", 5, 100, 1)], state).clocks) == {ClockName.INJECT}


def test_nobody_can_be_late_to_react_to_what_nobody_felt():
    quiet = fold(at(events.Opened), *applied("release", 0, effect=BITES, reaction=True), *good(1, 40), of=OF)

    assert [finding(quiet, check) for check in (DETECT, ROLLBACK)] == [Finding.OPEN, Finding.OPEN]
    assert verdict(reduce(evolve, [*over("release", 40), at(events.Closed, 40)], quiet)).exit_code == 4


def test_the_injection_lies_between_the_first_write_and_the_last_answer():
    planned, applying, acknowledged = applied("release")
    state = fold(at(events.Opened), planned, moved(applying, 1), moved(acknowledged, 3), of=OF)

    assert state.clocks[ClockName.INJECT] == Interval(low=moment(1), high=moment(3))


def test_a_notice_of_something_before_the_injection_is_no_detection_whenever_it_is_heard():
    heard_late = events.Noticed(at=moment(3), by="watchdog", what="errors", when=moment(0))
    state = fold(at(events.Opened), *applied("release", 1), heard_late, of=OF)

    assert ClockName.DETECT not in state.clocks


def test_the_first_of_several_notices_is_the_detection():
    assert release(notice(3), notice(6)).clocks[ClockName.DETECT].high == moment(3)


def test_a_reaction_at_the_very_moment_of_our_own_undo_is_not_credited():
    state = release(*bad(2, 5), over("release", 5)[0], notice(5))

    assert finding(reduce(evolve, good(6, 20), state), DETECT) is Finding.OPEN


def test_a_bad_answer_before_the_injection_is_not_its_impact():
    planned, applying, acknowledged = applied("release", 1)
    state = fold(at(events.Opened), planned, applying, acknowledged, of=OF)
    hit = evolve(state, counts("errors", 5, 100, 1.5, first_bad=moment(0.7), last_bad=moment(1.4)))

    assert hit.clocks[ClockName.IMPACT] == Interval(low=moment(1), high=moment(1.5))


def test_nobody_is_late_as_long_as_the_impact_may_have_come_later():
    vague = release(counts("errors", 10, 100, 5), level("serving", 0.6, 14.5))

    assert vague.clocks[ClockName.IMPACT] == Interval(low=moment(4), high=moment(5))
    assert finding(vague, DETECT) is Finding.OPEN


def test_a_check_that_broke_in_the_hold_may_tell_its_clock_after_it():
    undone = [*over("release", 6), at(events.Closed, 6)]

    assert ClockName.ROLLBACK in release(*bad(2, 6), *undone, *good(7, 9)).clocks


def test_the_recovery_begins_when_the_last_check_is_good_again():
    uneven = [level("serving", 1.0, when) for when in (5, 6, 7, 8)]
    state = release(*bad(2, 5), *uneven, *(counts("errors", 40, 100, when) for when in (5, 6, 7)))

    again = reduce(evolve, good(9, 30), state)
    assert again.clocks[ClockName.RECOVER] == Interval(low=moment(8), high=moment(9))


def test_no_recovery_begins_before_the_impact():
    hit = counts("errors", 1, 100, 5, first_bad=moment(4.5), last_bad=moment(4.5))
    long_reading = Level(value=1.0, start=moment(0), end=moment(10))
    slow = at(events.Measured, 10, check="serving", reading=long_reading)
    state = release(hit, *(counts("errors", 0, 100, when) for when in range(6, 11)), slow)

    assert state.clocks[ClockName.MITIGATE] == Interval(low=moment(4.5), high=moment(10))


def test_a_clock_that_must_never_stop_is_not_waited_for():
    never = Check(name="nobody pages", role=Role.EXPECT, clock=ClockName.DETECT, never=True)
    restored = at(events.Restored, 8, entry="release", by="chaosctl-watchdog")
    of = script(ERROR_RATE, SERVED, ROLLBACK, never, entries=ONE)
    state = release(*bad(2, 6), restored, *good(8, 20), of=of)

    assert "restored by chaosctl-watchdog" in decide(state, moment(20)).note[0].why


def test_what_must_never_happen_is_not_shown_by_a_run_that_was_stopped():
    never = Check(name="nobody reacts", role=Role.EXPECT, clock=ClockName.DETECT, never=True)
    of = script(ERROR_RATE, SERVED, never, entries=ONE)
    stopped = [at(events.Stopped, 5, why="a person"), *over("release", 5), at(events.Closed, 5)]

    assert finding(release(*good(2, 5), *stopped, of=of), never) is Finding.OPEN


def test_a_reaction_before_the_impact_took_no_time_not_less_than_none():
    reaction, impact = Interval(low=moment(1), high=moment(2)), Interval(low=moment(3), high=moment(3))
    assert reaction.since(impact) == (timedelta(), timedelta())
