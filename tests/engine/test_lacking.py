"""Why: a run that decided nothing should at least say how much more it would have needed."""

import pytest
from engine.examples import ERROR_RATE, ERRORS, STEADY, at, check, counts, fold, level, script, seconds

from chaosctl.engine import events
from chaosctl.engine.lacking import lacking
from chaosctl.engine.verdict import verdict
from chaosctl.spec import EProcess, KOfN, Role, Span


def lacks(rule, *readings, **fields):
    state = fold(at(events.Opened), *readings, of=script(rule, **fields))
    return lacking(rule, state.judge(rule))


def test_a_rate_says_what_was_seen_and_how_many_more_good_answers_would_show_it():
    assert lacks(ERROR_RATE, counts("errors", 1, 100, 1)) == (
        "1 of 100 were bad, so 0.0023 % to 7.8 % are; 704 more samples without a bad one would show it"
    )


def test_so_many_more_are_exactly_enough():
    def more(n):
        return lacks(ERROR_RATE, counts("errors", 1, 100, 1), counts("errors", 0, n, 2))

    assert "1 more sample without" in more(703)
    assert not more(704)


def test_windows_are_counted_in_windows():
    rule = check("rule", Role.STEADY, ERRORS, EProcess(window=seconds(5)), max=0.05)

    assert lacks(rule, counts("rule", 0, 100, 1)) == (
        "81 more windows of 5 s without a bad one would show it"
    )


def test_what_no_number_of_answers_can_show_says_so():
    rule = check("rule", Role.STEADY, ERRORS, EProcess(), max=0)

    assert "no number of answers can show it" in lacks(rule, counts("rule", 0, 100, 1))


@pytest.mark.parametrize(("seen", "words"), [(1, "2 more readings"), (2, "1 more reading")])
def test_readings_that_are_missing_are_counted(seen, words):
    assert lacks(STEADY, *[level("all ready", 3, t + 1) for t in range(seen)]) == f"{words} would decide it"


def test_time_that_is_missing_is_said():
    ready = check("ready", Role.STEADY, decision=KOfN(), min=3)

    assert lacks(ready, level("ready", 3, 1), level("ready", 3, 4), stable_for=seconds(30)) == (
        "it must be good for 27 s more"
    )


def test_facts_and_what_is_decided_lack_nothing():
    fact = check("fact", Role.EXPECT, ERRORS, over=Span.RUN, max=0.01)

    assert not lacks(fact)
    assert not lacks(STEADY, *[level("all ready", 3, t) for t in (1, 2, 3)])


def test_an_inconclusive_verdict_says_it():
    state = fold(at(events.Opened), counts("errors", 0, 100, 1), of=script(ERROR_RATE))

    (why,) = [why for why in verdict(state).why if why.startswith("errors")]
    assert why == (
        "errors is not shown to have come back: 0 of 100 were bad, so 0 % to 4 % are; "
        "310 more samples without a bad one would show it"
    )
