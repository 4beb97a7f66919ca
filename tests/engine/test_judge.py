"""Why: a check that decides too early flatters a model, one that forgets what it saw lets it off."""

from functools import reduce

from engine.examples import ERROR_RATE, ERRORS, applied, at, check, counts, fold, level, moment, script

from chaosctl.engine import events
from chaosctl.engine.evolve import evolve
from chaosctl.engine.judge import Finding
from chaosctl.engine.verdict import finding
from chaosctl.model import Counts
from chaosctl.spec import EProcess, KOfN, Role, Span

TWO_OF_THREE = check("two of three", Role.STEADY, decision=KOfN(k=2, n=3), min=3)


def judged(rule, *readings):
    """What the rule's readings come to, before any fault."""
    return finding(fold(*readings, of=script(rule)), rule)


def until_held(state, start):
    """How many readings without an error certify the error rate."""
    for number in range(1, 50):
        state = evolve(state, counts("errors", 0, 100, start + number))
        if finding(state, ERROR_RATE) is Finding.HELD:
            return number, state
    raise AssertionError("it is never certified")


def test_one_bad_reading_of_three_does_not_keep_a_check_from_holding():
    readings = [level("two of three", value, when) for when, value in enumerate((3, 1, 3), 1)]

    assert judged(TWO_OF_THREE, *readings[:2]) is Finding.OPEN
    assert judged(TWO_OF_THREE, *readings) is Finding.HELD


def test_readings_without_data_do_not_count_towards_a_pass():
    readings = [level("two of three", value, when) for when, value in enumerate((3, None, 3), 1)]

    assert judged(TWO_OF_THREE, *readings) is Finding.OPEN


def test_a_share_of_good_answers_is_judged_by_the_bad_ones_that_its_minimum_allows():
    rule = check("right", Role.STEADY, {"kind": "agreement"}, EProcess(), min=0.99)

    def answers(bad):
        return [counts("right", bad, 100, when, complement=True) for when in range(1, 9)]

    assert judged(rule, *answers(0)[:2]) is Finding.OPEN
    assert judged(rule, *answers(0)) is Finding.HELD
    assert judged(rule, *answers(40)) is Finding.REFUTED


def test_an_abort_check_that_broke_once_is_shown_as_broken_in_the_end():
    rule = check("two ready", Role.ABORT, min=2)
    state = fold(at(events.Opened), level("two ready", 1, 1), level("two ready", 3, 2), of=script(rule))

    assert finding(state, rule) is Finding.REFUTED


def test_each_further_attempt_to_certify_a_rate_needs_more_answers():
    first, state = until_held(fold(of=script(ERROR_RATE)), 0)
    state = evolve(state, counts("errors", 60, 100, 60))
    assert finding(state, ERROR_RATE) is Finding.REFUTED

    again, _ = until_held(state, 60)

    assert again > first + 1  # and the reading that began the new stretch does not count


def test_a_long_good_time_does_not_hide_a_break():
    good = [counts("errors", 0, 100, when) for when in range(1, 200)]
    bad = [counts("errors", 6, 100, when) for when in range(200, 203)]

    assert judged(ERROR_RATE, *good, *bad) is Finding.REFUTED


def test_what_is_judged_over_the_run_counts_from_the_first_fault_on():
    rule = check("errors of all", Role.EXPECT, ERRORS, over=Span.RUN, max=0.01, from_steady=False)
    before = fold(counts("errors of all", 50, 100, 1), at(events.Opened, 1), of=script(rule))

    assert finding(before, rule) is Finding.OPEN
    assert finding(evolve(before, counts("errors of all", 0, 100, 2)), rule) is Finding.HELD


def test_what_is_judged_over_the_run_is_not_decided_where_much_of_it_went_unseen():
    rule = check("errors of all", Role.EXPECT, ERRORS, over=Span.RUN, max=0.01, from_steady=False)
    seen = [at(events.Opened, 1), counts("errors of all", 0, 100, 2)]

    assert finding(fold(*seen, counts("errors of all", 0, 100, 5), of=script(rule)), rule) is Finding.HELD
    assert finding(fold(*seen, counts("errors of all", 0, 100, 30), of=script(rule)), rule) is Finding.OPEN
    assert finding(fold(*seen, counts("errors of all", 9, 100, 30), of=script(rule)), rule) is Finding.REFUTED


def test_what_is_compared_with_the_steady_state_is_compared_with_its_mean():
    slower = check("slower", Role.EXPECT, {"kind": "latency"}, max=0.1, from_steady=True)
    steady = [level("slower", 0.2, 1), level("slower", 0.4, 2), at(events.Opened, 2)]

    assert finding(fold(*steady, level("slower", 0.39, 3), of=script(slower)), slower) is Finding.HELD
    assert finding(fold(*steady, level("slower", 0.41, 3), of=script(slower)), slower) is Finding.REFUTED


def test_a_bad_answer_after_the_injection_makes_every_check_be_shown_anew():
    ready = check("all ready", Role.STEADY, decision=KOfN(k=1, n=3), min=3)
    good = [level("all ready", 3, when) for when in (1, 2, 3)]
    state = fold(at(events.Opened), *applied(), *good, of=script(ERROR_RATE, ready))
    assert finding(state, ready) is Finding.HELD

    hit = evolve(state, counts("errors", 1, 100, 4))
    assert finding(reduce(evolve, [level("all ready", 3, 5), level("all ready", 3, 6)], hit), ready) is (
        Finding.OPEN
    )


def test_a_check_that_is_refuted_stays_so_when_the_first_bad_answer_comes():
    ready = check("all ready", Role.STEADY, min=3)
    state = fold(at(events.Opened), *applied(), level("all ready", 1, 1), of=script(ERROR_RATE, ready))

    assert finding(evolve(state, counts("errors", 1, 100, 2)), ready) is Finding.REFUTED


def test_a_good_stretch_begins_after_the_last_bad_answer_in_its_first_reading():
    reading = Counts(bad=1, n=200, start=moment(1), end=moment(2), last_bad=moment(1.3))
    state = fold(at(events.Measured, 2, check="errors", reading=reading), of=script(ERROR_RATE))

    assert state.judge(ERROR_RATE).since.low == moment(1.3)
