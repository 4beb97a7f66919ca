from functools import reduce

from report.journals import CHECKS, OPENED, STEADY, at, failed, passed, records, started

from chaosctl.engine import events
from chaosctl.engine.evolve import evolve
from chaosctl.engine.state import State
from chaosctl.report import compose, terminal


def told(some):
    """Every line of a live view."""
    state, lines = State(), []
    for event in some:
        before, state = state, evolve(state, event)
        lines += terminal.news(before, event, state)
    return lines


def test_a_run_is_followed_line_by_line():
    lines = told(passed())
    assert "00:05        release: inject release image fraud:2.4" in lines
    assert not [line for line in lines if "planned" in line]
    assert "00:10        impact: the first bad answer" in lines
    assert "00:25        watchdog: agreement 91 % < 99 %: rolled back to revision 3" in lines
    assert any(line.endswith("✓ 15.4 s ≤ 30 s") for line in lines if "detect: " in line)
    assert any("✓ 18.4 s [17.9 s, 18.9 s] ≤ 60 s" in line for line in lines if "rollback: " in line)
    assert len(lines) < 30


def test_a_clock_that_our_own_undo_stopped_is_not_praised():
    assert not [line for line in told(failed()) if "rollback: " in line and "✓" in line]


def test_the_heading_says_what_is_broken_where():
    state = evolve(State(), started())
    title, summary = terminal.heading(state)
    assert title.startswith("bad-release on models/fraud (context staging)")
    assert title.endswith("run 7f3k")
    assert summary == "A release that answers wrongly is rolled back before users notice."


def test_the_steady_state_is_one_line():
    waiting = evolve(State(), started())
    assert terminal.steady(waiting).startswith("steady       errors ? ≤ 5 % ·")
    state = reduce(evolve, [started(), *STEADY], State())
    assert terminal.steady(state).startswith(
        "steady       errors 0 % ≤ 5 % ✓   correct 100 % ≥ 95 % ✓   serving 100 %"
    )


def test_the_latest_values_are_one_line_with_sparks():
    state = reduce(evolve, [started(), *STEADY, OPENED], State())
    line = terminal.now(state, {"errors": [0.0, 0.1, 0.02], "correct": []})
    assert line == "now          errors 2 % ▁█▂"


def test_the_end_says_verdict_cost_nearest_miss_and_where_to_read_on():
    made = compose(records(passed()))
    assert [line.rstrip() for line in terminal.ending(made, {"html": "/r/p.html", "md": "/r/p.md"})] == [
        f"{'PASSED  reverted clean (restored by watchdog)':<70} exit 0",
        "83 of 2,680 answers were wrong (3.1 %, 95 % interval 2.5 to 3.8 %): 0.03 error-budget minutes.",
        "Nearest miss: detect in time: within 30 s held by 14.6 s.",
        "post-mortem  /r/p.html · /r/p.md",
        "again        chaosctl runs show 7f3k",
    ]


def test_the_end_of_a_run_that_did_not_end_gives_no_exit_code():
    lines = terminal.ending(compose(records([started()])), {})
    assert lines[0] == "UNFINISHED  nothing was touched"


def test_reasons_stand_below_the_verdict():
    lines = terminal.ending(compose(records(failed())), {})
    assert lines[0].endswith("exit 1")
    assert "  correct over the run did not hold" in lines


def test_names_cannot_act_on_the_terminal():
    nasty = CHECKS[0].model_copy(update={"name": "\x1b[2Jerrors"})
    state = evolve(State(), started(checks=(nasty,), summary="\x1b]0;x\x07hello"))
    assert "\x1b" not in "".join([*terminal.heading(state), terminal.steady(state)])
    stop = at(events.Stopped, 1, why="\x1b[31mred")
    assert terminal.news(state, stop, evolve(state, stop)) == ("steady       stop: red",)
