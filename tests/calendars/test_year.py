"""Why: each due drill runs as its policy says, and none twice, in a year in which everything goes wrong."""

import pytest
from calendars.plans import PLANS
from calendars.year import rows, year


@pytest.fixture(scope="module")
def world():
    return year(7).run()


@pytest.fixture(scope="module")
def table(world):
    return {row.drill: row for row in rows(world)}


def test_at_every_look_exactly_what_was_owed_began_and_nothing_ran_twice(world):
    assert world.wrong == []


def test_no_time_was_left_out_while_somebody_was_there_and_the_target_was_free(table):
    assert {name: row.unexplained for name, row in table.items() if row.unexplained} == {}


def test_the_year_was_as_bad_as_it_should_be(world):
    troubles = ("crashes", "answers lost", "creations lost", "status writes lost", "stale looks")
    assert min(world.counts[trouble] for trouble in troubles) > 50
    assert world.counts["had fired already"] > 500
    assert len(world.down) > 30


@pytest.mark.parametrize("plan", [plan for plan in PLANS if plan.missed == "all"], ids=lambda plan: plan.name)
def test_a_drill_that_makes_up_for_all_runs_every_time_up_to_a_hundred(plan, table):
    row = table[plan.name]
    assert row.late > 0
    assert row.passed == (row.times - row.ran if plan.name == "flood" else 0)


@pytest.mark.parametrize(
    "plan", [plan for plan in PLANS if plan.missed == "skip"], ids=lambda plan: plan.name
)
def test_a_drill_that_skips_is_never_late(plan, table):
    assert table[plan.name].late == 0


def test_windows_holidays_and_freezes_refused_what_lay_outside(table):
    refused = {name: row.refused for name, row in table.items() if row.refused}
    assert refused.keys() == {"weekly", "office", "weekends"}
    assert refused["weekly"] == 2  # both in the freeze at the end of the year
