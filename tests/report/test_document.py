from datetime import timedelta

import pytest
from report.journals import (
    CHECKS,
    DEPLOYMENT,
    ENDINGS,
    INJECTED,
    OPENED,
    RELEASE,
    STEADY,
    at,
    blind,
    check,
    counts,
    during,
    failed,
    level,
    moment,
    passed,
    records,
    second,
    seconds,
    started,
)

from chaosctl.engine import events
from chaosctl.errors import Invalid
from chaosctl.model import Counts
from chaosctl.report import Chain, compose, data, html, junit, markdown, read
from chaosctl.report.axis import plot
from chaosctl.spec import ClockName, EProcess, KOfN, Role

BROKE = (
    "83 of 2,680 answers were wrong (3.1 %, 95 % interval 2.5 to 3.8 %), 17.8 s from the first to the last."
)


def document(some):
    return compose(records(some))


@pytest.fixture(scope="module")
def good():
    return document(passed())


def row(of, name):
    return next(found for found in of.checks if found.name == name)


@pytest.mark.parametrize(
    ("ending", "result", "code"),
    [
        ("passed", "passed", 0),
        ("failed", "failed", 1),
        ("refused", "refused", 2),
        ("aborted", "aborted", 3),
        ("not-steady", "aborted", 3),
        ("inconclusive", "inconclusive", 4),
        ("incomplete", "failed", 5),
        ("unfinished", "unfinished", None),
    ],
)
def test_every_ending_has_its_verdict_and_exit_code(ending, result, code):
    header = document(ENDINGS[ending]()).header
    assert (header.result, header.exit_code) == (result, code)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_run_that_died_anywhere_still_gets_every_format(ending):
    rows = records(ENDINGS[ending]())
    for length in [*range(1, len(rows), 1 + len(rows) // 12), len(rows)]:
        part = compose(rows[:length])
        assert "EXERCISE" in html(part)
        assert "EXERCISE" in markdown(part)
        assert data(part)["run"] == "7f3k"
        assert "<testsuite " in junit([part])


def test_an_empty_journal_is_bad_input():
    with pytest.raises(Invalid, match="the journal is empty"):
        compose([])


def test_the_document_follows_from_the_journals_json_alone(good):
    rows = [(record.seq, record.event.model_dump(mode="json")) for record in records(passed())]
    assert compose(read(rows)) == good


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_number_names_rows_that_are_in_the_journal(ending):
    rows = records(ENDINGS[ending]())
    known = {record.seq for record in rows}
    made = compose(rows)
    parts = [
        *made.recap,
        *made.checks,
        *made.entries,
        *made.harm,
        *made.clocks,
        *made.margins,
        *made.readings,
    ]
    parts += [*made.detection, *made.response, *made.recovery]
    assert {seq for part in parts for seq in part.evidence} <= known
    assert {line.seq for line in made.timeline} <= known


def test_the_numbers_of_a_check_can_be_recomputed_from_the_rows_it_names(good):
    events_of = {record.seq: record.event for record in records(passed())}
    harm = good.harm[0]
    readings = [events_of[seq].reading for seq in harm.evidence]
    assert (harm.bad, harm.n) == (sum(r.bad for r in readings), sum(r.n for r in readings))
    budget = sum(r.bad / r.n * (r.end - r.start).total_seconds() for r in readings) / 60
    assert harm.budget_minutes == pytest.approx(budget)
    assert row(good, "correct after").samples == sum(
        events_of[seq].reading.n for seq in row(good, "correct after").evidence
    )


def test_readings_that_overlap_are_counted_once():
    twice = [event for event in passed() for _ in range(2 if isinstance(event, events.Measured) else 1)]
    assert document(twice).harm[0].n == document(passed()).harm[0].n


def test_the_five_lines_tell_the_whole_story(good):
    assert [(line.label, line.text) for line in good.recap] == [
        ("We injected", "release image fraud:2.4, held 56 s."),
        (
            "It broke",
            BROKE,
        ),
        ("It was caught by", "watchdog after 15.4 s."),
        ("It recovered", "18.4 s [17.9 s, 18.9 s] after the impact; certified on 520 samples."),
        ("We learned", "0 near misses, 0 proposed actions. Integrity: chain of 460 events, not verified."),
    ]


def test_a_broken_chain_is_said_in_the_summary():
    made = compose(records(passed()), Chain("00", intact=False, fault="row 7: its content does not match"))
    assert "BROKEN (row 7: its content does not match)" in made.recap[-1].text
    assert "BROKEN" in html(made)


def test_our_own_undo_is_not_credited_to_the_reaction():
    made = document(failed())
    clocks = {clock.name: clock for clock in made.clocks}
    assert clocks[ClockName.RECOVER].text == "only after our own undo, which does not count"
    assert row(made, "rollback in time").observed == "only after our own undo, which does not count"
    assert row(made, "detect in time").observed == "not seen"


def test_what_was_not_decided_is_never_called_passed():
    made = document(ENDINGS["inconclusive"]())
    assert row(made, "release felt").verdict == "inconclusive"
    assert row(made, "errors after")[2:7] == ("≤ 5 %", "no data", 0, "inconclusive", ())


def test_the_timeline_is_in_order_and_begins_before_the_injection(good):
    times = [line.at for line in good.timeline]
    assert times == sorted(times)
    assert good.timeline[0].offset == "T-00:18"


def test_what_nearly_broke_is_a_near_miss_and_becomes_a_proposal():
    near = check("correct enough", Role.EXPECT, "agreement", min=0.85, decision=KOfN(k=2, n=2))
    some = [
        counts("correct enough", (event.at - moment(0)).total_seconds(), 5)
        if isinstance(event, events.Measured) and event.check == "not all wrong"
        else event
        for event in passed()
        if not (isinstance(event, events.Measured) and event.check == "correct over the run")
    ]
    some[0] = started(checks=(*CHECKS[:4], near, *CHECKS[6:]))
    made = document(some)
    assert made.margins[0].text == "correct enough: ≥ 85 % held by 2.5 points (87.5 %)"
    assert made.margins[0].near
    assert "1 near miss, 1 proposed action" in made.recap[-1].text
    assert made.actions[0].text.startswith("Widen the margin of correct enough")
    assert "Near miss" in html(made)


def test_a_bound_that_broke_for_a_moment_says_so():
    tolerant = check("fast", Role.EXPECT, "latency", unit="seconds", max=0.1, decision=KOfN(k=3, n=5))
    untold = check("any", Role.EXPECT, "other", unit="", max=0)
    slow = level("fast", 30, 0.4)
    some = [started(checks=(*CHECKS[:4], tolerant, untold)), *STEADY, OPENED, *INJECTED, slow]
    made = document([*some, level("any", 31, 0.0)])
    assert [margin.text for margin in made.margins] == ["fast: ≤ 100 ms was broken for a moment (400 ms)"]


def below_steady(name, role, **bounds):
    found = check(name, role, "ready", unit="replicas", **bounds)
    return found.model_copy(update={"holds": found.holds.model_copy(update={"from_steady": True})})


def test_the_distance_to_a_bound_is_in_the_unit_of_the_bound():
    quick = check("quick", Role.EXPECT, "latency", unit="seconds", max=0.5)
    made = document(
        [started(checks=(*CHECKS[:4], quick)), *STEADY, OPENED, *INJECTED, level("quick", 30, 0.4)]
    )
    assert made.margins[0].text == "quick: ≤ 500 ms held by 100 ms (400 ms)"


def test_values_from_the_steady_state_are_told_with_it():
    steady = below_steady("replicas", Role.STEADY, min=-1)
    fewer = below_steady("fewer", Role.EFFECT, max=-1)
    plan = at(events.Planned, 5, entry="release", plan=(), effect=fewer)
    some = [
        started(checks=(steady,), workload=None),
        *(level("replicas", n, 3) for n in range(1, 4)),
        at(events.Opened, 4),
        plan,
        *INJECTED[1:],
        level("fewer", 21, 1),
        level("replicas", 22, 1),
    ]
    made = document(some)
    assert row(made, "fewer")[2:6] == (
        "≤ steady - 1 replica",
        "1 replica (steady 3 replicas)",
        40,
        "passed",
    )
    assert "felt as release: 1 replica" in made.recap[1].text
    assert any("No traffic was sent" in limit for limit in made.limits)
    assert made.figure.charts[0].bound == 2
    assert "3 replicas" in row(made, "replicas before").observed


def test_a_promise_that_a_clock_never_stops_is_shown_as_such():
    never = CHECKS[-2].model_copy(update={"never": True, "within": None, "name": "no rollback"})
    calm = [started(checks=(*CHECKS[:4], never)), *STEADY, OPENED, *INJECTED, *second(20)]
    assert row(document(calm), "no rollback")[2:4] == ("never", "not seen")


def test_harm_without_exact_moments_is_bounded_by_its_readings():
    some = [started(checks=CHECKS[:4]), *STEADY, OPENED, *INJECTED]
    some += [counts("errors", 20, 3), counts("errors", 21, 0), counts("errors", 22, 2)]
    assert document(some).harm[0].lasted == "2 s [1 s, 3 s]"


def test_an_abort_check_that_was_reached_says_failed():
    some = [started(), *STEADY, OPENED, *INJECTED, *during(20, 24, 40)]
    made = document(some)
    assert row(made, "not all wrong")[2:6] == ("≥ 10 %", "at worst 0 %", 160, "failed")
    assert made.header.result == "unfinished"


def test_how_long_an_entry_will_be_held_is_told_where_it_never_ended():
    assert document(ENDINGS["unfinished"]()).recap[0].text == "release image fraud:2.4, to be held 3 min."


def test_entries_that_were_skipped_give_their_reason():
    skipped = at(events.Skipped, 18, entry="release", why="the target has no such container")
    made = document([started(), *STEADY, OPENED, skipped, at(events.Closed, 19)])
    assert made.recap[0].text == "nothing: the target has no such container."
    assert made.entries[0].state == "skipped"
    assert made.header.reverted == "nothing was touched"


def test_a_steady_state_that_never_broke_is_recovered_at_once():
    harmless = passed()
    calm = [
        event.model_copy(update={"reading": event.reading.model_copy(update={"bad": 0})})
        if isinstance(event, events.Measured)
        and isinstance(event.reading, Counts)
        and event.check != "release felt"
        else event
        for event in harmless
    ]
    made = document(calm)
    assert row(made, "recover in time")[3:6] == ("not needed: the steady state never broke", 0, "passed")
    assert made.recap[3].text.startswith("at once: its steady state never broke; certified on 520 samples")
    assert made.recap[1].text.startswith("nothing that users would notice: none of 2,680 requests was bad")


def test_several_entries_stand_in_lanes_of_their_own():
    two = (RELEASE, RELEASE.model_copy(update={"id": "again", "at": seconds(90)}))
    made = document([started(entries=two), *STEADY, OPENED, *INJECTED])
    assert [lane.label for lane in made.figure.lanes] == ["release"]
    assert made.figure.description.startswith("2 entries over 19 s")


def test_a_chart_whose_probe_went_blind_shows_only_what_was_read():
    made = document([started(), *STEADY, blind("p99", 14), blind("p99", 15)])
    (panel,) = [panel for panel in plot(made.figure).panels if panel.chart.label == "p99"]
    assert panel.line.count("M") == 1
    assert len(panel.blanks) == 2


def test_a_figure_without_readings_says_so():
    made = document([started(), at(events.Stopped, 3, why="SIGINT")])
    assert "no readings" in made.figure.description
    assert document([started()]).figure is None


def test_when_another_process_took_over_is_a_limit():
    made = document(ENDINGS["incomplete"]())
    assert any("Another process took the run over at T+00:12" in limit for limit in made.limits)
    assert made.actions[0].text == "Put back what “release” changed: chaosctl recover."


def test_a_target_that_is_named_stays_named(good):
    assert str(DEPLOYMENT) in good.entries[0].changes[0]
    assert good.header.started == moment(0)
    assert good.header.ended - good.header.started == timedelta(seconds=90)


def test_a_steady_state_that_broke_without_a_bad_answer_is_told_with_its_worst():
    some = [started(checks=CHECKS[:4]), *STEADY, OPENED, *INJECTED]
    made = document([*some, *second(20), *second(21, slow=0.31), *second(22, slow=0.2)])
    assert made.recap[1].text.startswith("p99 was at worst 351 ms (≤ 200 ms); none of 120 requests was bad")
    assert made.recap[2].text == "nobody: not detected, though it showed."


def test_what_tests_are_right_about_is_a_limit_and_so_is_what_they_assume():
    windows = CHECKS[1].model_copy(update={"decision": EProcess(alpha=0.01, window=timedelta(seconds=5))})
    made = document([started(checks=(CHECKS[0], windows, *CHECKS[2:]), alpha=0.02), *STEADY])

    assert {
        "errors: held wrongly in at most 5 % of runs (alpha); assumes independent failures.",
        "correct: held wrongly in at most 1 % of runs (alpha); counts windows of 5 s.",
        "Failed, aborted or flagged wrongly in at most 2 % of runs (alpha), shared by 2 tests.",
    } <= set(made.limits)


def test_a_run_without_tests_promises_no_error_rate():
    made = document([started(checks=(CHECKS[3],)), level("p99", 1, 0.04)])

    assert not any("(alpha)" in limit for limit in made.limits)
