"""Why: people approve a script by its hash; every default and every name in it must be what they expect."""

from datetime import timedelta

import pytest
from catalog.examples import CATALOG, PLAYBOOK, TARGET, Agreement, ErrorRate, Revision, changed, write

from chaosctl.catalog import catalog_of, digest, load_playbook, resolve
from chaosctl.errors import Invalid
from chaosctl.probes.latency import Latency
from chaosctl.spec import Bounds, ClockName, EDetector, EProcess, KOfN, Role, Script, Span

GIVEN = {"image": "fraud:2.4"}


def script(tmp_path, *changes, given=None, seed=0):
    file = load_playbook(write(tmp_path, changed(*changes)), CATALOG)
    return resolve(file, TARGET, GIVEN if given is None else given, CATALOG, seed)


def test_parameters_replace_whole_values(tmp_path):
    found = script(tmp_path)
    assert found.entries[0].fault == {"kind": "release", "image": "fraud:2.4"}
    assert found.parameters == GIVEN


def test_a_default_serves_where_nothing_is_given(tmp_path):
    found = script(tmp_path, ("example: ", "default: "), given={})
    assert found.entries[0].fault["image"] == "sample-model:wrong-weights"
    assert found.parameters == {"image": "sample-model:wrong-weights"}


def test_an_example_is_not_a_default(tmp_path):
    with pytest.raises(
        Invalid, match=r'"image" has no value(?s:.*)add --set image=VALUE \(the release to try\)'
    ):
        script(tmp_path, given={})


def test_a_parameter_that_the_playbook_does_not_have_is_refused(tmp_path):
    with pytest.raises(Invalid, match='unknown parameter "imag"; did you mean "image"'):
        script(tmp_path, given={**GIVEN, "imag": "x"})


def test_a_given_value_that_does_not_fit_is_refused_where_it_is_used(tmp_path):
    changes = (
        ("hold: 3m", 'hold: "${hold}"'),
        ("  parameters:\n", "  parameters:\n    hold: {description: d, default: 4m}\n"),
    )
    with pytest.raises(Invalid, match=r'spec.timeline\[0\].hold  "long" is no duration'):
        script(tmp_path, *changes, given={**GIVEN, "hold": "long"})


def test_checks_have_readable_names(tmp_path):
    assert [check.name for check in script(tmp_path).checks] == [
        "errors ≤ 1 %",
        "correct ≥ 99 %",
        "slow ≤ 250 ms",
        "serving ≥ 95 %",
        "detect within 30 s",
        "rollback within 60 s",
        "recover within 90 s",
        "errors ≤ 2 % over the run",
        "errors ≤ 50 %",
    ]


@pytest.mark.parametrize(
    ("bounds", "name"),
    [
        ("max: 5%, min: 1%", "1 % ≤ errors ≤ 5 %"),
        ("max: 2%, fromSteady: true", "errors ≤ steady + 2 %"),
        ("min: -2%, fromSteady: true", "errors ≥ steady - 2 %"),
        ("max: 5%, name: few errors", "few errors"),
        ("max: 50%", "errors ≤ 50 %"),
    ],
)
def test_a_name_says_what_must_hold(tmp_path, bounds, name):
    assert script(tmp_path, ("max: 1%", bounds)).checks[0].name == name


def test_checks_that_say_the_same_are_told_apart_by_their_role(tmp_path):
    found = script(tmp_path, ("max: 2%, over: run", "max: 1%"), ("max: 50%, for: 10s", "max: 1%"))
    names = [check.name for check in found.checks]
    assert names[-2:] == ["errors ≤ 1 % (expect)", "errors ≤ 1 % (abort)"]
    twice = script(tmp_path, ("- {probe: slow, max: 250ms}", "- {probe: errors, max: 1%}"))
    assert twice.checks[2].name == "errors ≤ 1 % (steadyState)"


def test_decisions_follow_from_role_and_probe(tmp_path):
    checks = {check.name: check for check in script(tmp_path).checks}
    assert isinstance(checks["errors ≤ 1 %"].decision, EProcess)
    assert checks["slow ≤ 250 ms"].decision == KOfN(k=1, n=3)
    assert checks["errors ≤ 2 % over the run"].over is Span.RUN
    assert checks["errors ≤ 2 % over the run"].decision == KOfN()
    assert checks["errors ≤ 50 %"].decision == KOfN()
    assert checks["errors ≤ 50 %"].lasting == timedelta(seconds=10)


def test_an_abort_waits_two_seconds_unless_told(tmp_path):
    found = script(tmp_path, (", for: 10s", ""))
    assert found.having(Role.ABORT)[0].lasting == timedelta(seconds=2)


@pytest.mark.parametrize(
    ("written", "kind", "fields"),
    [
        ("{kind: fixed, k: 2, n: 5}", KOfN, {"k": 2, "n": 5}),
        ("{kind: eProcess, alpha: 0.01}", EProcess, {"alpha": 0.01, "window": None}),
        ("{kind: eProcess, unit: window, window: 5s}", EProcess, {"window": timedelta(seconds=5)}),
        ("{kind: eDetector, runLength: 9h}", EDetector, {"run_length": timedelta(hours=9)}),
    ],
)
def test_a_written_decision_counts(tmp_path, written, kind, fields):
    decision = script(tmp_path, ("max: 50%, for: 10s", f"max: 50%, decide: {written}")).checks[-1].decision

    assert isinstance(decision, kind)
    assert {name: getattr(decision, name) for name in fields} == fields


def test_a_test_serves_before_and_after_and_a_detector_while_faults_are_felt(tmp_path):
    found = script(tmp_path, ("max: 2%, over: run", "max: 2%"))

    assert isinstance(found.having(Role.STEADY)[0].decision, EProcess)
    assert isinstance(found.having(Role.EXPECT)[-1].decision, EDetector)


@pytest.mark.parametrize("rule", ["for: 5s", "fromSteady: true"])
def test_rules_about_readings_and_comparisons_are_no_tests(tmp_path, rule):
    found = script(tmp_path, ("max: 2%, over: run", f"max: 2%, {rule}"))

    assert found.having(Role.EXPECT)[-1].decision == KOfN()


def test_an_abort_that_says_how_it_is_decided_waits_for_nothing_else(tmp_path):
    found = script(tmp_path, ("max: 50%, for: 10s", "max: 50%, decide: {kind: eDetector}"))

    assert found.having(Role.ABORT)[0].lasting is None


def test_a_percentile_within_a_limit_is_a_share_of_slower_ones(tmp_path):
    catalog = catalog_of(CATALOG.faults.values(), [ErrorRate, Agreement, Revision, Latency])
    check = resolve(load_playbook(write(tmp_path, PLAYBOOK), catalog), TARGET, GIVEN, catalog).checks[2]

    assert check.name == "slow ≤ 250 ms"
    assert check.probe == {"kind": "slow-answers", "slowerThan": "250ms", "stream": ""}
    assert check.unit == "share"
    assert check.holds == Bounds(max=0.01)
    assert isinstance(check.decision, EProcess)


def test_tests_share_what_a_run_may_be_wrong(tmp_path):
    """Two tests, half an alpha each; a detector is slow enough for its share of the whole run."""
    found = script(tmp_path, ("  workload:", "  alpha: 2%\n  workload:"))
    tests = [check.decision for check in found.checks if isinstance(check.decision, EProcess)]

    assert [test.false_alarm for test in tests] == [0.01, 0.01]
    assert {test.run_length for test in tests} == {found.lasts / 0.01}


def test_a_run_length_is_never_shorter_than_what_was_asked_for(tmp_path):
    found = script(tmp_path, ("max: 50%, for: 10s", "max: 50%, decide: {kind: eDetector, runLength: 99h}"))

    assert found.checks[-1].decision.run_length == timedelta(hours=99)


def test_how_long_it_must_be_good_is_30_seconds_unless_told(tmp_path):
    assert script(tmp_path).stable_for == timedelta(seconds=30)
    assert script(tmp_path, ("  workload:", "  stableFor: 7s\n  workload:")).stable_for == timedelta(
        seconds=7
    )


def test_a_check_knows_its_unit_and_the_clock_it_tells(tmp_path):
    serving = script(tmp_path).checks[3]
    assert (serving.unit, serving.tells) == ("share", ClockName.ROLLBACK)
    assert serving.probe == {"kind": "revision"}


def test_a_clock_may_be_expected_never_to_stop(tmp_path):
    found = script(tmp_path, ("{clock: detect, within: 30s}", "{clock: detect, never: true}"))
    check = found.having(Role.EXPECT)[0]
    assert (check.name, check.never, check.within) == ("no detect", True, None)


def test_an_effect_of_an_entry_is_held_once(tmp_path):
    found = script(tmp_path, ("hold: 3m", "hold: 3m, effect: {probe: errors, min: 30%}"))
    effect = found.entries[0].effect
    assert (effect.role, effect.name, effect.decision) == (
        Role.EFFECT,
        "release: errors ≥ 30 %",
        KOfN(k=1, n=1),
    )


def test_a_repetition_becomes_entries_of_its_own(tmp_path):
    found = script(tmp_path, ("hold: 3m", "hold: 10s, repeat: {every: 30s, times: 3}"))
    assert [(entry.id, entry.at.total_seconds()) for entry in found.entries] == [
        ("release-1", 20),
        ("release-2", 50),
        ("release-3", 80),
    ]


def test_ids_are_kinds_made_unique(tmp_path):
    line = '    - {at: 20s, inject: {kind: release, image: "${image}"}, hold: 3m}\n'
    more = "    - {at: 9m, inject: {kind: slow}}\n    - {at: 19m, id: slow-2, inject: {kind: slow}}\n"
    found = script(tmp_path, (line, line + more + "    - {at: 29m, inject: {kind: slow}}\n"))
    assert [entry.id for entry in found.entries] == ["release", "slow", "slow-2", "slow-3"]


def test_two_entries_of_one_id_are_refused(tmp_path):
    line = '    - {at: 20s, inject: {kind: release, image: "${image}"}, hold: 3m}\n'
    more = "    - {at: 9m, id: release, inject: {kind: slow}}\n"
    with pytest.raises(Invalid, match='two entries of the timeline are called "release"'):
        script(tmp_path, (line, line.replace("at: 20s", "at: 20s, id: release") + more))


def test_a_body_is_kept_with_its_defaults(tmp_path):
    line = '    - {at: 20s, inject: {kind: release, image: "${image}"}, hold: 3m}\n'
    found = script(tmp_path, (line, line + "    - {at: 9m, inject: {kind: slow, share: 20%}}\n"))
    assert found.entries[1].fault == {"kind": "slow", "share": 0.2, "delays": []}
    assert CATALOG.fault(found.entries[1].fault).share == 0.2


def test_the_workload_names_its_requests(tmp_path):
    assert script(tmp_path).workload.requests == {"corpus": "golden"}
    assert script(tmp_path).workload.arrival == {"process": "poisson", "rate": "50/s"}
    file = write(tmp_path, "{}", "requests.jsonl")
    found = script(tmp_path, ("{corpus: golden}", "{file: requests.jsonl}"))
    assert found.workload.requests == {"file": str(file)}


def test_a_playbook_needs_no_workload(tmp_path):
    text = PLAYBOOK.replace("  workload:\n", "").replace("    requests: {corpus: golden}\n", "")
    text = text.replace("    arrival: {process: poisson, rate: 50/s}\n", "")
    file = load_playbook(write(tmp_path, text), CATALOG)
    assert resolve(file, TARGET, GIVEN, CATALOG).workload is None


def test_the_digest_names_the_script_and_nothing_else(tmp_path):
    one = script(tmp_path)
    assert one == script(tmp_path)
    assert one.digest == digest(one)
    assert one.digest.startswith("sha256:")
    others = [
        script(tmp_path, given={"image": "x"}),
        script(tmp_path, seed=1),
        script(tmp_path, ("3m", "4m")),
    ]
    assert len({one.digest, *(other.digest for other in others)}) == 4


def test_a_script_survives_a_round_trip_through_json(tmp_path):
    one = script(tmp_path)
    again = Script.model_validate_json(one.model_dump_json())
    assert (again, digest(again)) == (one, one.digest)
