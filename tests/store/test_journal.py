import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store.samples import Measured, Noted, counts, fill, level, measured, second, started

from chaosctl.errors import Fenced, Invalid, StoreError
from chaosctl.model import Counts, Level
from chaosctl.store import Store
from chaosctl.store.readings import compact

moments = st.datetimes(timezones=st.just(UTC))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
counted = st.builds(
    Counts,
    bad=st.integers(0, 2**50),
    n=st.integers(1, 2**50),
    start=moments,
    end=moments,
    first_bad=st.none() | moments,
    last_bad=st.none() | moments,
    complement=st.booleans(),
)
levels = st.builds(
    Level,
    value=st.floats(allow_nan=False, allow_infinity=False),
    start=moments,
    end=moments,
    n=st.integers(1, 2**50),
    detail=texts,
)
readings = st.builds(
    Measured, at=moments, check=texts, reading=st.none() | counted | levels, why=st.just("") | texts
)


def test_events_come_back_as_they_were_written_and_in_order(store):
    events = [started(), measured(1), Noted(type="opened"), measured(2), measured(3), Noted(type="finished")]
    with store.journal("r1") as journal:
        for event in events:
            journal.append(event)
    assert [event.model_dump(mode="json") for event in events] == list(store.events("r1"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(readings, max_size=5))
def test_any_reading_comes_back_exactly_through_the_columns(store, some):
    with store.journal("any") as journal:
        before = len(list(store.events("any")))
        for event in some:
            journal.append(event)
    back = [Measured.model_validate(event) for event in store.events("any")][before:]
    assert some == back
    assert store.verify("any").intact


@pytest.mark.parametrize(
    "reading",
    [None, counts(0, start=1), counts(7, start=2), level(0.25, start=3), level(float(2**60), start=4)],
)
def test_a_reading_is_kept_in_columns_not_in_json(reading):
    assert compact(Measured(at=second(0), check="c", reading=reading).model_dump(mode="json"))


def test_what_columns_cannot_say_is_kept_in_the_chain_all_the_same(store):
    odd = {"type": "measured", "at": "2026-03-01T10:00:00+02:00", "check": "c", "reading": None, "why": "x"}
    assert compact(odd) is None
    assert compact({"type": "measured"}) is None
    local = Measured(at=datetime.fromisoformat(odd["at"]), check="c", reading=None, why="x")
    with store.journal("r1") as journal:
        journal.append(local)
    assert [odd] == list(store.events("r1"))


@pytest.mark.parametrize("text", ["no\0body", "\U0001f525" * 601], ids=["a NUL", "long"])
def test_a_text_that_not_every_database_keeps_is_kept_in_the_chain(store, text):
    odd = Measured(at=second(0), check="c", reading=None, why=text)
    assert compact(odd.model_dump(mode="json")) is None
    with store.journal("r1") as journal:
        journal.append(odd)
        journal.append(Measured(at=second(0), check="\U0001f525" * 600, reading=None, why=""))
    assert next(store.events("r1"))["why"] == text
    assert (store.verify("r1").intact, store.verify("r1").readings) == (True, 1)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_cannot_say_is_refused_and_nothing_is_written(store, value):
    journal = store.journal("r1")
    with pytest.raises(StoreError, match="cannot be written as JSON"):
        journal.append(Measured(at=second(0), check="c", reading=level(value, start=0)))
    journal.append(measured(1))
    assert len(list(store.events("r1"))) == 1


def test_numbers_of_events_leave_out_the_stores_own_rows(store):
    fill(store, readings=65)
    numbers = [record.seq for record in store.records("r1")]
    sealed = {67, 69}  # after 64 readings, and before the next event
    assert numbers == [n for n in range(1, 72) if n not in sealed]
    assert [record.seq for record in store.records("r1", after=68)] == [70, 71]


def test_a_second_opening_goes_on_where_the_first_one_was(place):
    with Store(place.where) as store:
        journal = store.journal("r1")
        journal.append(started())
        journal.append(measured(1))
    with Store(place.where) as store, store.journal("r1") as journal:
        journal.append(measured(2))
        journal.append(Noted(type="finished"))
        assert [event["type"] for event in store.events("r1")] == [
            "started",
            "measured",
            "measured",
            "finished",
        ]
        assert store.verify("r1").intact


def test_whoever_takes_a_journal_over_shuts_out_the_writer_before(store):
    first = store.journal("r1")
    first.append(started())
    second_writer = store.journal("r1")
    for event in (measured(1), Noted(type="trouble")):
        with pytest.raises(Fenced, match="another process goes on with its journal"):
            first.append(event)
    second_writer.append(measured(2))
    assert len(list(store.events("r1"))) == 2
    assert store.verify("r1").intact


def test_a_new_journal_can_be_claimed_as_long_as_it_is_empty(store):
    store.new_journal("r1")
    first = store.new_journal("r1")
    first.append(started())
    with pytest.raises(Fenced, match="run r1: another process has begun it"):
        store.new_journal("r1")
    first.append(Noted(type="trouble"))
    assert len(list(store.events("r1"))) == 2


def test_closing_seals_the_last_readings_and_an_error_leaves_it_to_the_next_writer(store):
    journal = store.journal("r1")
    journal.append(measured(1))
    with pytest.raises(ZeroDivisionError), journal:
        raise ZeroDivisionError
    assert store.verify("r1").unsealed == 1
    with store.journal("r1"):
        pass
    proof = store.verify("r1")
    assert (proof.unsealed, proof.readings, proof.links, proof.fault) == (0, 1, 1, "")


def test_the_list_of_runs_says_how_far_each_one_is(store):
    with store.journal("abc1") as journal:
        journal.append(started("abc1", playbook="latency"))
        (run,) = store.runs()
        assert (run.playbook, run.target, run.phase, run.ended) == ("latency", "models/fraud", "steady", "")
        journal.append(Noted(type="finished", at=second(9)))
    store.conclude("abc1", "passed")
    (run,) = store.runs()
    assert (run.started, run.ended) == ("2026-03-01T10:00:00Z", "2026-03-01T10:00:09Z")
    assert (run.phase, run.verdict) == ("done", "passed")


def test_the_list_of_runs_says_who_asked_for_each_one(store):
    with store.journal("asked") as journal:
        journal.append(started("asked", origin="models/nightly-202603011000"))
    with store.journal("own") as journal:
        journal.append(started("own"))
    assert {run.id: run.origin for run in store.runs()} == {"asked": "models/nightly-202603011000", "own": ""}


def test_a_run_is_known_from_its_first_event_on_and_unfinished_until_its_last(store):
    assert not store.known("r1")
    journal = store.journal("r1")
    assert (store.known("r1"), store.unfinished()) == (False, [])
    journal.append(started())
    assert (store.known("r1"), store.unfinished()) == (True, ["r1"])
    journal.append(Noted(type="finished", at=second(9)))
    assert (store.known("r1"), store.unfinished()) == (True, [])


def test_unfinished_runs_come_in_the_order_in_which_they_started(store):
    for run, when in (("b", 2), ("a", 3), ("c", 1)):
        with store.journal(run) as journal:
            journal.append(started(run).model_copy(update={"at": second(when)}))
    assert store.unfinished() == ["c", "b", "a"]


def test_the_list_of_runs_can_be_derived_from_the_journals_alone(store, place):
    fill(store, "one")
    with store.journal("two") as journal:
        refused = started("two").model_dump(mode="json") | {"type": "refused"}
        journal.append(Noted(type="noise"))
        journal.append(AnyEvent(refused))
    before = store.runs()
    place.edit("DELETE FROM summaries")
    store.rebuild()
    assert before == store.runs()
    assert {run.id: run.verdict for run in before} == {"one": "", "two": "refused"}


def test_a_run_is_found_by_the_beginning_of_its_name(store):
    for run in ("7f3k", "7f3", "8a%1"):
        with store.journal(run) as journal:
            journal.append(started(run))
    assert store.find("7f3") == "7f3"
    assert store.find("8") == "8a%1"
    with pytest.raises(Invalid, match="no run begins with '%'"):
        store.find("%")
    with pytest.raises(Invalid, match="'7' may be 7f3, 7f3k: write more of it"):
        store.find("7")


def test_a_closed_store_says_so(place):
    store = Store(place.where)
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.runs()


class AnyEvent(Noted):
    """An event given as JSON."""

    def __init__(self, body):
        super().__init__(type=body["type"])
        object.__setattr__(self, "body", json.loads(json.dumps(body)))

    def model_dump(self, **_):
        return self.__dict__["body"]
