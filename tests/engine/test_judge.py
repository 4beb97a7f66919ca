"""Why: a check that decides too early flatters a model, one that forgets what it saw lets it off."""

from functools import reduce

from engine.examples import (
    ERROR_RATE,
    ERRORS,
    applied,
    at,
    check,
    counts,
    entry,
    fold,
    level,
    moment,
    script,
    seconds,
)

from chaosctl.engine import events
from chaosctl.engine.evolve import evolve
from chaosctl.engine.judge import Finding
from chaosctl.engine.verdict import finding
from chaosctl.model import Counts
from chaosctl.spec import EDetector, EProcess, KOfN, Role, Span
from chaosctl.stats import samples_needed

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


def watching(rule, **fields):
    """A state in which faults may be felt from the first second on."""
    return fold(at(events.Opened), of=script(rule, **fields))


def readings(*bad, n=100, start=0, name="errors"):
    return [counts(name, one, n, start + when) for when, one in enumerate(bad, 1)]


def after(state, *some):
    return reduce(evolve, some, state)


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


def test_a_steady_state_that_is_certified_must_be_good_for_long_enough_to_hold_after_a_fault():
    state = after(watching(ERROR_RATE, stable_for=seconds(20)), *readings(*[0] * 20))
    assert finding(state, ERROR_RATE) is Finding.OPEN

    assert finding(after(state, counts("errors", 0, 100, 21)), ERROR_RATE) is Finding.HELD


def test_before_the_first_fault_nothing_must_be_good_for_longer_than_it_takes_to_show():
    state = fold(*readings(*[0] * 5), of=script(ERROR_RATE, stable_for=seconds(20)))

    assert finding(state, ERROR_RATE) is Finding.HELD


def test_what_is_counted_by_readings_must_be_good_for_long_enough_as_well():
    ready = check("all ready", Role.STEADY, decision=KOfN(k=1, n=3), min=3)
    state = after(watching(ready, stable_for=seconds(10)), *[level("all ready", 3, t) for t in range(1, 11)])
    assert finding(state, ready) is Finding.OPEN

    assert finding(after(state, level("all ready", 3, 11)), ready) is Finding.HELD


def test_a_reading_that_the_rule_tolerates_does_not_end_a_good_stretch():
    values = [3, 3, 3, 1, 3, 3]
    state = after(watching(TWO_OF_THREE), *[level("two of three", v, t) for t, v in enumerate(values, 1)])

    assert state.judge(TWO_OF_THREE).since.low == moment(0)


def test_a_good_stretch_that_relapsed_must_be_outlasted():
    """Failing for a second every 20 s: with 10 s it looks recovered once, and never again."""
    cycle = [0] * 19 + [74]
    state = after(watching(ERROR_RATE, stable_for=seconds(10)), *readings(74, *cycle, *[0] * 19))

    assert state.judge(ERROR_RATE).lasts == seconds(19)
    assert finding(state, ERROR_RATE) is Finding.OPEN
    assert finding(after(state, *readings(0, 0, start=40)), ERROR_RATE) is Finding.HELD


def test_the_time_before_the_first_break_is_no_good_stretch_that_relapsed():
    state = after(watching(ERROR_RATE, stable_for=seconds(10)), *readings(*[0] * 50, 74))

    assert state.judge(ERROR_RATE).lasts == seconds(10)


def test_a_relapse_is_remembered_when_the_last_fault_is_over():
    cycle = [74, *[0] * 19, 74]
    state = after(watching(ERROR_RATE, entries=(entry("one", 0),)), *readings(*cycle))
    done = after(state, at(events.Skipped, 21, entry="one", why="x"), at(events.Closed, 21))

    assert done.judge(ERROR_RATE).lasts == seconds(19)


def test_a_relapse_is_when_the_detector_fires_however_long_it_was_good():
    state = after(watching(ERROR_RATE), *readings(*[0] * 500))
    assert finding(state, ERROR_RATE) is Finding.HELD

    assert finding(after(state, *readings(5, 6, 5, start=500)), ERROR_RATE) is Finding.REFUTED


def test_an_e_process_remembers_all_and_a_detector_does_not():
    good, bad = readings(*[0] * 300, name="rule"), readings(*[6] * 4, start=300, name="rule")
    process = check("rule", Role.EXPECT, ERRORS, EProcess(), max=0.01)
    detector = check("rule", Role.EXPECT, ERRORS, EDetector(), max=0.01)

    assert finding(after(watching(process), *good, *bad), process) is Finding.HELD
    assert finding(after(watching(detector), *good, *bad), detector) is Finding.REFUTED


def test_a_longer_run_length_needs_more_evidence_for_an_alarm():
    quick = check("rule", Role.EXPECT, ERRORS, EDetector(run_length=seconds(60)), max=0.01)
    patient = check("rule", Role.EXPECT, ERRORS, EDetector(run_length=seconds(10**7)), max=0.01)

    assert finding(after(watching(quick), *readings(6, 6, name="rule")), quick) is Finding.REFUTED
    assert finding(after(watching(patient), *readings(6, 6, name="rule")), patient) is Finding.OPEN


def test_an_e_process_is_refuted_at_its_share_of_the_runs_alpha():
    usual = check("rule", Role.EXPECT, ERRORS, EProcess(), max=0.01)
    strict = check("rule", Role.EXPECT, ERRORS, EProcess(false_alarm=1e-9), max=0.01)

    assert finding(after(watching(usual), *readings(8, name="rule")), usual) is Finding.REFUTED
    assert finding(after(watching(strict), *readings(8, name="rule")), strict) is Finding.OPEN


def test_a_window_counts_once_however_many_of_its_requests_failed_together():
    each = check("rule", Role.EXPECT, ERRORS, EDetector(), max=0.01)
    windows = check("rule", Role.EXPECT, ERRORS, EDetector(window=seconds(1)), max=0.01)
    clustered = readings(0, 0, 37, 0, 0, name="rule")

    assert finding(after(watching(each), *clustered), each) is Finding.REFUTED
    assert finding(after(watching(windows), *clustered), windows) is Finding.OPEN


def test_a_window_is_judged_when_it_is_full():
    rule = check("rule", Role.EXPECT, ERRORS, EDetector(window=seconds(5)), max=0.01)
    state = after(watching(rule), *readings(90, 90, 90, 90, name="rule"))
    assert state.judge(rule).evidence.above == ()

    assert finding(after(state, counts("rule", 90, 100, 5)), rule) is Finding.OPEN
    assert state.judge(rule).evidence.open.bad == 360


def test_windows_without_a_bad_request_certify_as_many_as_requests_would():
    rule = check("rule", Role.STEADY, ERRORS, EProcess(window=seconds(1)), max=0.2)
    needed = int(samples_needed(0.2))

    assert finding(fold(*readings(*[0] * (needed - 1), name="rule"), of=script(rule)), rule) is Finding.OPEN
    assert finding(fold(*readings(*[0] * needed, name="rule"), of=script(rule)), rule) is Finding.HELD


def test_a_rule_about_time_fires_beside_a_test():
    rule = check(
        "rule", Role.ABORT, ERRORS, EDetector(run_length=seconds(10**12)), max=0.5, lasting=seconds(3)
    )
    state = after(watching(rule), *readings(6, 6, n=10, name="rule"))
    assert finding(state, rule) is Finding.OPEN

    assert finding(after(state, counts("rule", 6, 10, 3)), rule) is Finding.REFUTED


def test_a_run_length_counts_in_windows_where_windows_are_what_counts():
    """Ten windows of 10 s need the evidence of 10, not that of 100 readings."""
    rule = check(
        "rule", Role.EXPECT, ERRORS, EDetector(run_length=seconds(100), window=seconds(10)), max=0.01
    )

    assert finding(after(watching(rule), *readings(*[50] * 10, name="rule")), rule) is Finding.REFUTED
