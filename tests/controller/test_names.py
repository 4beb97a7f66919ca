"""Why: a name that changes would run a drill twice; one that two Runs share would run one never."""

from chaosctl.controller import names
from chaosctl.operations.run import LETTERS


def test_the_name_of_a_journal_follows_from_the_run_alone_and_never_changes():
    assert names.journal("models/first", 0) == "jhb3bqyjw4"


def test_every_part_of_every_run_has_a_journal_of_its_own():
    origins = ("models/first", "models/second", "other/first", "models/first/0")
    made = {names.journal(origin, part) for origin in origins for part in range(50)}

    assert len(made) == 200
    assert {len(name) for name in made} == {10}
    assert set("".join(made)) <= set(LETTERS)


def test_the_seed_of_a_run_that_names_none_is_the_same_for_whoever_takes_it_over():
    assert names.seed("83af2c8f") == names.seed("83af2c8f") != names.seed("83af2c90")
    assert 0 <= names.seed("83af2c8f") < 2**31
