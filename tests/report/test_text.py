from datetime import UTC, datetime, timedelta

import pytest

from chaosctl.changes import Outcome
from chaosctl.engine.events import AnyEvent
from chaosctl.model import Banish, Create, Delete, Edit, Evict, Interval, Patch, Ref, Switch
from chaosctl.report import text, words
from chaosctl.spec import Bounds, Check, Role

POD = Ref(kind="Pod", namespace="models", name="fraud-1")
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0, "0 %"), (0.0003, "0.03 %"), (0.027, "2.7 %"), (0.996, "99.6 %"), (0.9996, "99.96 %"), (1, "100 %")],
)
def test_shares_keep_the_digits_that_matter(share, shown):
    assert text.percent(share) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0 s"),
        (0.0042, "4.2 ms"),
        (0.041, "41 ms"),
        (0.4, "400 ms"),
        (1.42, "1.4 s"),
        (90, "90 s"),
        (185, "3 min 5 s"),
        (7380, "2 h 3 min"),
    ],
)
def test_times_are_in_the_unit_that_suits_them(value, shown):
    assert text.seconds(value) == shown


@pytest.mark.parametrize(
    ("bounds", "unit", "shown"),
    [
        ({"max": 0.01}, "share", "≤ 1 %"),
        ({"min": 2, "max": 3}, "replicas", "2 replicas to 3 replicas"),
        ({"min": 3, "max": 3}, "", "= 3"),
        ({"max": 0.05, "from_steady": True}, "seconds", "≤ steady + 50 ms"),
        ({"min": -1, "from_steady": True}, "replicas", "≥ steady - 1 replica"),
        ({}, "", "any value"),
    ],
)
def test_bounds_read_as_people_write_them(bounds, unit, shown):
    assert text.bounds(Bounds(**bounds), unit) == shown


def test_moments_and_distances_are_short_and_in_utc():
    assert text.moment(NOON) == "2026-03-03 12:00:00Z"
    assert text.offset(timedelta(seconds=-65)) == "T-01:05"
    assert text.offset(timedelta(hours=1, seconds=5)) == "T+1:00:05"
    assert text.offset(timedelta(seconds=-0.2)) == "T+00:00"
    assert text.around(Interval(low=NOON, high=NOON)) == "12:00:00.0"
    assert text.between(timedelta(seconds=2), timedelta(seconds=4)) == "3 s [2 s, 4 s]"


def test_foreign_text_loses_what_acts_and_what_is_too_long():
    assert text.clean("\x1b]0;title\x07\x1b[31mred\x1b[0m\x00\u202eend\ud800") == "red��end�"
    assert text.clean("x" * 1000) == "x" * 299 + "…"


def test_lists_and_plurals_read_well():
    assert [text.listed(some) for some in ([], ["a"], ["a", "b"], "abc")] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
    assert [text.plural(n, "near miss") for n in (1, 2)] == ["1 near miss", "2 near misses"]
    assert text.plural(3, "entry") == "3 entries"
    assert text.plural(1200, "reading") == "1,200 readings"


def test_a_spark_rises_with_its_values():
    assert text.sparkline([0, 1, 2, 7]) == "▁▂▃█"
    assert text.sparkline([5, 5]) == "▁▁"
    assert text.sparkline([]) == ""


def test_every_event_but_a_reading_has_words():
    kinds = AnyEvent.__origin__.__args__
    silent = {kind.__name__ for kind in kinds if kind not in {**words.RUN, **words.ENTRY}}
    assert silent == {"Started", "Refused", "Stopped", "Measured", "Noticed", "Trouble"}


def test_a_fault_is_told_by_its_kind_and_what_was_asked_for():
    body = {
        "kind": "latency",
        "addedLatency": "200ms",
        "share": 0.5,
        "jitter": None,
        "deep": {"a": 1},
        "off": False,
    }
    assert words.fault(body) == "latency added latency 200ms, share 0.5"
    assert words.fault({"kind": "pod-kill", "force": True}) == "pod-kill force true"


def test_every_kind_of_change_is_told():
    plan = (
        Patch(ref=POD, edits=(Edit(path="/spec/a~1b/c", before=None, after=[1, 2]),)),
        Create(ref=POD, body={}),
        Delete(ref=POD, uid="1"),
        Delete(ref=POD.model_copy(update={"name": "fraud-2"}), uid="2"),
        Banish(owner=POD, nodes=("n1", "n2")),
        Evict(owner=POD, nodes=("n1",)),
        Switch(proxies=POD, port=1, fault={"kind": "latency"}),
    )
    assert words.changes(plan) == (
        "Pod models/fraud-1 spec.a/b.c absent → (2 values)",
        "create Pod models/fraud-1",
        "keep the pods of Pod models/fraud-1 off n1 and n2",
        "evict the pods of Pod models/fraud-1 from n1",
        "through Pod models/fraud-1: latency",
        "delete 2 Pods: fraud-1 and fraud-2",
    )


def test_what_undoing_came_to_is_counted():
    assert (
        words.outcomes((Outcome.UNDONE, Outcome.UNDONE, Outcome.ALREADY_BACK)) == "undone (2), already back"
    )
    assert words.outcomes(()) == "nothing to undo"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("errors ≤ 2 % over the run", "errors over the run"),
        ("p99 ≤ steady + 150 ms", "p99"),
        ("ready ≥ 3 pods", "ready"),
        ("rollback within 45 s", "rollback"),
        ("correct enough", "correct enough"),
        (" ≤ 1 %", " ≤ 1 %"),
    ],
)
def test_a_name_that_repeats_its_bound_is_shortened(name, shown):
    assert words.label(Check(name=name, role=Role.EXPECT)) == shown


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("latency: requests touched", "requests touched"),
        ("a name that nobody can read", "a name that nobod…"),
        ("odd: ", "odd: "),
    ],
)
def test_a_label_beside_a_lane_is_short(label, shown):
    assert words.short(label) == shown


def test_counts_of_things_have_separators_and_fit_their_number():
    assert [text.quantity(n, "requests") for n in (1, 1158, 0.5)] == [
        "1 request",
        "1,158 requests",
        "0.5 requests",
    ]
