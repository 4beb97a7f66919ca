"""Why: an error is read in a hurry, on a terminal that it must not be able to confuse."""

import pytest

from chaosctl.spec.problems import Mistakes, Problem, Severity, did_you_mean, nearest, shown

LINE = "    - {clok: detect, within: 30s}"
PROBLEM = Problem("x.yaml", "unknown field", 'did you mean "clock"?', "spec.expect[0].clok", 14, 8, 4, LINE)


def test_an_error_points_and_helps():
    assert PROBLEM.render() == (
        "x.yaml:14:8  spec.expect[0].clok  unknown field\n"
        "   14 |     - {clok: detect, within: 30s}\n"
        '      |        ^^^^ did you mean "clock"?'
    )


def test_colour_is_only_on_the_caret_and_only_on_demand():
    assert "\x1b[31m^^^^\x1b[0m" in PROBLEM.render(color=True)
    assert "\x1b[33m^^^^\x1b[0m" in PROBLEM._replace(severity=Severity.WARNING).render(color=True)
    assert "\x1b" not in PROBLEM.render()


def test_a_warning_says_that_it_is_one():
    rendered = PROBLEM._replace(severity=Severity.WARNING).render()
    assert rendered.startswith("x.yaml:14:8  spec.expect[0].clok  warning: unknown field")


def test_an_error_without_a_place_is_one_line():
    assert Problem("x.yaml", "is odd", "change it").render() == "x.yaml  is odd; change it"
    assert Problem("", "is odd").render() == "is odd"


def test_control_characters_of_a_file_do_not_reach_the_terminal():
    rendered = PROBLEM._replace(excerpt="\tclok: \x1b[2J", column=2).render()
    assert "\x1b" not in rendered
    assert rendered.splitlines()[2].index("^") == rendered.splitlines()[1].index("clok")


def test_control_characters_of_a_name_do_not_reach_the_terminal():
    rendered = PROBLEM._replace(field="spec.\x1b[2J", message="\x1b[2J", hint="\x9b2J").render()
    assert not {"\x1b", "\x9b"} & set(rendered)


def test_a_name_without_end_is_cut():
    assert len(shown(("x" * 5000, "y" * 5000))) < 200


def test_among_very_many_names_none_is_guessed():
    assert did_you_mean("clok", [f"name-{number}" for number in range(1000)]) == ""


def test_a_long_line_is_cut_around_the_place():
    rendered = PROBLEM._replace(excerpt="x" * 5000 + "clok" + "y" * 5000, column=5001).render()
    above, below = rendered.splitlines()[1:]
    assert len(above) < 200
    assert above[below.index("^") :].startswith("clok")


@pytest.mark.parametrize(
    ("word", "known", "expected"),
    [
        ("clok", ["clock", "probe"], "clock"),
        ("from_steady", ["fromSteady", "over"], "fromSteady"),
        ("podkill", ["pod-kill", "release"], "pod-kill"),
        ("zzz", ["clock"], None),
    ],
)
def test_the_nearest_name_is_the_one_that_was_meant(word, known, expected):
    assert nearest(word, known) == expected


def test_where_no_name_is_near_all_are_shown():
    assert did_you_mean("zzz", ["probe", "clock"]) == "known: clock, probe"
    assert did_you_mean("zzz", []) == ""


def test_after_a_hundred_mistakes_the_rest_is_counted():
    mistakes = Mistakes([PROBLEM] * 103)
    assert len(mistakes.problems) == 101
    assert mistakes.problems[-1].render() == "x.yaml  and 3 more; mend these first"
    assert Mistakes([PROBLEM] * 100).problems == (PROBLEM,) * 100


def test_a_path_is_written_as_people_write_it():
    assert shown(("spec", "expect", 0, "clock")) == "spec.expect[0].clock"
    assert shown(()) == ""
