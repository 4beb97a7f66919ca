"""The rows that are sent, and what is known about them."""

from itertools import islice

import pytest

from chaosctl.errors import Invalid
from chaosctl.streams.corpus import golden, parse, shuffled


def test_the_golden_rows_have_thirty_features_and_a_known_label_of_both_kinds():
    rows = golden()
    assert len(rows) == 190
    assert {len(row.features) for row in rows} == {30}
    assert {row.label for row in rows} == {0, 1}


def test_a_users_rows_may_leave_out_label_and_id():
    (row,) = parse('\n{"features": [1, 2.5]}\n', "mine.jsonl")
    assert row == ("mine.jsonl:2", (1.0, 2.5), None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "mine: no rows"),
        ('{"features": [1]}\n{', "mine:2: not a row"),
        ("[1]", "mine:1: not a row"),
        ('{"features": ["a"]}', "mine:1: not a row"),
        ('{"features": [1], "label": "yes"}', "mine:1: label must be a whole number"),
        ("[" * 100_000, "mine:1: not a row"),
    ],
)
def test_a_bad_file_is_refused_with_the_line(text, message):
    with pytest.raises(Invalid, match=message):
        parse(text, "mine")


def test_every_row_comes_once_before_any_comes_again():
    rows = golden()
    stream = shuffled(rows, seed=3)
    assert sorted(islice(stream, len(rows))) == sorted(rows)
    assert sorted(islice(stream, len(rows))) == sorted(rows)


def test_the_order_repeats_from_its_seed():
    rows = golden()
    orders = [list(islice(shuffled(rows, seed), 400)) for seed in (1, 1, 2)]
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]
