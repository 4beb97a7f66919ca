"""Why: each rule stands for a drill that looked fine and proved nothing."""

import pytest
from catalog.examples import CATALOG, PLAYBOOK, changed, write

from chaosctl.catalog import catalog_of, check_file
from chaosctl.faults import Burst
from chaosctl.probes import Statuses
from chaosctl.spec.problems import Severity

STEADY = """\
    - {probe: errors, max: 1%}
    - {probe: correct, min: 99%}
    - {probe: slow, max: 250ms}
    - {probe: serving, min: 95%}
"""
ENTRY = '    - {at: 20s, inject: {kind: release, image: "${image}"}, hold: 3m}\n'
PARAMETERS = """\
  parameters:
    image: {description: the release to try, example: "sample-model:wrong-weights"}
"""
SLOW = "    - {at: 5m, inject: {kind: slow}, hold: 1m, effect: {probe: slow, min: 1s}}\n"
WORKLOAD = "  workload:\n    requests: {corpus: golden}\n    arrival: {process: poisson, rate: 50/s}\n"


def found(tmp_path, *changes):
    path = write(tmp_path, changed(*changes))
    return {(problem.field, problem.message): problem for problem in check_file(path, CATALOG)}


def test_a_good_playbook_has_nothing_to_say(tmp_path):
    assert check_file(write(tmp_path, PLAYBOOK), CATALOG) == []


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ([("  steadyState:\n" + STEADY, "")], "spec.steadyState", "the steady state reads nothing"),
        (
            [("{probe: errors, max: 50%, for: 10s}", "{clock: impact, within: 3s}")],
            "spec.abort[0].clock",
            "a clock cannot be read in abort",
        ),
        (
            [("    - {probe: serving, min: 95%}\n", "")],
            "spec.expect[1].clock",
            "nothing here can answer rollback",
        ),
        (
            [("rollback, within: 60s", "rollback, within: 3m")],
            "spec.expect[1].within",
            "rollback may take 3 m, but release is undone after that",
        ),
        (
            [("hold: 3m", "hold: 300h")],
            "spec.timeline[0]",
            "ends after 300 h 20 s; a run lasts 24 h at most",
        ),
        ([("hold: 3m", "hold: 1s")], "spec.timeline[0].hold", "the hold is shorter than two check intervals"),
        (
            [(ENTRY, ENTRY + ENTRY.replace("20s", "3m"))],
            "spec.timeline[1].at",
            "release overlaps with release: both change the template",
        ),
        (
            [(ENTRY, ENTRY + SLOW + SLOW.replace("at: 5m", "at: 5m30s"))],
            "spec.timeline[2].at",
            "slow overlaps with slow: both change the traffic",
        ),
        (
            [("hold: 3m", "hold: 3m, repeat: {every: 2m, times: 2}")],
            "spec.timeline[0].repeat",
            "release overlaps with its own repetition",
        ),
        (
            [(ENTRY, ENTRY + SLOW.replace(", effect: {probe: slow, min: 1s}", ""))],
            "spec.timeline[1]",
            "nothing shows the effect of slow",
        ),
        ([("max: 1%", "max: 1s")], "spec.steadyState[0].max", "the probe's value is a share"),
        ([("max: 250ms", "max: 1%")], "spec.steadyState[2].max", "the probe's value is a time"),
        ([("max: 1%", "max: 101%")], "spec.steadyState[0].max", "101 % is more than all"),
        ([("max: 1%", "max: 3")], "spec.steadyState[0].max", "300 % is more than all"),
        (
            [("rate: 50/s", "rate: 1/s")],
            "spec.steadyState[0]",
            "needs 410 answers to be decided, 58 come in 58 s",
        ),
        (
            [("rate: 50/s", "rate: 1/s")],
            "spec.steadyState[1]",
            "needs 410 answers to be decided, 58 come in 58 s",
        ),
        (
            [("{probe: errors, max: 1%}", "{probe: errors, max: 0.1%}")],
            "spec.steadyState[0]",
            "needs 4111 answers to be decided, 2900 come in 58 s",
        ),
        (
            [("  workload:", "  recoverWithin: 31s\n  workload:"), ("max: 1%", "max: 0.2%")],
            "spec.steadyState[0]",
            "needs 2055 answers to be decided, 1450 come in 29 s",
        ),
        (
            [("max: 1%", "max: 1%, decide: {kind: eProcess, unit: window, window: 1s}")],
            "spec.steadyState[0]",
            "needs 410 windows of 1 s to be decided, there are 60 in 60 s",
        ),
        (
            [
                (
                    "{probe: errors, max: 1%}",
                    "{probe: errors, max: 10%, decide: {kind: eProcess, unit: window, window: 500ms}}",
                )
            ],
            "spec.steadyState[0].decide.window",
            "the window is shorter than a reading",
        ),
        (
            [("max: 1%", "max: 1%, decide: {kind: eDetector}")],
            "spec.steadyState[0].decide",
            "a steady state is certified by an eProcess; its relapses are detected anyway",
        ),
        (
            [("min: 95%", "min: 95%, decide: {kind: eProcess}")],
            "spec.steadyState[3].decide",
            "the probe counts nothing that could be tested",
        ),
        (
            [("max: 1%", "max: 1%, fromSteady: true, decide: {kind: eProcess}")],
            "spec.steadyState[0].decide",
            "a test needs a bound of its own, not one from the steady state",
        ),
        (
            [("over: run", "over: run, decide: {kind: eProcess}")],
            "spec.expect[3].decide",
            '"over: run" is a fact about the run, there is nothing to decide',
        ),
        (
            [("max: 1%", "max: 0%")],
            "spec.steadyState[0]",
            "no number of answers can show that not one is bad",
        ),
        (
            [("min: 99%", "min: 100%")],
            "spec.steadyState[1]",
            "no number of answers can show that not one is bad",
        ),
        (
            [("  workload:", "  stableFor: 1m\n  workload:")],
            "spec",
            "recoverWithin leaves no time to be good for stableFor",
        ),
        (
            [("max: 2%, over: run", "max: 2%, name: x"), ("max: 1%", "max: 1%, name: x")],
            "spec.expect[3].name",
            "another check has this name",
        ),
        (
            [(ENTRY, (ENTRY + SLOW).replace("at:", "id: one, at:"))],
            "spec.timeline[1].id",
            "another entry has this id",
        ),
    ],
)
def test_what_would_prove_nothing_is_an_error(tmp_path, changes, field, message):
    assert found(tmp_path, *changes)[field, message].severity is Severity.ERROR


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ([("    - {probe: slow, max: 250ms}\n", "")], "spec.probes.slow", "no check reads this probe"),
        ([(WORKLOAD, "")], "spec.expect[2].clock", "recover is seen in answers only"),
        (
            [
                ("process: poisson, rate: 50/s", "process: mmpp, rates: [0/s, 99/s], dwells: [9s, 9s]"),
                ("max: 250ms", "max: 250ms, fromSteady: true"),
            ],
            "spec.steadyState[2].fromSteady",
            "compares before with after, and mmpp traffic differs by itself",
        ),
        (
            [(ENTRY, SLOW), (PARAMETERS, "")],
            "spec.expect[0].clock",
            "detect may stay unknown",
        ),
    ],
)
def test_what_is_only_odd_is_a_warning(tmp_path, changes, field, message):
    assert found(tmp_path, *changes)[field, message].severity is Severity.WARNING


def test_entries_one_after_the_other_are_fine(tmp_path):
    assert found(tmp_path, (ENTRY, ENTRY + SLOW + SLOW.replace("at: 5m", "at: 6m"))) == {}


def test_entries_that_change_different_things_may_overlap(tmp_path):
    assert found(tmp_path, (ENTRY, ENTRY + SLOW.replace("at: 5m", "at: 1m"))) == {}


def test_a_hundred_percent_is_not_too_much(tmp_path):
    assert found(tmp_path, ("max: 50%", "max: 100%")) == {}


def test_a_clock_that_must_never_stop_needs_nobody_to_react(tmp_path):
    assert found(tmp_path, ("{clock: detect, within: 30s}", "{clock: detect, never: true}")) == {}


def test_a_finding_points_at_the_line(tmp_path):
    (problem,) = found(tmp_path, ("hold: 3m", "hold: 130s"), ("within: 90s", "within: 2m")).values()
    assert problem.render().splitlines()[1:] == [
        "   27 |     - {clock: recover, within: 2m}",
        "      |                                ^^ hold it for longer, or expect it within less than 100 s",
    ]


def test_a_recovery_must_be_shown_before_its_fault_is_undone(tmp_path):
    assert found(tmp_path, ("hold: 3m", "hold: 121s")) == {}
    assert {message for _, message in found(tmp_path, ("hold: 3m", "hold: 2m"))} == {
        "recover may take 90 s and 30 s to be shown, but release is undone after that"
    }


def test_a_tenth_of_a_percent_at_50_a_second_needs_more_than_a_minute(tmp_path):
    longer = ("  workload:", "  steadyWithin: {0}\n  recoverWithin: {0}\n  workload:")
    rare = ("{probe: errors, max: 1%}", "{probe: errors, max: 0.1%}")

    assert found(tmp_path, rare, (longer[0], longer[1].format("60s")))
    assert found(tmp_path, rare, (longer[0], longer[1].format("90s"))) == {}


def test_windows_that_are_enough_are_fine(tmp_path):
    wide = "{probe: errors, max: 20%, decide: {kind: eProcess, unit: window, window: 2s}}"

    assert found(tmp_path, ("{probe: errors, max: 1%}", wide)) == {}


TRACED = (WORKLOAD, WORKLOAD.replace("{process: poisson, rate: 50/s}", "{process: trace, file: calls.csv}"))


def traced(tmp_path, rows):
    (tmp_path / "calls.csv").write_text("\n".join(map(str, rows)))
    return check_file(write(tmp_path, changed(TRACED)), CATALOG)


def test_a_trace_with_enough_requests_is_fine(tmp_path):
    assert traced(tmp_path, (number / 50 for number in range(50 * 600))) == []


def test_a_trace_that_has_too_few_requests_cannot_decide(tmp_path):
    messages = [problem.message for problem in traced(tmp_path, (number * 2 for number in range(300)))]
    assert any("answers to be decided" in message for message in messages)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([3, 2], "calls.csv:2: earlier than the request before; sort the trace by time"),
        ([], "calls.csv: a trace has at least two requests, a row each"),
    ],
)
def test_a_trace_that_is_none_is_told_with_its_line(tmp_path, rows, message):
    (problem,) = traced(tmp_path, rows)
    assert (problem.field, problem.message) == ("spec.workload.arrival.file", message)


def test_a_trace_outside_of_the_folder_is_refused(tmp_path):
    away = TRACED[1].replace("calls.csv", "../calls.csv")
    (problem,) = check_file(write(tmp_path, changed((WORKLOAD, away))), CATALOG)
    assert '"../calls.csv"' in problem.message


BURST = ENTRY + "    - {at: 5m, inject: {kind: burst, arrival: {rate: 500/s}}, hold: 30s}\n"
OF_BURST = "  probes:\n    broken: {kind: statuses, among: [500], stream: burst}\n"
SENDING = catalog_of([*CATALOG.faults.values(), Burst], [*CATALOG.probes.values(), Statuses])


def sent(tmp_path, *changes):
    problems = check_file(write(tmp_path, changed(*changes)), SENDING)
    return {(problem.field, problem.message): problem for problem in problems}


def test_a_probe_may_read_what_an_entry_sends(tmp_path):
    changes = [(ENTRY, BURST), ("  probes:\n", OF_BURST)]
    assert {message for _, message in sent(tmp_path, *changes)} == {"no check reads this probe"}


def test_a_probe_of_a_stream_that_nobody_sends_would_never_have_data(tmp_path):
    changes = [(ENTRY, BURST), ("  probes:\n", OF_BURST.replace("stream: burst", "stream: bursts"))]
    assert ("spec.probes.broken.stream", 'no entry "bursts" sends traffic') in sent(tmp_path, *changes)


def test_a_burst_needs_callers_who_should_not_notice(tmp_path):
    said = sent(tmp_path, (WORKLOAD, ""), (ENTRY, BURST))
    assert ("spec.timeline[1].inject", "burst adds to a workload, and there is none") in said
