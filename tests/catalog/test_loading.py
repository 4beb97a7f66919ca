"""Why: whoever writes a playbook should learn of every mistake, where it is, before anything is broken."""

import json

import pytest
from catalog.examples import CATALOG, DRILL, PLAYBOOK, changed, problems, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaosctl.catalog import check_file, load, load_drill, load_playbook
from chaosctl.errors import Invalid
from chaosctl.spec.problems import Severity
from chaosctl.spec.source import parse


def of(tmp_path, *changes, text=PLAYBOOK):
    """The problems of the example after some changes, by field."""
    path = write(tmp_path, changed(*changes, text=text))
    return problems(lambda: load(path, CATALOG))


def test_a_right_playbook_is_read_with_its_defaults(tmp_path):
    file = load_playbook(write(tmp_path, PLAYBOOK), CATALOG)
    assert file.name == "bad-release"
    assert file.playbook.spec.timeline[0].inject.kind == "release"
    assert file.playbook.spec.recover_within.total_seconds() == 60


def test_json_is_read_like_yaml(tmp_path):
    path = write(tmp_path, json.dumps(parse(PLAYBOOK, "p.yaml").tree), "p.json")
    yaml = load_playbook(write(tmp_path, PLAYBOOK), CATALOG)
    assert load_playbook(path, CATALOG).playbook == yaml.playbook


def test_an_unknown_field_names_the_nearest_one_and_its_place(tmp_path):
    path = write(tmp_path, changed(("{clock: detect", "{clok: detect")))
    assert "\n".join(problem.render() for problem in check_file(path, CATALOG)) == (
        f"{path}:25:8  spec.expect[0].clok  unknown field\n"
        "   25 |     - {clok: detect, within: 30s}\n"
        '      |        ^^^^ did you mean "clock"?'
    )


@pytest.mark.parametrize(
    ("change", "field", "message", "hint"),
    [
        (("max: 1%}", "maxx: 1%}"), "spec.steadyState[0].maxx", "unknown field", 'did you mean "max"?'),
        (
            ("rate: 50/s", "rate: 50"),
            "spec.workload.arrival.rate",
            "50 has no unit: write 50/s for 50 a second",
            "",
        ),
        (
            ("poisson", "posson"),
            "spec.workload.arrival.process",
            'unknown process "posson"',
            'did you mean "poisson"?',
        ),
        (
            ("clock: recover", "clock: recovr"),
            "spec.expect[2].clock",
            'unknown value "recovr"',
            'did you mean "recover"?',
        ),
        (
            ("kind: release", "kind: relase"),
            "spec.timeline[0].inject.kind",
            'unknown fault "relase"',
            'did you mean "release"?',
        ),
        (
            ("kind: latency", "kind: latncy"),
            "spec.probes.slow.kind",
            'unknown probe "latncy"',
            'did you mean "latency"?',
        ),
        (('image: "$', 'imag: "$'), "spec.timeline[0].inject.imag", "unknown field", 'did you mean "image"?'),
        (
            ("probe: slow", "probe: slo"),
            "spec.steadyState[2].probe",
            'no probe is called "slo"',
            'did you mean "slow"?',
        ),
        (("kind: release, ", ""), "spec.timeline[0].inject.kind", "missing", "this field is required"),
        (
            ("{name: bad-release}", "{name: Bad_Release}"),
            "metadata.name",
            '"Bad_Release" is not allowed here',
            'lower-case letters, digits and "-", as Kubernetes names things',
        ),
        (
            ("    slow: ", "    1slow: "),
            "spec.probes.1slow",
            '"1slow" is not allowed here',
            'a letter, then letters, digits, "-" and "_"',
        ),
        (("{corpus: golden}", "{}"), "spec.workload.requests", 'say either "corpus" or "file"', ""),
        (
            ("within: 30s", "max: 3"),
            "spec.expect[0]",
            'a check of a clock needs either "within" or "never: true"',
            "",
        ),
        (("within: 30s", "within: 30s, max: 3"), "spec.expect[0]", "a check of a clock has no max", ""),
        (("within: 30s", "within: 30s, for: 3s"), "spec.expect[0]", "a check of a clock has no for", ""),
        (("clock: detect, ", ""), "spec.expect[0]", 'say either "probe" or "clock"', ""),
        (
            ("max: 1%}", "max: 1%, within: 3s}"),
            "spec.steadyState[0]",
            '"within" and "never" are for clocks; a probe has "max" and "min"',
            "",
        ),
        ((", max: 1%}", "}"), "spec.steadyState[0]", 'a check of a probe needs "max" or "min"', ""),
        (("max: 1%}", "max: 1%, min: 2%}"), "spec.steadyState[0]", "min is above max: nothing can hold", ""),
        (
            ("max: 1%}", "max: 1%, decide: {kind: fixd}}"),
            "spec.steadyState[0].decide.kind",
            'unknown kind "fixd"',
            'did you mean "fixed"?',
        ),
        (
            ("max: 1%}", "max: 1%, decide: {kind: eProcess, unit: window}}"),
            "spec.steadyState[0].decide",
            '"unit: window" and the length "window" go together',
            "",
        ),
        (
            ("max: 1%}", "max: 1%, decide: {kind: eDetector, window: 5s}}"),
            "spec.steadyState[0].decide",
            '"unit: window" and the length "window" go together',
            "",
        ),
        (
            ("max: 1%}", "max: 1%, decide: {k: 1}}"),
            "spec.steadyState[0].decide.kind",
            "missing",
            "this field is required",
        ),
        (
            ("max: 1%}", "max: 1%, decide: {kind: fixed, kk: 1}}"),
            "spec.steadyState[0].decide.kk",
            "unknown field",
            'did you mean "k"?',
        ),
        (
            ("max: 1%}", "max: 1%, decide: {kind: fixed, k: 3, n: 2}}"),
            "spec.steadyState[0].decide",
            "3 of 2 readings can never be",
            "",
        ),
        (("  timeline:\n    - {at", "  timeline:\n      {at"), "spec.timeline", "should be a list", ""),
        (
            ("{kind: latency}", "{kind: latency, percentile: x}"),
            "spec.probes.slow.percentile",
            "should be a whole number",
            "",
        ),
        (("{kind: latency}", "latency"), "spec.probes.slow", "should be a mapping of fields", ""),
        (("summary: A", "summary: {}\n  setUp: A"), "spec.summary", "should be text", ""),
        (("summary: A", "summary:\n  setUp: A"), "spec.summary", "nothing where text should be", ""),
        (("summary: A", "summary: ''\n  setUp: A"), "spec.summary", "is empty", ""),
        (("hold: 3m", "hold: 0s"), "spec.timeline[0].hold", "should be more than 0 s", ""),
    ],
)
def test_a_mistake_is_named_with_its_field_and_the_way_out(tmp_path, change, field, message, hint):
    found = of(tmp_path, change)[field]
    assert (found.message, found.hint) == (message, hint)


def test_a_misspelt_field_is_not_also_called_missing(tmp_path):
    assert list(of(tmp_path, ('image: "$', 'imag: "$'))) == ["spec.timeline[0].inject.imag"]
    assert list(of(tmp_path, ("rate: 50/s", "rte: 50/s"))) == ["spec.workload.arrival.rte"]


def test_a_list_is_not_called_empty_for_a_mistake_in_its_only_element(tmp_path):
    assert list(of(tmp_path, ("hold: 3m", "hold: 3"))) == ["spec.timeline[0].hold"]


def test_an_empty_timeline_is_refused(tmp_path):
    line = '  timeline:\n    - {at: 20s, inject: {kind: release, image: "${image}"}, hold: 3m}\n'
    assert of(tmp_path, (line, "  timeline: []\n"))["spec.timeline"].message == "is empty"


def test_all_mistakes_are_reported_in_the_order_of_the_file(tmp_path):
    path = write(
        tmp_path,
        changed(("rate: 50/s", "rate: 50"), ("kind: latency", "kind: latncy"), ("clock: detect", "clok: x")),
    )
    found = check_file(path, CATALOG)
    assert [problem.line for problem in found] == sorted(problem.line for problem in found)
    assert {problem.field for problem in found} >= {
        "spec.workload.arrival.rate",
        "spec.probes.slow.kind",
        "spec.expect[0].clok",
    }


def test_mistakes_deep_inside_a_body_keep_their_place(tmp_path):
    body = "{kind: slow, delays: [{shape: steady, delay: 1s}, {shape: wobbly, spred: 1s}]}"
    found = of(tmp_path, ('{kind: release, image: "${image}"}', body), ("    image: {", "    imag: {"))
    problem = found["spec.timeline[0].inject.delays[1].spred"]
    assert (problem.message, problem.hint) == ("unknown field", 'did you mean "spread"?')


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        ("1.20", "1.20 is read as a number, not as text", 'quote it: "1.20"'),
        ("on", "on is read as true, not as text", 'quote it: "on"'),
        ("no", "no is read as false, not as text", 'quote it: "no"'),
    ],
)
def test_a_text_that_yaml_takes_for_something_else_must_be_quoted(tmp_path, value, message, hint):
    found = of(tmp_path, ("max: 1%}", f"max: 1%, name: {value}}}"))["spec.steadyState[0].name"]
    assert (found.message, found.hint) == (message, hint)


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        ("a: 1", "kind", "missing"),
        ("kind: Playbok", "kind", "no kind of document"),
        ("[1, 2]", "kind", "missing"),
        ("just text", "kind", "missing"),
        ("kind: Playbook", "spec", "missing"),
        ("kind: Playbook\nspec: 3", "spec", "should be a mapping of fields"),
        ("kind: Drill\nspec: {playbooks: 3}", "spec.playbooks", "should be a list"),
    ],
)
def test_a_document_that_is_neither_playbook_nor_drill_says_so(tmp_path, text, field, message):
    assert of(tmp_path, text=text)[field].message == message


class TestParameters:
    def test_one_that_is_unknown_names_the_nearest(self, tmp_path):
        found = of(tmp_path, ("${image}", "${imag}"))
        problem = found["spec.timeline[0].inject.image"]
        assert (problem.message, problem.hint) == ('unknown parameter "imag"', 'did you mean "image"?')
        assert found["spec.parameters.image"].message == "unused parameter"

    def test_one_inside_a_longer_text_is_refused(self, tmp_path):
        found = of(tmp_path, ("${image}", "repo:${image}"))
        assert found["spec.timeline[0].inject.image"].message == "a parameter replaces whole values only"

    def test_one_that_cannot_be_checked_needs_an_example(self, tmp_path):
        found = of(tmp_path, (', example: "sample-model:wrong-weights"', ""))
        assert found["spec.parameters.image"].message == "neither default nor example"

    def test_a_number_as_a_default_stays_as_it_was_written(self, tmp_path):
        text = changed(('example: "sample-model:wrong-weights"', "default: 1.20"))
        file = load_playbook(write(tmp_path, text), CATALOG)
        assert file.playbook.spec.parameters["image"].default == "1.20"

    def test_they_may_stand_for_numbers_and_durations(self, tmp_path):
        text = changed(
            ("hold: 3m", 'hold: "${hold}"'),
            ("  parameters:\n", "  parameters:\n    hold: {description: d, default: 4m}\n"),
        )
        file = load_playbook(write(tmp_path, text), CATALOG)
        assert file.playbook.spec.timeline[0].hold.total_seconds() == 240

    def test_a_value_that_does_not_fit_is_wrong_where_it_is_used(self, tmp_path):
        found = of(
            tmp_path,
            ("hold: 3m", 'hold: "${hold}"'),
            ("  parameters:\n", "  parameters:\n    hold: {description: d, default: long}\n"),
        )
        assert found["spec.timeline[0].hold"].message.startswith('"long" is no duration')


class TestFiles:
    def requests(self, tmp_path, name):
        return of(tmp_path, ("{corpus: golden}", f"{{file: {name}}}"))["spec.workload.requests.file"].message

    def test_a_file_beside_the_playbook_is_found(self, tmp_path):
        write(tmp_path, "{}", "requests.jsonl")
        text = changed(("{corpus: golden}", "{file: requests.jsonl}"))
        load_playbook(write(tmp_path, text), CATALOG)

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("nothing.jsonl", "does not exist in"),
            ("../outside.jsonl", "leads outside the folder"),
            ("/etc/passwd", "is an absolute path"),
            ("link.jsonl", "leads outside the folder"),
            ("loop.jsonl", "is not a file name"),
            (".", "is not a file"),
        ],
    )
    def test_a_file_elsewhere_is_refused(self, tmp_path, name, message):
        folder = tmp_path / "inner"
        folder.mkdir()
        outside = write(tmp_path, "secret", "outside.jsonl")
        (folder / "link.jsonl").symlink_to(outside)
        (folder / "loop.jsonl").symlink_to(folder / "loop.jsonl")
        assert message in self.requests(folder, name)

    def test_a_playbook_reached_by_a_link_may_use_the_files_beside_it(self, tmp_path):
        write(tmp_path, "{}", "requests.jsonl")
        (tmp_path / "here").symlink_to(tmp_path)
        text = changed(("{corpus: golden}", "{file: requests.jsonl}"))
        write(tmp_path, text)
        load_playbook(tmp_path / "here" / "playbook.yaml", CATALOG)


class TestDrills:
    def test_a_right_drill_is_read_with_its_playbooks(self, tmp_path):
        write(tmp_path, PLAYBOOK)
        file = load_drill(write(tmp_path, DRILL, "drill.yaml"), CATALOG)
        assert file.name == "weekly"
        assert [bound.playbook.name for bound in file.playbooks] == ["bad-release"]
        assert file.playbooks[0].parameters == {"image": "fraud:next"}
        assert file.drill.spec.target.resolve().rollback == "watchdog"

    @pytest.mark.parametrize(
        ("change", "field", "message"),
        [
            (("Deployment/fraud", "Deploymnt/fraud"), "spec.target", 'no workload is called "Deploymnt"'),
            (("Deployment/fraud", "fraud"), "spec.target", '"fraud" is not KIND/NAME'),
            (("playbook.yaml", "../playbook.yaml"), "spec.playbooks[0].file", "leads outside the folder"),
            (("playbook.yaml", "nothing.yaml"), "spec.playbooks[0].file", "does not exist"),
            (
                ("file: playbook.yaml", "name: nothing-like-it"),
                "spec.playbooks[0].name",
                "nothing that ships is called so",
            ),
            (("file: playbook.yaml, ", ""), "spec.playbooks[0]", 'say either "name" or "file"'),
            (("{image: ", "{imag: "), "spec.playbooks[0]", "this playbook cannot run as it is here"),
            (("{image: ", "{imag: "), "", 'unknown parameter "imag"'),
            (("  playbooks:", "  scheduel: {}\n  playbooks:"), "spec.scheduel", "unknown field"),
        ],
    )
    def test_a_mistake_is_named_with_its_field(self, tmp_path, change, field, message):
        write(tmp_path, PLAYBOOK)
        path = write(tmp_path, changed(change, text=DRILL), "drill.yaml")
        assert message in problems(lambda: load_drill(path, CATALOG))[field].message

    def test_the_mistakes_of_its_playbooks_are_reported_too(self, tmp_path):
        write(tmp_path, changed(("clock: detect", "clok: detect")))
        path = write(tmp_path, DRILL, "drill.yaml")
        assert "spec.expect[0].clok" in problems(lambda: load_drill(path, CATALOG))

    def test_numbers_as_parameters_need_no_quotes(self, tmp_path):
        write(tmp_path, PLAYBOOK)
        path = write(tmp_path, changed(('"fraud:next"', "1.20"), text=DRILL), "drill.yaml")
        assert load_drill(path, CATALOG).playbooks[0].parameters == {"image": "1.20"}

    def test_one_document_is_not_taken_for_the_other(self, tmp_path):
        playbook = write(tmp_path, PLAYBOOK)
        with pytest.raises(Invalid, match="is a playbook; here a drill is needed"):
            load_drill(playbook, CATALOG)
        with pytest.raises(Invalid, match="is a drill; here a playbook is needed"):
            load_playbook(write(tmp_path, DRILL, "drill.yaml"), CATALOG)


def test_a_file_that_cannot_be_read_is_one_problem(tmp_path):
    assert [problem.render() for problem in check_file(tmp_path, CATALOG)] == [
        f"{tmp_path} is a folder; name a file in it"
    ]


def test_the_playbooks_of_a_drill_are_linted(tmp_path):
    write(tmp_path, changed(("hold: 3m", "hold: 1s")))
    found = check_file(write(tmp_path, DRILL, "drill.yaml"), CATALOG)
    assert "spec.timeline[0].hold" in {problem.field for problem in found}


def test_a_rollback_that_nobody_does_is_a_warning(tmp_path):
    write(tmp_path, PLAYBOOK)
    right = write(tmp_path, DRILL, "drill.yaml")
    assert check_file(right, CATALOG) == []
    wrong = write(tmp_path, changed((", rollback: watchdog", ""), text=DRILL), "drill.yaml")
    (problem,) = check_file(wrong, CATALOG)
    assert (problem.field, problem.severity) == ("spec.playbooks[0]", Severity.WARNING)


LINES = PLAYBOOK.splitlines()


@given(
    st.lists(st.integers(0, len(LINES) - 1), max_size=4), st.text(max_size=20), st.integers(0, len(PLAYBOOK))
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_to_a_playbook_it_is_one_or_invalid(tmp_path, without, extra, where):
    kept = "\n".join(line for number, line in enumerate(LINES) if number not in without)
    path = tmp_path / "mangled.yaml"
    path.write_bytes((kept[:where] + extra + kept[where:]).encode("utf-8", "replace"))
    assert isinstance(check_file(path, CATALOG), list)
